package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/google/uuid"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// Mode says what a store records.
type Mode int

// The modes. The zero value records the names of changed members without their values.
const (
	Members Mode = iota
	Values       // the old and new values too
	Off
)

// The actions of records.
const (
	Create = "create"
	Update = "update"
	Delete = "delete"
)

// Hash is the SHA-256 of a record and of all records before it in its chain.
type Hash [sha256.Size]byte

// Record describes one accepted change.
type Record struct {
	Chain  edm.Guid
	Number int64 // in the chain, from 1 on
	Time   time.Time
	Action string
	Key    pfx.Key
	Author pfx.Author
	Before pfx.Version // 0 if the object is new
	After  pfx.Version // 0 if it was deleted
	// Changes is a JSON array of the changed members: {"member": "status"}, in mode Values also with "old" and "new". A
	// creation has only new values and a deletion only old ones, both in mode Values alone.
	Changes string
	Hash    Hash
}

// NewRecord returns the record of a change, which is not in a chain yet. before is nil for a creation, after for a
// deletion.
func NewRecord(mode Mode, now time.Time, author pfx.Author, before, after *pfx.Request) Record {
	r := Record{Time: now.UTC().Truncate(time.Microsecond), Author: author, Action: Update, Changes: changes(mode, before, after)}
	switch {
	case before == nil:
		r.Action, r.Key, r.After = Create, after.Key(), after.Version
	case after == nil:
		r.Action, r.Key, r.Before = Delete, before.Key(), before.Version
	default:
		r.Key, r.Before, r.After = after.Key(), before.Version, after.Version
	}
	return r
}

// follow returns the hash of a record that comes after the record with the given hash. Each text is preceded by its length,
// so different records have different bytes.
func (r *Record) follow(previous Hash) Hash {
	b := make([]byte, 0, 512)
	text := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	number := func(n int64) { b = binary.BigEndian.AppendUint64(b, uint64(n)) }
	b = append(b, previous[:]...)
	b = append(b, r.Chain[:]...)
	number(r.Number)
	number(r.Time.UnixMicro())
	b = append(b, r.Key.Tenant[:]...)
	number(int64(r.Before))
	number(int64(r.After))
	for _, s := range []string{r.Action, r.Key.ID, r.Author.Subject, r.Author.App, r.Author.Token, r.Author.Request, r.Changes} {
		text(s)
	}
	return sha256.Sum256(b)
}

// Chain is a writer's position in its chain. It is a plain value for one goroutine: keep a copy, to return to it after a
// failed transaction.
type Chain struct {
	ID     edm.Guid
	Number int64 // of the last record
	Hash   Hash  // of the last record
}

// NewChain starts a chain.
func NewChain() Chain { return Chain{ID: edm.Guid(uuid.New())} }

// Append adds a record to the end of the chain.
func (c *Chain) Append(r *Record) {
	r.Chain, r.Number = c.ID, c.Number+1
	r.Hash = r.follow(c.Hash)
	c.Number, c.Hash = r.Number, r.Hash
}
