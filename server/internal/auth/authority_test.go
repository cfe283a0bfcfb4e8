package auth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
)

const (
	audience   = "api://pfxrecryption"
	otherAud   = "00000000-aaaa-bbbb-cccc-000000000001"
	tenant     = "f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9"
	readWrite  = "DeviceManagementConfiguration.ReadWrite.All"
	readOnly   = "DeviceManagementConfiguration.Read.All"
	v1Template = "/sts/{tenantid}/"
	v2Template = "/{tenantid}/v2.0"
)

// epoch is the time at which every test starts.
var epoch = time.Unix(1_790_000_000, 0)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// clock is a clock that only the test advances.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time          { return epoch.Add(time.Duration(c.offset.Load())) }
func (c *clock) advance(d time.Duration) { c.offset.Add(int64(d)) }

// RSA keys are slow to generate, so all tests share them.
var (
	rsaKey   = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	rsaOther = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	rsaSmall = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 1024)) })
	ecKey    = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	ecOther  = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func b64[T ~string | ~[]byte](v T) string { return base64.RawURLEncoding.EncodeToString([]byte(v)) }

func rsaJWK(kid string, k *rsa.PublicKey, more map[string]any) map[string]any {
	j := map[string]any{"kty": "RSA", "kid": kid, "use": "sig", "n": b64(k.N.Bytes()), "e": b64(big.NewInt(int64(k.E)).Bytes())}
	maps.Copy(j, more)
	return j
}

func ecJWK(kid string, k *ecdsa.PublicKey, more map[string]any) map[string]any {
	point := must(k.Bytes())[1:]
	j := map[string]any{"kty": "EC", "kid": kid, "use": "sig", "crv": k.Curve.Params().Name, "x": b64(point[:len(point)/2]), "y": b64(point[len(point)/2:])}
	maps.Copy(j, more)
	return j
}

// authority imitates Entra: two issuers, one of each version, on one server.
type authority struct {
	url       string
	keys      atomic.Value // string: the JWK set
	broken    atomic.Pointer[http.HandlerFunc]
	keyHits   atomic.Int64
	otherHits atomic.Int64
}

// newAuthority serves keys until the test ends. With a transport instead of a server it works in a synctest bubble.
func newAuthority(t testing.TB, keys ...map[string]any) *authority {
	t.Helper()
	a := &authority{}
	a.setKeys(keys...)
	srv := httptest.NewServer(a)
	t.Cleanup(srv.Close)
	a.url = srv.URL
	return a
}

func (a *authority) setKeys(keys ...map[string]any) {
	a.keys.Store(string(must(json.Marshal(map[string]any{"keys": keys}))))
}

func (a *authority) fail(h http.HandlerFunc) {
	if h == nil {
		a.broken.Store(nil)
		return
	}
	a.broken.Store(&h)
}

func (a *authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	keys := strings.HasSuffix(r.URL.Path, "/keys")
	if keys {
		a.keyHits.Add(1)
	} else {
		a.otherHits.Add(1)
	}
	if h := a.broken.Load(); h != nil {
		(*h)(w, r)
		return
	}
	switch r.URL.Path {
	case "/common/v2.0/.well-known/openid-configuration":
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": a.url + v2Template, "jwks_uri": a.url + "/v2/keys"})
	case "/sts/common/.well-known/openid-configuration":
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": a.url + v1Template, "jwks_uri": a.url + "/v1/keys"})
	case "/v1/keys", "/v2/keys":
		fmt.Fprint(w, a.keys.Load())
	default:
		http.NotFound(w, r)
	}
}

// newVerifier trusts both issuers of a.
func newVerifier(t testing.TB, a *authority, c *clock, change ...func(*auth.Config)) *auth.Verifier {
	t.Helper()
	config := auth.Config{Issuers: []string{a.url + v2Template, a.url + v1Template}, Audiences: []string{audience, otherAud}, Now: c.now}
	for _, f := range change {
		f(&config)
	}
	v, err := auth.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

// forge makes tokens, which are valid unless changed.
type forge struct {
	header, claims         map[string]any
	headerText, claimsText string // instead of the maps
	key                    any    // private key; []byte for HMAC; nil for no signature
	tail                   func(token string) string
}

// newForge returns the forge of a valid token, signed by rsaKey as "rsa".
func newForge(issuer string) *forge {
	now := epoch.Unix()
	return &forge{
		header: map[string]any{"typ": "JWT", "alg": "RS256", "kid": "rsa"},
		claims: map[string]any{
			"iss": strings.Replace(issuer, "{tenantid}", tenant, 1), "aud": audience, "tid": tenant, "oid": "subject", "sub": "pairwise",
			"azp": "app", "roles": []string{readWrite}, "iat": now, "nbf": now, "exp": now + 3599, "ver": "2.0",
		},
		key: rsaKey(),
	}
}

func (f *forge) token() string {
	if f.headerText == "" {
		f.headerText = string(must(json.Marshal(f.header)))
	}
	if f.claimsText == "" {
		f.claimsText = string(must(json.Marshal(f.claims)))
	}
	input := b64(f.headerText) + "." + b64(f.claimsText)
	token := input + "." + b64(f.sign(input))
	if f.tail != nil {
		token = f.tail(token)
	}
	return token
}

func (f *forge) sign(input string) []byte {
	sum := sha256.Sum256([]byte(input))
	switch key := f.key.(type) {
	case *rsa.PrivateKey:
		if f.header["alg"] == "PS256" {
			return must(rsa.SignPSS(rand.Reader, key, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}))
		}
		return must(rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:]))
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
		if err != nil {
			panic(err)
		}
		size := (key.Curve.Params().BitSize + 7) / 8
		return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
	case []byte:
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(input))
		return mac.Sum(nil)
	}
	return nil
}

func bearer(token string) []string { return []string{"Bearer " + token} }
