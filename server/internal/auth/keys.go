package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// key is a public key of an issuer that can verify tokens. It is immutable. While the issuer publishes the same key, it
// stays the same *key across refreshes, so a pointer shows whether a cached token's key is current.
type key struct {
	public     crypto.PublicKey
	algorithms []jose.SignatureAlgorithm // that tokens with this key may name
	issuer     string                    // the only issuer it may sign for, or a template; empty: any of its source
}

func (k *key) equal(other *key) bool {
	public, ok := k.public.(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(other.public) && slices.Equal(k.algorithms, other.algorithms) && k.issuer == other.issuer
}

// keySet is what an issuer published at one time. It is immutable.
type keySet struct {
	keys      map[string]*key // by kid
	withdrawn map[string]bool // kids that the issuer published before; not all, see maxWithdrawn
	fetched   time.Time
}

// maxWithdrawn bounds the withdrawn kids that are kept for one issuer.
const maxWithdrawn = 1000

// withdrawnKids returns the kids in old that are not in keys.
func withdrawnKids(old *keySet, keys map[string]*key) map[string]bool {
	kids := make(map[string]bool)
	if old == nil {
		return kids
	}
	for kid := range old.keys {
		kids[kid] = keys[kid] == nil
	}
	for kid := range old.withdrawn {
		if len(kids) < maxWithdrawn {
			kids[kid] = keys[kid] == nil
		}
	}
	maps.DeleteFunc(kids, func(_ string, withdrawn bool) bool { return !withdrawn })
	return kids
}

// equal reports whether both sets have the same keys.
func (s *keySet) equal(other *keySet) bool {
	return maps.Equal(s.keys, other.keys) // the same key has the same address, see key
}

// jwk has the relevant members of RFC 7517 and RFC 7518 §6, and Entra's `issuer`. Certificates are ignored: a key is trusted
// because of where it was fetched from.
type jwk struct {
	Kty    string         `json:"kty"`
	Kid    string         `json:"kid,omitempty"`
	Use    string         `json:"use,omitempty"`
	KeyOps []string       `json:"key_ops,omitempty"`
	Alg    string         `json:"alg,omitempty"`
	N      string         `json:"n,omitempty"`
	E      string         `json:"e,omitempty"`
	Crv    string         `json:"crv,omitempty"`
	X      string         `json:"x,omitempty"`
	Y      string         `json:"y,omitempty"`
	Issuer string         `json:"issuer,omitempty"`
	D      jsontext.Value `json:"d,omitzero"`
}

// parseKeys parses a JWK set. Keys that cannot verify tokens are skipped and logged: RFC 7517 §5 requires ignoring unknown
// ones. A kid of two keys is skipped. A set without a usable key is an error.
func parseKeys(text []byte, old *keySet, log *slog.Logger) (map[string]*key, error) {
	var set struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("decoding the JWK set: %w", err)
	}
	keys := make(map[string]*key, len(set.Keys))
	twice := make(map[string]bool)
	for i, text := range set.Keys {
		kid, k, err := parseKey(text)
		if err != nil {
			log.Warn("key skipped", "index", i, "err", err)
			continue
		}
		if other, ok := keys[kid]; ok && !other.equal(k) {
			log.Warn("key skipped", "index", i, "err", "two keys have its kid")
			twice[kid] = true
		}
		if old != nil && old.keys[kid] != nil && old.keys[kid].equal(k) {
			k = old.keys[kid]
		}
		keys[kid] = k
	}
	for kid := range twice {
		delete(keys, kid)
	}
	if len(keys) == 0 {
		return nil, errors.New("the JWK set has no key that can verify a token")
	}
	return keys, nil
}

// parseKey parses a public key and binds it to its algorithms (RFC 8725 §3.1: the key decides, not the token).
func parseKey(text []byte) (string, *key, error) {
	var j jwk
	if err := json.Unmarshal(text, &j); err != nil {
		return "", nil, fmt.Errorf("decoding a JWK: %w", err)
	}
	switch {
	case j.Kid == "":
		return "", nil, errors.New("it has no kid")
	case j.Use == "enc" || j.KeyOps != nil && !slices.Contains(j.KeyOps, "verify"):
		return "", nil, errors.New("it is not for signatures")
	case j.D != nil:
		return "", nil, errors.New("it is a private key")
	}
	text, err := json.Marshal(jwk{Kty: j.Kty, N: j.N, E: j.E, Crv: j.Crv, X: j.X, Y: j.Y})
	if err != nil {
		return "", nil, fmt.Errorf("encoding a JWK: %w", err)
	}
	var parsed jose.JSONWebKey
	if err := parsed.UnmarshalJSON(text); err != nil {
		return "", nil, fmt.Errorf("reading a JWK: %w", err)
	}
	k := &key{issuer: j.Issuer}
	switch public := parsed.Key.(type) {
	case *rsa.PublicKey:
		// RFC 7518 §3.3 requires 2048 bits; beyond 8192 a signature costs milliseconds. With e = 1 anyone can sign.
		if bits := public.N.BitLen(); bits < 2048 || bits > 8192 || public.E <= 1 || public.E%2 == 0 || public.E > math.MaxInt32 {
			return "", nil, errors.New("its RSA modulus or exponent is out of range")
		}
		k.public, k.algorithms = public, []jose.SignatureAlgorithm{jose.RS256, jose.PS256}
	case *ecdsa.PublicKey:
		if public.Curve != elliptic.P256() {
			return "", nil, errors.New("its curve is not P-256")
		}
		k.public, k.algorithms = public, []jose.SignatureAlgorithm{jose.ES256}
	default:
		return "", nil, errors.New("its type is not RSA or EC")
	}
	if j.Alg != "" {
		if !slices.Contains(k.algorithms, jose.SignatureAlgorithm(j.Alg)) {
			return "", nil, errors.New("its algorithm is not allowed for its type")
		}
		k.algorithms = []jose.SignatureAlgorithm{jose.SignatureAlgorithm(j.Alg)}
	}
	return j.Kid, k, nil
}
