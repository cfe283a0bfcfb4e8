package audit

import (
	"encoding/hex"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
)

// Block holds consecutive records of one chain. A store keeps it in one row: a row for each record would cost half as much
// CPU as the updates themselves.
type Block struct {
	Chain  edm.Guid
	Number int64 // of the first record
	// Records is a JSON array of records. Each is an array of time in microseconds since 1970, action, tenant, object,
	// before, after, subject, app, token, request, changes, and hash in hexadecimal digits. A store's view audit_record
	// shows them as rows.
	Records string
}

// NewBlock returns the block of one or more records.
func NewBlock(records []Record) Block {
	b := make([]byte, 0, 512*len(records))
	for i := range records {
		b = records[i].append(append(b, ','))
	}
	b[0] = '['
	return Block{records[0].Chain, records[0].Number, string(append(b, ']'))}
}

func (r *Record) append(b []byte) []byte {
	text := func(s string) {
		b, _ = jsontext.AppendQuote(append(b, ','), s) // the only error is invalid UTF-8, which no store keeps
	}
	number := func(n int64) { b = strconv.AppendInt(append(b, ','), n, 10) }
	b = strconv.AppendInt(append(b, '['), r.Time.UnixMicro(), 10)
	text(r.Action)
	text(r.Key.Tenant.String())
	text(r.Key.ID)
	number(int64(r.Before))
	number(int64(r.After))
	for _, s := range []string{r.Author.Subject, r.Author.App, r.Author.Token, r.Author.Request, r.Changes} {
		text(s)
	}
	return append(hex.AppendEncode(append(b, `,"`...), r.Hash[:]), `"]`...)
}

// Following returns the records of a chain with a number above the given one.
func Following(chain edm.Guid, number int64, records []Record) []Record {
	var following []Record
	for i := range records {
		if r := &records[i]; r.Chain == chain && r.Number > number {
			following = append(following, *r)
		}
	}
	return following
}
