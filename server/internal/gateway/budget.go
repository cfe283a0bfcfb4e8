package gateway

import (
	"golang.org/x/sync/semaphore"

	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// Budget bounds the bytes of bodies that are held at once, in both directions, by all gates that share it. It counts
// received bytes, not the length that a message declares. It is safe for concurrent use.
type Budget struct{ bytes *semaphore.Weighted }

// NewBudget returns a budget in bytes.
func NewBudget(bytes int64) *Budget { return &Budget{semaphore.NewWeighted(bytes)} }

// DefaultBudget is the budget, in bytes, that gates without their own share.
const DefaultBudget = 256 << 20

var sharedBudget = NewBudget(DefaultBudget)

var _ graph.Budget = (*Budget)(nil)

// Take reserves bytes. It returns false if too few are left.
func (b *Budget) Take(bytes int) bool { return b.bytes.TryAcquire(int64(bytes)) }

// Give returns reserved bytes.
func (b *Budget) Give(bytes int) { b.bytes.Release(int64(bytes)) }
