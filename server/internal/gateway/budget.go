package gateway

import (
	"golang.org/x/sync/semaphore"

	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// Budget bounds the bytes of bodies that are held at once, in both directions, by all gates that share it. It counts bytes
// that are there, not those that a message claims to have. It is safe for concurrent use.
type Budget struct{ bytes *semaphore.Weighted }

// NewBudget returns a budget of so many bytes.
func NewBudget(bytes int64) *Budget { return &Budget{semaphore.NewWeighted(bytes)} }

// DefaultBudget is the length in bytes of the budget of gates that are given none.
const DefaultBudget = 256 << 20

var sharedBudget = NewBudget(DefaultBudget)

var _ graph.Budget = (*Budget)(nil)

// Take takes bytes, or reports false if there are not as many.
func (b *Budget) Take(bytes int) bool { return b.bytes.TryAcquire(int64(bytes)) }

// Give gives back what was taken.
func (b *Budget) Give(bytes int) { b.bytes.Release(int64(bytes)) }
