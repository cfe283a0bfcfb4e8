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
	// before, after, subject, app, token, request, changes, and hash in hexadecimal digits. If
	// an earlier record of the block has the same text, its index is written instead of the text. Most records of a block
	// have the same authors, and a shorter block costs less. A store's view audit_record shows the records as rows with all their texts.
	Records string
}

// NewBlock returns the block of one or more records.
func NewBlock(records []Record) Block {
	w := blockWriter{text: make([]byte, 0, 224*(len(records)+1)), first: map[textAt]int{}}
	for i := range records {
		w.index = i
		w.write(&records[i])
	}
	w.text[0] = '['
	return Block{records[0].Chain, records[0].Number, string(append(w.text, ']'))}
}

// blockWriter appends records to the text of a block.
type blockWriter struct {
	text   []byte
	index  int            // of the record
	first  map[textAt]int // the index of the first record with a text
	tenant edm.Guid       // of last
	last   [12]struct {   // the texts of the record before, which most records repeat: faster than first
		text  string
		first int
	}
}

// textAt is a text in a place of a record.
type textAt struct {
	place int
	text  string
}

func (w *blockWriter) write(r *Record) {
	w.text = strconv.AppendInt(append(w.text, ",["...), r.Time.UnixMicro(), 10)
	w.shared(1, r.Action)
	w.shared(2, w.tenantText(r.Key.Tenant))
	w.quote(r.Key.ID)
	w.number(int64(r.Before))
	w.number(int64(r.After))
	w.shared(6, r.Author.Subject)
	w.shared(7, r.Author.App)
	w.shared(8, r.Author.Token)
	w.quote(r.Author.Request)
	w.shared(10, r.Changes)
	w.text = append(hex.AppendEncode(append(w.text, `,"`...), r.Hash[:]), `"]`...)
}

func (w *blockWriter) tenantText(tenant edm.Guid) string {
	if w.index > 0 && tenant == w.tenant {
		return w.last[2].text
	}
	w.tenant = tenant
	return tenant.String()
}

// shared writes a text that records may have in common.
func (w *blockWriter) shared(place int, text string) {
	last := &w.last[place]
	if w.index == 0 || text != last.text {
		at := textAt{place, text}
		first, ok := w.first[at]
		if !ok {
			first = w.index
			w.first[at] = first
		}
		last.text, last.first = text, first
	}
	if last.first == w.index {
		w.quote(text)
	} else {
		w.number(int64(last.first))
	}
}

func (w *blockWriter) quote(text string) {
	w.text, _ = jsontext.AppendQuote(append(w.text, ','), text) // the only error is invalid UTF-8, which no store keeps
}

func (w *blockWriter) number(n int64) { w.text = strconv.AppendInt(append(w.text, ','), n, 10) }

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
