package auth

import (
	"crypto/sha256"
	"fmt"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// maxCached is how long a verified token is accepted without another check.
const maxCached = 5 * time.Minute

// cacheKey is the SHA-256 of a whole token, signature included.
type cacheKey [sha256.Size]byte

// keyOf copies tokens of common length to the stack, not to the heap.
func keyOf(token string) cacheKey {
	var usual [2 << 10]byte
	return sha256.Sum256(append(usual[:0], token...))
}

// verified is a token that passed every check, with its principal and the conditions of its validity.
type verified struct {
	principal *Principal
	ring      keyring
	kid       string
	key       *key
	until     time.Time // monotonic clock: setting the clock back does not extend it
	since     time.Time // wall clock: if it is set back before this, nbf and iat need another check
	expires   time.Time // wall clock: it may be set forward past this at any time
}

// holds reports whether the checks would pass again: it has not expired and the same key is still its issuer's.
func (e *verified) holds(now time.Time) bool {
	if !now.Before(e.until) || now.Before(e.since) || !now.Before(e.expires) {
		return false
	}
	set := e.ring.current()
	return set != nil && set.keys[e.kid] == e.key
}

// cache keeps the most recently used verified tokens. It is safe for concurrent use.
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

// get returns the principal of a token that is still valid, or nil.
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

// put caches a token until exp, for at most maxCached. After exp, within the tolerated clock skew, it is not cached.
func (c cache) put(k cacheKey, e *verified, now, exp time.Time) {
	e.until, e.since, e.expires = now.Add(maxCached), now.Round(0), exp // Round removes the monotonic reading
	if now.Before(e.expires) {
		c.entries.Add(k, e)
	}
}
