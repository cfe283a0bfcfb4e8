package auth

import (
	"crypto/sha256"
	"fmt"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// maxCached is how long a verified token is believed without another look.
const maxCached = 5 * time.Minute

// cacheKey is the SHA-256 of a whole token, signature included.
type cacheKey [sha256.Size]byte

// keyOf copies tokens of the usual length to the stack, not to the heap.
func keyOf(token string) cacheKey {
	var usual [2 << 10]byte
	return sha256.Sum256(append(usual[:0], token...))
}

// verified is a token that passed every check: who it speaks of, and what its truth hangs on.
type verified struct {
	principal *Principal
	ring      keyring
	kid       string
	key       *key
	until     time.Time // by the monotonic clock: setting the clock back makes it no later
	since     time.Time // by the wall clock, which may be set back before it: then nbf and iat need another look
	expires   time.Time // by the wall clock, which may be set forward past it at any time
}

// holds reports whether the checks would pass again: time has not run out and the very same key is still its issuer's.
func (e *verified) holds(now time.Time) bool {
	if !now.Before(e.until) || now.Before(e.since) || !now.Before(e.expires) {
		return false
	}
	set := e.ring.current()
	return set != nil && set.keys[e.kid] == e.key
}

// cache remembers verified tokens, the most recently used ones. It is safe for concurrent use.
type cache struct {
	entries *lru.Cache[cacheKey, *verified]
}

func newCache(size int) (cache, error) {
	entries, err := lru.New[cacheKey, *verified](size)
	if err != nil {
		return cache{}, fmt.Errorf("making the cache: %w", err)
	}
	return cache{entries}, nil
}

// get returns the principal of a token that was verified and would be again, or nil.
func (c cache) get(k cacheKey, now time.Time) *Principal {
	e, ok := c.entries.Get(k)
	if !ok {
		return nil
	}
	if !e.holds(now) {
		c.entries.Remove(k)
		return nil
	}
	return e.principal
}

// put remembers a token until exp, at most maxCached. In the grace that clock skew grants after exp it is not remembered.
func (c cache) put(k cacheKey, e *verified, now, exp time.Time) {
	e.until, e.since, e.expires = now.Add(maxCached), now.Round(0), exp // Round takes the monotonic reading off
	if now.Before(e.expires) {
		c.entries.Add(k, e)
	}
}
