package app

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// certificate is a certificate chain and its key, read from two files. The last valid pair is in effect.
type certificate struct {
	certFile, keyFile string
	pair              atomic.Pointer[tls.Certificate]
}

// load reads the files and reports whether the chain has changed. On an error the current pair stays in effect.
func (c *certificate) load(now time.Time) (bool, error) {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return false, fmt.Errorf("loading --tls-cert and --tls-key: %w", err)
	}
	old := c.pair.Load()
	switch {
	case old == nil:
	case isSameChain(old, &pair):
		return false, nil
	case now.After(pair.Leaf.NotAfter):
		return false, errors.New("loading --tls-cert: the certificate expired on " + pair.Leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	c.pair.Store(&pair)
	return true, nil
}

func isSameChain(a, b *tls.Certificate) bool {
	if len(a.Certificate) != len(b.Certificate) {
		return false
	}
	for i := range a.Certificate {
		if !bytes.Equal(a.Certificate[i], b.Certificate[i]) {
			return false
		}
	}
	return true
}

// get returns the certificate for a handshake. Open connections keep theirs.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.pair.Load(), nil }

// expiry returns when the current pair expires.
func (c *certificate) expiry() time.Time { return c.pair.Load().Leaf.NotAfter }
