package auth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
)

const (
	msgEmpty    = "Access token is empty."
	msgExpired  = "Lifetime validation failed, the token is expired."
	msgAudience = "Access token validation failure. Invalid audience."
	msgOther    = "Access token validation failure. "
)

// refused checks that err has the reason and repeats nothing of the token.
func refused(t *testing.T, err error, reason auth.Reason, token string) {
	t.Helper()
	e, ok := errors.AsType[*auth.Error](err)
	if !ok {
		t.Fatalf("got error %v, want an *auth.Error", err)
	}
	if e.Reason != reason {
		t.Fatalf("got reason %d (%v), want %d", e.Reason, e, reason)
	}
	want := map[auth.Reason]string{auth.Invalid: msgOther, auth.Missing: msgEmpty, auth.Expired: msgExpired, auth.Audience: msgAudience, auth.Unavailable: "The keys "}[reason]
	if !strings.HasPrefix(e.Msg, want) {
		t.Errorf("got message %q, want it to begin with %q", e.Msg, want)
	}
	for part := range strings.SplitSeq(token, ".") {
		if len(part) > 8 && strings.Contains(e.Error(), part) {
			t.Errorf("the error repeats the token: %v", e)
		}
	}
}

// tableKeys are the keys of the tables' authority, usable and not.
func tableKeys() []map[string]any {
	p384 := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	return []map[string]any{
		rsaJWK("rsa", &rsaKey().PublicKey, nil),
		rsaJWK("rs256only", &rsaKey().PublicKey, map[string]any{"alg": "RS256"}),
		rsaJWK("ps256only", &rsaKey().PublicKey, map[string]any{"alg": "PS256"}),
		rsaJWK("verify", &rsaKey().PublicKey, map[string]any{"key_ops": []string{"verify"}}),
		rsaJWK("enc", &rsaKey().PublicKey, map[string]any{"use": "enc"}),
		rsaJWK("wrap", &rsaKey().PublicKey, map[string]any{"key_ops": []string{"wrapKey"}}),
		rsaJWK("oaep", &rsaKey().PublicKey, map[string]any{"alg": "RSA-OAEP"}),
		rsaJWK("rs512", &rsaKey().PublicKey, map[string]any{"alg": "RS512"}),
		rsaJWK("es256alg", &rsaKey().PublicKey, map[string]any{"alg": "ES256"}),
		rsaJWK("private", &rsaKey().PublicKey, map[string]any{"d": b64(rsaKey().D.Bytes())}),
		rsaJWK("", &rsaKey().PublicKey, nil),
		rsaJWK("small", &rsaSmall().PublicKey, nil),
		rsaJWK("e1", &rsa.PublicKey{N: rsaKey().N, E: 1}, nil),
		rsaJWK("e2", &rsa.PublicKey{N: rsaKey().N, E: 2}, nil),
		rsaJWK("huge", &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 8200, 1), E: 65537}, nil),
		rsaJWK("twice", &rsaKey().PublicKey, nil),
		rsaJWK("twice", &rsaOther().PublicKey, nil),
		rsaJWK("same", &rsaKey().PublicKey, nil),
		rsaJWK("same", &rsaKey().PublicKey, nil),
		rsaJWK("foreign", &rsaKey().PublicKey, map[string]any{"issuer": "https://login.example/{tenantid}/v2.0"}),
		rsaJWK("x5c", &rsaKey().PublicKey, map[string]any{"x5c": []string{"bm90IGEgY2VydGlmaWNhdGU"}, "x5t": "?"}),
		ecJWK("ec", &ecKey().PublicKey, nil),
		ecJWK("p384", &p384.PublicKey, nil),
		{"kty": "oct", "kid": "oct", "k": b64("secret")},
		{"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": b64(make([]byte, 32))},
		{"kty": "AKP", "kid": "akp", "alg": "ML-DSA-65"},
		{"kty": "new", "kid": "new"},
		{"kty": "RSA", "kid": "bad", "n": "!", "e": "AQAB"},
	}
}

// set returns a change of one claim.
func set(name string, value any) func(*forge) { return func(f *forge) { f.claims[name] = value } }

// raw returns a change of one claim to a JSON text that no Go value has.
func raw(name, text string) func(*forge) { return set(name, json.RawMessage(text)) }

func head(name string, value any) func(*forge) { return func(f *forge) { f.header[name] = value } }

func kid(name string, key any) func(*forge) {
	return func(f *forge) { f.header["kid"], f.key = name, key }
}

func alg(name, kid string, key any) func(*forge) {
	return func(f *forge) { f.header["alg"], f.header["kid"], f.key = name, kid, key }
}

func drop(names ...string) func(*forge) {
	return func(f *forge) {
		for _, name := range names {
			delete(f.claims, name)
		}
	}
}

func tail(fn func(token string) string) func(*forge) { return func(f *forge) { f.tail = fn } }

// part returns a change of one of the three encoded parts of a token.
func part(i int, fn func(string) string) func(*forge) {
	return tail(func(token string) string {
		parts := strings.Split(token, ".")
		parts[i] = fn(parts[i])
		return strings.Join(parts, ".")
	})
}

type row struct {
	name   string
	change func(*forge)
	reason auth.Reason // why not; accepted if -1
}

const accepted = auth.Reason(-1)

// tokenTable has the cases that depend only on the token, in the order of RFC 8725 §3.
func tokenTable(canary string) []row {
	pub := &rsaKey().PublicKey
	der := must(x509.MarshalPKIXPublicKey(pub))
	pemText := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	jwkText := must(json.Marshal(rsaJWK("rsa", pub, nil)))
	now := epoch.Unix()
	return []row{
		{"good", func(*forge) {}, accepted},
		{"PS256", alg("PS256", "rsa", rsaKey()), accepted},
		{"ES256", alg("ES256", "ec", ecKey()), accepted},
		{"key with alg RS256", kid("rs256only", rsaKey()), accepted},
		{"key with alg PS256", alg("PS256", "ps256only", rsaKey()), accepted},
		{"key for verify", kid("verify", rsaKey()), accepted},
		{"duplicate key", kid("same", rsaKey()), accepted},
		{"certificate of the key is ignored", kid("x5c", rsaKey()), accepted},
		{"typ at+jwt", head("typ", "at+jwt"), accepted},
		{"typ AT+JWT", head("typ", "AT+JWT"), accepted},
		{"typ application/at+jwt", head("typ", "application/at+jwt"), accepted},
		{"typ Application/AT+JWT", head("typ", "Application/AT+JWT"), accepted},
		{"typ application/jwt", head("typ", "application/jwt"), accepted},
		{"typ jwt", head("typ", "jwt"), accepted},
		{"no typ", func(f *forge) { delete(f.header, "typ") }, accepted},
		{"x5t is ignored", head("x5t", "abc"), accepted},

		// form
		{"padding in header", part(0, func(s string) string { return s + "=" }), auth.Invalid},
		{"padding in claims", part(1, func(s string) string { return s + "=" }), auth.Invalid},
		{"padding in signature", part(2, func(s string) string { return s + "==" }), auth.Invalid},
		{"standard alphabet +", part(2, func(s string) string { return "+" + s[1:] }), auth.Invalid},
		{"standard alphabet /", part(2, func(s string) string { return "/" + s[1:] }), auth.Invalid},
		{"inner space", part(1, func(s string) string { return s[:9] + " " + s[9:] }), auth.Invalid},
		{"inner line feed", part(1, func(s string) string { return s[:8] + "\n" + s[8:] }), auth.Invalid},
		{"inner carriage return", part(2, func(s string) string { return s[:8] + "\r" + s[8:] }), auth.Invalid},
		{"tab at the end", tail(func(s string) string { return s + "\t" }), auth.Invalid},
		{"NUL", part(0, func(s string) string { return s + "\x00" }), auth.Invalid},
		{"percent encoding", part(0, func(s string) string { return s + "%3D" }), auth.Invalid},
		{"non-ASCII", part(0, func(s string) string { return s + "é" }), auth.Invalid},
		{"byte order mark", tail(func(s string) string { return "\ufeff" + s }), auth.Invalid},
		{"quotes", tail(func(s string) string { return `"` + s + `"` }), auth.Invalid},
		{"header in base32", part(0, func(s string) string { return base32.StdEncoding.EncodeToString(unb64(s)) }), auth.Invalid},
		{"header and claims exchanged", tail(func(s string) string {
			p := strings.Split(s, ".")
			return p[1] + "." + p[0] + "." + p[2]
		}), auth.Invalid},
		{"length of 1 mod 4", part(0, func(s string) string { return s[:len(s)-len(s)%4] + "A" }), auth.Invalid},
		{"bits after the signature", part(2, func(s string) string { return s[:len(s)-1] + bump(s[len(s)-1]) }), auth.Invalid},
		{"1 part", tail(func(s string) string { return strings.ReplaceAll(s, ".", "") }), auth.Invalid},
		{"2 parts", tail(func(s string) string { return s[:strings.LastIndex(s, ".")] }), auth.Invalid},
		{"4 parts", tail(func(s string) string { return s + ".AA" }), auth.Invalid},
		{"5 parts, a JWE", tail(func(s string) string { return s + ".AA.AA" }), auth.Invalid},
		{"trailing dot", tail(func(s string) string { return s + "." }), auth.Invalid},
		{"leading dot", tail(func(s string) string { return "." + s }), auth.Invalid},
		{"only dots", tail(func(string) string { return ".." }), auth.Invalid},
		{"detached payload", part(1, func(string) string { return "" }), auth.Invalid},
		{"empty header part", part(0, func(string) string { return "" }), auth.Invalid},
		{"8 KiB + 1", tail(func(s string) string { return s + strings.Repeat("A", 8<<10+1-len(s)) }), auth.Invalid},
		{"many dots", tail(func(string) string { return strings.Repeat(".", 8<<10) }), auth.Invalid},
		{"a million dots", tail(func(string) string { return strings.Repeat(".", 1e6) }), auth.Invalid},
		{"JSON serialization", tail(func(s string) string {
			p := strings.Split(s, ".")
			return fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, p[0], p[1], p[2])
		}), auth.Invalid},

		// header
		{"header {}", func(f *forge) { f.headerText = "{}" }, auth.Invalid},
		{"header []", func(f *forge) { f.headerText = "[]" }, auth.Invalid},
		{"header null", func(f *forge) { f.headerText = "null" }, auth.Invalid},
		{"header with trailing text", func(f *forge) { f.headerText = `{"alg":"RS256","kid":"rsa"}{}` }, auth.Invalid},
		{"header with leading space", func(f *forge) { f.headerText = ` {"alg":"RS256","kid":"rsa"}` }, auth.Invalid},
		{"truncated header", func(f *forge) { f.headerText = `{"alg":"RS256","kid":"rsa"` }, auth.Invalid},
		{"header with BOM", func(f *forge) { f.headerText = "\ufeff" + `{"alg":"RS256","kid":"rsa"}` }, auth.Invalid},
		{"header with invalid UTF-8", func(f *forge) { f.headerText = `{"alg":"RS256","kid":"rsa","x":"` + "\xff" + `"}` }, auth.Invalid},
		{"header nested 5,000 deep", func(f *forge) {
			f.headerText = `{"alg":"RS256","kid":"rsa","x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}"
		}, auth.Invalid},
		{"header with a comment", func(f *forge) { f.headerText = `{"alg":"RS256"/**/,"kid":"rsa"}` }, auth.Invalid},
		{"header with a trailing comma", func(f *forge) { f.headerText = `{"alg":"RS256","kid":"rsa",}` }, auth.Invalid},
		{"header with a lone surrogate", func(f *forge) { f.headerText = `{"alg":"RS256","kid":"rsa","x":"\ud800"}` }, auth.Invalid},
		{"duplicate alg", func(f *forge) { f.headerText = `{"alg":"RS256","kid":"rsa","alg":"RS256"}` }, auth.Invalid},
		{"duplicate kid", func(f *forge) { f.headerText = `{"alg":"RS256","kid":"rsa","kid":"rsa"}` }, auth.Invalid},
		{"duplicate kid, escaped", func(f *forge) { f.headerText = `{"alg":"RS256","kid":"rsa","\u006bid":"rsa"}` }, auth.Invalid},
		{"duplicate unknown header", func(f *forge) { f.headerText = `{"alg":"RS256","kid":"rsa","x":1,"x":1}` }, auth.Invalid},
		{"case twin of alg", func(f *forge) { f.headerText = `{"ALG":"RS256","kid":"rsa"}` }, auth.Invalid},
		{"case twin of kid", func(f *forge) { f.headerText = `{"alg":"RS256","KID":"rsa"}` }, auth.Invalid},
		{"b64 false", func(f *forge) { f.header["b64"], f.header["crit"] = false, []string{"b64"} }, auth.Invalid},
		{"b64 without crit", head("b64", false), auth.Invalid},
		{"b64 true", head("b64", true), auth.Invalid},
		{"crit string", head("crit", "b64"), auth.Invalid},
		{"crit names alg", head("crit", []string{"alg"}), auth.Invalid},
		{"crit unknown", head("crit", []string{"exp"}), auth.Invalid},
		{"crit empty", head("crit", []string{}), auth.Invalid},
		{"crit null", head("crit", nil), auth.Invalid},
		{"zip", head("zip", "DEF"), auth.Invalid},
		{"zip gzip", head("zip", "GZIP"), auth.Invalid},
		{"enc", head("enc", "A256GCM"), auth.Invalid},
		{"nested JWT", head("cty", "JWT"), auth.Invalid},
		{"typ of another kind", head("typ", "JOSE"), auth.Invalid},
		{"typ logout", head("typ", "logout+jwt"), auth.Invalid},
		{"typ dpop", head("typ", "dpop+jwt"), auth.Invalid},
		{"typ empty", head("typ", ""), auth.Invalid},
		{"typ application/", head("typ", "application/"), auth.Invalid},
		{"typ of another tree", head("typ", "text/at+jwt"), auth.Invalid},
		{"typ application/ twice", head("typ", "application/application/jwt"), auth.Invalid},
		{"typ with a parameter", head("typ", "at+jwt;a=b"), auth.Invalid},
		{"typ with a space", head("typ", " at+jwt"), auth.Invalid},
		{"typ number", head("typ", 1), auth.Invalid},
		{"typ secevent", head("typ", "secevent+jwt"), auth.Invalid},
		{"typ null", head("typ", nil), auth.Invalid},
		{"typ list", head("typ", []string{"JWT"}), auth.Invalid},

		// algorithm
		{"alg none", alg("none", "rsa", nil), auth.Invalid},
		{"alg None", alg("None", "rsa", nil), auth.Invalid},
		{"alg nOnE, signed", alg("nOnE", "rsa", rsaKey()), auth.Invalid},
		{"alg missing", func(f *forge) { delete(f.header, "alg") }, auth.Invalid},
		{"alg empty", head("alg", ""), auth.Invalid},
		{"alg null", head("alg", nil), auth.Invalid},
		{"alg number", head("alg", 256), auth.Invalid},
		{"alg list", head("alg", []string{"RS256"}), auth.Invalid},
		{"alg rs256", head("alg", "rs256"), auth.Invalid},
		{"alg RS384", head("alg", "RS384"), auth.Invalid},
		{"alg RS512", head("alg", "RS512"), auth.Invalid},
		{"alg EdDSA", head("alg", "EdDSA"), auth.Invalid},
		{"alg true", head("alg", true), auth.Invalid},
		{"alg with a space", head("alg", "RS256 "), auth.Invalid},
		{"alg PS512", head("alg", "PS512"), auth.Invalid},
		{"alg ES256K", alg("ES256K", "ec", nil), auth.Invalid},
		{"alg RSA1_5", head("alg", "RSA1_5"), auth.Invalid},
		{"alg RSA-OAEP", head("alg", "RSA-OAEP"), auth.Invalid},
		{"alg dir", head("alg", "dir"), auth.Invalid},
		{"empty signature", func(f *forge) { f.key = nil }, auth.Invalid},
		{"one byte of signature", part(2, func(string) string { return "AA" }), auth.Invalid},
		{"signature of zeros", part(2, func(s string) string { return strings.Repeat("A", len(s)) }), auth.Invalid},
		{"duplicate signature", part(2, func(s string) string { return s + s }), auth.Invalid},
		{"truncated signature", part(2, func(s string) string { return b64(unb64(s)[1:]) }), auth.Invalid},
		{"signature with a leading zero", part(2, func(s string) string { return b64(append([]byte{0}, unb64(s)...)) }), auth.Invalid},
		{"signature with a bit flipped", part(2, func(s string) string { b := unb64(s); b[len(b)/2] ^= 1; return b64(b) }), auth.Invalid},
		{"signature of another token", part(1, func(string) string {
			return b64(string(must(json.Marshal(newForge("https://x/{tenantid}").claims))))
		}), auth.Invalid},
		{"HS256 by the key's PEM", alg("HS256", "rsa", pemText), auth.Invalid},
		{"HS256 by the key's DER", alg("HS256", "rsa", der), auth.Invalid},
		{"HS256 by the key's JWK", alg("HS256", "rsa", jwkText), auth.Invalid},
		{"HS256 by the modulus", alg("HS256", "rsa", pub.N.Bytes()), auth.Invalid},
		{"HS256 by an empty key", alg("HS256", "rsa", []byte{}), auth.Invalid},
		{"HS256 by a key of the set", alg("HS256", "oct", []byte("secret")), auth.Invalid},
		{"RS256 under an EC key", kid("ec", rsaKey()), auth.Invalid},
		{"ES256 under an RSA key", alg("ES256", "rsa", ecKey()), auth.Invalid},
		{"PS256 under an EC key", alg("PS256", "ec", rsaKey()), auth.Invalid},
		{"RS256 named, PSS signed", func(f *forge) {
			f.headerText, f.header["alg"] = `{"alg":"RS256","kid":"rsa"}`, "PS256"
		}, auth.Invalid},
		{"PS256 under a key with alg RS256", alg("PS256", "rs256only", rsaKey()), auth.Invalid},
		{"RS256 under a key with alg PS256", kid("ps256only", rsaKey()), auth.Invalid},
		{"key with alg RSA-OAEP", kid("oaep", rsaKey()), auth.Invalid},
		{"key with alg RS512", kid("rs512", rsaKey()), auth.Invalid},
		{"RSA key with alg ES256", kid("es256alg", rsaKey()), auth.Invalid},
		{"RSA of 1024 bits", kid("small", rsaSmall()), auth.Invalid},
		{"RSA of 8201 bits", kid("huge", rsaKey()), auth.Invalid},
		{"RSA with e = 1", kid("e1", rsaKey()), auth.Invalid},
		{"RSA with e = 2", kid("e2", rsaKey()), auth.Invalid},
		{"EC on P-384", alg("ES256", "p384", ecKey()), auth.Invalid},
		{"ES256 of zeros", func(f *forge) {
			alg("ES256", "ec", nil)(f)
			part(2, func(string) string { return b64(make([]byte, 64)) })(f)
		}, auth.Invalid},
		{"ES256 with an extra zero", func(f *forge) {
			alg("ES256", "ec", ecKey())(f)
			part(2, func(s string) string { return b64(append([]byte{0}, unb64(s)...)) })(f)
		}, auth.Invalid},
		{"ES256 in ASN.1", func(f *forge) {
			alg("ES256", "ec", ecKey())(f)
			part(2, func(s string) string {
				b := unb64(s)
				return b64(must(asn1.Marshal([]*big.Int{new(big.Int).SetBytes(b[:32]), new(big.Int).SetBytes(b[32:])})))
			})(f)
		}, auth.Invalid},
		{"ES256 with r and s exchanged", func(f *forge) {
			alg("ES256", "ec", ecKey())(f)
			part(2, func(s string) string { b := unb64(s); return b64(slices.Concat(b[32:], b[:32])) })(f)
		}, auth.Invalid},
		{"ES256 by another key", alg("ES256", "ec", ecOther()), auth.Invalid},
		{"RS256 by another key", kid("rsa", rsaOther()), auth.Invalid},
		{"PS256 by another key", alg("PS256", "rsa", rsaOther()), auth.Invalid},

		// key choice
		{"kid absent", func(f *forge) { delete(f.header, "kid") }, auth.Invalid},
		{"kid empty", kid("", rsaKey()), auth.Invalid},
		{"kid null", head("kid", nil), auth.Invalid},
		{"kid number", head("kid", 1), auth.Invalid},
		{"kid list", head("kid", []string{"rsa"}), auth.Invalid},
		{"kid object", head("kid", map[string]string{"kid": "rsa"}), auth.Invalid},
		{"kid with a line feed", kid("rsa\n", rsaKey()), auth.Invalid},
		{"kid with a long s", kid("r\u017fa", rsaKey()), auth.Invalid},
		{"kid in another case", kid("RSA", rsaKey()), auth.Invalid},
		{"kid with space", kid("rsa ", rsaKey()), auth.Invalid},
		{"kid unknown", kid("unknown", rsaKey()), auth.Invalid},
		{"kid is a path", kid("../../dev/null", rsaKey()), auth.Invalid},
		{"kid is a URL", kid(canary+"/kid", rsaKey()), auth.Invalid},
		{"kid is SQL", kid("' or 1=1--", rsaKey()), auth.Invalid},
		{"kid of 4 KiB", kid(strings.Repeat("k", 4<<10), rsaKey()), auth.Invalid},
		{"kid with NUL", kid("rsa\x00", rsaKey()), auth.Invalid},
		{"kid of two keys", kid("twice", rsaKey()), auth.Invalid},
		{"kid of two keys, the other", kid("twice", rsaOther()), auth.Invalid},
		{"key for encryption", kid("enc", rsaKey()), auth.Invalid},
		{"key for wrapping", kid("wrap", rsaKey()), auth.Invalid},
		{"private key", kid("private", rsaKey()), auth.Invalid},
		{"key of another issuer", kid("foreign", rsaKey()), auth.Invalid},
		{"broken key", kid("bad", rsaKey()), auth.Invalid},
		{"key of a new type", kid("new", rsaKey()), auth.Invalid},
		{"jku", func(f *forge) { f.header["jku"], f.header["kid"] = canary+"/jku", "canary" }, auth.Invalid},
		{"jku, known kid", head("jku", canary+"/jku"), auth.Invalid},
		{"x5u", head("x5u", canary+"/x5u"), auth.Invalid},
		{"x5c", head("x5c", []string{b64(der)}), auth.Invalid},
		{"jwk", func(f *forge) { f.header["jwk"], f.key = rsaJWK("rsa", &rsaOther().PublicKey, nil), rsaOther() }, auth.Invalid},

		// claims as a whole
		{"claims []", func(f *forge) { f.claimsText = "[]" }, auth.Invalid},
		{"claims null", func(f *forge) { f.claimsText = "null" }, auth.Invalid},
		{"claims {}", func(f *forge) { f.claimsText = "{}" }, auth.Invalid},
		{"claims are a token", func(f *forge) { f.claimsText = newForge("https://x/{tenantid}").token() }, auth.Invalid},
		{"claims with invalid UTF-8", twin(`,"x":"` + "\xc3\x28" + `"}`), auth.Invalid},
		{"claims with a lone surrogate", twin(`,"x":"\ud800"}`), auth.Invalid},
		{"claims with trailing text", twin(`} x`), auth.Invalid},
		{"claims with NaN", twin(`,"x":NaN}`), auth.Invalid},
		{"claims with a leading zero", twin(`,"x":01}`), auth.Invalid},
		{"claims with a trailing comma", twin(`,}`), auth.Invalid},
		{"claims with a comment", twin(`,"x":1//
}`), auth.Invalid},
		{"claims in single quotes", twin(`,'x':1}`), auth.Invalid},
		{"claims with a raw line feed in a string", twin(",\"x\":\"\n\"}"), auth.Invalid},
		{"duplicate tid", twin(`,"tid":"` + tenant + `"}`), auth.Invalid},
		{"duplicate exp", twin(`,"exp":9999999999}`), auth.Invalid},
		{"duplicate aud", twin(`,"aud":"` + audience + `"}`), auth.Invalid},
		{"duplicate scp null", twin(`,"scp":null,"scp":null}`), auth.Invalid},
		{"duplicate unknown claim", twin(`,"x":1,"x":1}`), auth.Invalid},
		{"duplicate in an unknown claim", twin(`,"x":{"y":[{"z":1,"z":1}]}}`), auth.Invalid},
		{"case twins do not bind", twin(`,"EXP":0,"Tid":"x","AUD":[],"Scp":"` + readOnly + `"}`), accepted},
		{"unknown claims", twin(`,"xms_x":{"a":[1,null,"é"]},"aio":"1"}`), accepted},

		// time
		{"exp now − 1 s: within skew", set("exp", now-1), accepted},
		{"exp now: within skew", set("exp", now), accepted},
		{"exp 5 min ago − 1 s: within skew", set("exp", now-299), accepted},
		{"exp 5 min ago", set("exp", now-300), auth.Expired},
		{"exp 5 min ago + 1 s", set("exp", now-301), auth.Expired},
		{"exp 1970", set("exp", 0), auth.Expired},
		{"exp missing", drop("exp"), auth.Invalid},
		{"exp null", set("exp", nil), auth.Invalid},
		{"exp string", set("exp", fmt.Sprint(now+60)), auth.Invalid},
		{"exp fraction", raw("exp", fmt.Sprint(now+60)+".5"), auth.Invalid},
		{"exp with exponent", raw("exp", "1.8e9"), auth.Invalid},
		{"exp 1e400", raw("exp", "1e400"), auth.Invalid},
		{"exp negative", raw("exp", "-1"), auth.Invalid},
		{"exp -0", raw("exp", "-0"), auth.Invalid},
		{"exp year 10^9", raw("exp", "31556952000000000"), auth.Invalid},
		{"exp above 64 bits", raw("exp", "18446744073709551617"), auth.Invalid},
		{"exp year 10000", raw("exp", "253402300800"), auth.Invalid},
		{"exp list", set("exp", []int64{now + 60}), auth.Invalid},
		{"exp true", set("exp", true), auth.Invalid},
		{"exp object", set("exp", map[string]int{}), auth.Invalid},
		{"exp whole, as a fraction", raw("exp", fmt.Sprint(now+60)+".0"), auth.Invalid},
		{"nbf list", set("nbf", []int64{0}), auth.Invalid},
		{"nbf above 64 bits", raw("nbf", "18446744073709551617"), auth.Invalid},
		{"iat negative", set("iat", -1), auth.Invalid},
		{"iat fraction", raw("iat", "1.5"), auth.Invalid},
		{"nbf missing", drop("nbf"), accepted},
		{"nbf in 5 min", set("nbf", now+300), accepted},
		{"nbf in 5 min + 1 s", set("nbf", now+301), auth.Invalid},
		{"nbf null", set("nbf", nil), auth.Invalid},
		{"nbf string", set("nbf", "0"), auth.Invalid},
		{"nbf negative", set("nbf", -1), auth.Invalid},
		{"nbf fraction", raw("nbf", "1.5"), auth.Invalid},
		{"iat missing", drop("iat"), accepted},
		{"iat in 5 min", set("iat", now+300), accepted},
		{"iat in 5 min + 1 s", set("iat", now+301), auth.Invalid},
		{"iat string", set("iat", "0"), auth.Invalid},
		{"iat 1e400", raw("iat", "1e400"), auth.Invalid},
		{"iat null", set("iat", nil), auth.Invalid},

		// issuer and tenant
		{"iss missing", drop("iss"), auth.Invalid},
		{"iss null", set("iss", nil), auth.Invalid},
		{"iss empty", set("iss", ""), auth.Invalid},
		{"iss number", set("iss", 1), auth.Invalid},
		{"iss object", func(f *forge) { f.claims["iss"] = map[string]any{"iss": f.claims["iss"]} }, auth.Invalid},
		{"iss with NUL", iss(func(s string) string { return s + "\x00" }), auth.Invalid},
		{"iss with an escaped letter", iss(func(s string) string { return strings.Replace(s, tenant, "%66"+tenant[1:], 1) }), auth.Invalid},
		{"iss with two slashes", iss(func(s string) string { return strings.Replace(s, "/"+tenant, "//"+tenant, 1) }), auth.Invalid},
		{"iss with another port", iss(func(s string) string { return strings.Replace(s, "127.0.0.1:", "127.0.0.1:1", 1) }), auth.Invalid},
		{"iss list", func(f *forge) { f.claims["iss"] = []any{f.claims["iss"]} }, auth.Invalid},
		{"iss of another tenant", iss(func(s string) string { return strings.Replace(s, tenant, "11111111-2bcd-f988-cd2b-88f9cd2b88f9", 1) }), auth.Invalid},
		{"iss with the placeholder", iss(func(s string) string { return strings.Replace(s, tenant, "{tenantid}", 1) }), auth.Invalid},
		{"iss common", iss(func(s string) string { return strings.Replace(s, tenant, "common", 1) }), auth.Invalid},
		{"iss trailing slash", iss(flipSlash), auth.Invalid},
		{"iss upper case", iss(strings.ToUpper), auth.Invalid},
		{"iss tenant in upper case", iss(func(s string) string { return strings.Replace(s, tenant, strings.ToUpper(tenant), 1) }), auth.Invalid},
		{"iss look-alike host", iss(func(s string) string { return strings.Replace(s, "127.0.0.1", "127.0.0.1.example.com", 1) }), auth.Invalid},
		{"iss userinfo", iss(func(s string) string { return strings.Replace(s, "//", "//user@", 1) }), auth.Invalid},
		{"iss https", iss(func(s string) string { return strings.Replace(s, "http:", "https:", 1) }), auth.Invalid},
		{"iss query", iss(func(s string) string { return s + "?" }), auth.Invalid},
		{"iss fragment", iss(func(s string) string { return s + "#" }), auth.Invalid},
		{"iss space", iss(func(s string) string { return s + " " }), auth.Invalid},
		{"iss path up", iss(func(s string) string { return s + "/../v2.0" }), auth.Invalid},
		{"iss canary", set("iss", canary+"/"+tenant+"/v2.0"), auth.Invalid},
		{"iss of the real Entra, v2", set("iss", "https://login.microsoftonline.com/"+tenant+"/v2.0"), auth.Invalid},
		{"iss of the real Entra, v1", set("iss", "https://sts.windows.net/"+tenant+"/"), auth.Invalid},
		{"tid missing", drop("tid"), auth.Invalid},
		{"tid null", set("tid", nil), auth.Invalid},
		{"tid empty", set("tid", ""), auth.Invalid},
		{"tid upper case", set("tid", strings.ToUpper(tenant)), auth.Invalid},
		{"tid upper case, iss too", func(f *forge) {
			iss(func(s string) string { return strings.Replace(s, tenant, strings.ToUpper(tenant), 1) })(f)
			f.claims["tid"] = strings.ToUpper(tenant)
		}, auth.Invalid},
		{"tid in braces", set("tid", "{"+tenant+"}"), auth.Invalid},
		{"tid without hyphens", set("tid", strings.ReplaceAll(tenant, "-", "")), auth.Invalid},
		{"tid of another tenant", set("tid", "11111111-2bcd-f988-cd2b-88f9cd2b88f9"), auth.Invalid},
		{"tid common, iss too", func(f *forge) {
			iss(func(s string) string { return strings.Replace(s, tenant, "common", 1) })(f)
			f.claims["tid"] = "common"
		}, auth.Invalid},
		{"tid number", set("tid", 1), auth.Invalid},
		{"tid object", set("tid", map[string]string{"tid": tenant}), auth.Invalid},
		{"tid as a URN", set("tid", "urn:uuid:"+tenant), auth.Invalid},
		{"tid with a space", set("tid", tenant+" "), auth.Invalid},
		{"tid list", set("tid", []string{tenant}), auth.Invalid},

		// audience
		{"aud GUID", set("aud", otherAud), accepted},
		{"aud list of one", set("aud", []string{audience}), accepted},
		{"aud list, ours last", set("aud", []string{"a", "b", audience}), accepted},
		{"aud missing", drop("aud"), auth.Audience},
		{"aud null", set("aud", nil), auth.Audience},
		{"aud empty", set("aud", ""), auth.Audience},
		{"aud empty list", set("aud", []string{}), auth.Audience},
		{"aud nested list", set("aud", []any{[]string{audience}}), auth.Audience},
		{"aud list with a number", set("aud", []any{1, audience}), auth.Audience},
		{"aud object", set("aud", map[string]string{"aud": audience}), auth.Audience},
		{"aud number", set("aud", 1), auth.Audience},
		{"aud true", set("aud", true), auth.Audience},
		{"aud list with null", set("aud", []any{nil, audience}), auth.Audience},
		{"aud list with an empty name", set("aud", []any{"", audience}), auth.Audience},
		{"aud with NUL", set("aud", audience+"\x00"), auth.Audience},
		{"aud with a fragment", set("aud", audience+"#"), auth.Audience},
		{"aud with an escaped letter", set("aud", strings.Replace(audience, "p", "%70", 1)), auth.Audience},
		{"aud prefix", set("aud", audience[:len(audience)-1]), auth.Audience},
		{"aud longer", set("aud", audience+"2"), auth.Audience},
		{"aud trailing slash", set("aud", audience+"/"), auth.Audience},
		{"aud upper case", set("aud", strings.ToUpper(audience)), auth.Audience},
		{"aud with space", set("aud", audience+" "+otherAud), auth.Audience},
		{"aud of Microsoft Graph", set("aud", "https://graph.microsoft.com"), auth.Audience},
		{"aud of Microsoft Graph, id", set("aud", "00000003-0000-0000-c000-000000000000"), auth.Audience},
		{"expired and wrong audience", func(f *forge) { f.claims["exp"], f.claims["aud"] = 0, "x" }, auth.Expired},
		{"invalid signature and expired", func(f *forge) { f.claims["exp"], f.key = 0, rsaOther() }, auth.Invalid},

		// kind of token
		{"ID token", func(f *forge) { drop("roles")(f); f.claims["nonce"] = "n" }, auth.Invalid},
		{"ID token with its user's roles", set("nonce", "n"), auth.Invalid},
		{"ID token by at_hash", set("at_hash", "n"), auth.Invalid},
		{"ID token by c_hash", set("c_hash", "n"), auth.Invalid},
		{"scp null", set("scp", nil), auth.Invalid},
		{"scp list", set("scp", []string{readWrite}), auth.Invalid},
		{"scp number", set("scp", 1), auth.Invalid},
		{"roles string", set("roles", readWrite), auth.Invalid},
		{"roles object", set("roles", map[string]string{}), auth.Invalid},
		{"roles of numbers", set("roles", []int{1}), auth.Invalid},
		{"roles of lists", set("roles", []any{[]string{readWrite}}), auth.Invalid},
		{"scp object", set("scp", map[string]string{}), auth.Invalid},
		{"azp number", set("azp", 1), auth.Invalid},
		{"oid list", set("oid", []string{"x"}), auth.Invalid},
		{"idtyp number", set("idtyp", 1), auth.Invalid},
	}
}

// bump returns another character that decodes to the same bytes if it is the last one, with two or four used bits.
func bump(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, c)|1])
}

func unb64(s string) []byte {
	return must(base64.RawURLEncoding.DecodeString(s))
}

func iss(fn func(string) string) func(*forge) {
	return func(f *forge) { f.claims["iss"] = fn(f.claims["iss"].(string)) }
}

func flipSlash(s string) string {
	if s, ok := strings.CutSuffix(s, "/"); ok {
		return s
	}
	return s + "/"
}

// twin returns a change of the end of the claims.
func twin(end string) func(*forge) {
	return func(f *forge) {
		text := string(must(json.Marshal(f.claims)))
		f.claimsText = strings.TrimSuffix(text, "}") + end
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	a, c := newAuthority(t, tableKeys()...), &clock{}
	v := newVerifier(t, a, c)
	var canaryHits atomic.Int64
	canary := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { canaryHits.Add(1) }))
	t.Cleanup(func() {
		canary.Close()
		if n := canaryHits.Load(); n != 0 {
			t.Errorf("the canary server saw %d requests, want 0", n)
		}
	})
	for version, issuer := range map[string]string{"v1": a.url + v1Template, "v2": a.url + v2Template} {
		for _, tt := range tokenTable(canary.URL) {
			t.Run(version+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				f := newForge(issuer)
				tt.change(f)
				token := f.token()
				p, err := v.Verify(t.Context(), bearer(token))
				if tt.reason != accepted {
					refused(t, err, tt.reason, token)
					return
				}
				if err != nil {
					t.Fatalf("got error %v, want none", err)
				}
				if p.Tenant.String() != tenant || !p.Allows(readWrite) {
					t.Errorf("got %+v, want tenant %s and %s", p, tenant, readWrite)
				}
			})
		}
	}
}

func TestVerifyForm(t *testing.T) {
	t.Parallel()
	a, c := newAuthority(t, rsaJWK("rsa", &rsaKey().PublicKey, nil)), &clock{}
	v := newVerifier(t, a, c)
	for version, issuer := range map[string]string{"v1": a.url + v1Template, "v2": a.url + v2Template} {
		token := newForge(issuer).token()
		for _, tt := range formTable(token) {
			t.Run(version+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				p, err := v.Verify(t.Context(), tt.header)
				if tt.reason != accepted {
					refused(t, err, tt.reason, token)
					return
				}
				if err != nil || p == nil {
					t.Fatalf("got %v, %v, want a principal", p, err)
				}
			})
		}
	}
}

type formRow struct {
	name   string
	header []string
	reason auth.Reason
}

// formTable has the possible forms of Authorization around a token.
func formTable(token string) []formRow {
	return []formRow{
		{"good", []string{"Bearer " + token}, accepted},
		{"lower case scheme", []string{"bearer " + token}, accepted},
		{"upper case scheme", []string{"BEARER " + token}, accepted},
		{"none", nil, auth.Missing},
		{"empty", []string{""}, auth.Missing},
		{"only the scheme", []string{"Bearer"}, auth.Missing},
		{"only the scheme, lower case", []string{"bearer"}, auth.Missing},
		{"scheme and space", []string{"Bearer "}, auth.Missing},
		{"space", []string{" "}, auth.Invalid},
		{"leading space", []string{" Bearer " + token}, auth.Invalid},
		{"two spaces", []string{"Bearer  " + token}, auth.Invalid},
		{"tab", []string{"Bearer\t" + token}, auth.Invalid},
		{"space and tab", []string{"Bearer \t" + token}, auth.Invalid},
		{"no-break space", []string{"Bearer\u00a0" + token}, auth.Invalid},
		{"trailing space", []string{"Bearer " + token + " "}, auth.Invalid},
		{"two headers", []string{"Bearer " + token, "Bearer " + token}, auth.Invalid},
		{"two headers, one empty", []string{"", "Bearer " + token}, auth.Invalid},
		{"two tokens", []string{"Bearer " + token + " " + token}, auth.Invalid},
		{"two tokens by comma", []string{"Bearer " + token + ", Bearer " + token}, auth.Invalid},
		{"comma", []string{"Bearer " + token + ","}, auth.Invalid},
		{"quoted", []string{`Bearer "` + token + `"`}, auth.Invalid},
		{"parameter", []string{"Bearer token=" + token}, auth.Invalid},
		{"Basic", []string{"Basic " + token}, auth.Invalid},
		{"DPoP", []string{"DPoP " + token}, auth.Invalid},
		{"no scheme", []string{token}, auth.Invalid},
		{"duplicate scheme", []string{"Bearer Bearer " + token}, auth.Invalid},
		{"longer scheme", []string{"Bearer2 " + token}, auth.Invalid},
		{"Kelvin sign is not k", []string{"Bearer\u212a " + token}, auth.Invalid},
		{"CR LF", []string{"Bearer " + token + "\r\nX: y"}, auth.Invalid},
	}
}

// TestVerifyLength has the longest token that is decoded: 8 KiB.
func TestVerifyLength(t *testing.T) {
	t.Parallel()
	a, c := newAuthority(t, rsaJWK("rsa", &rsaKey().PublicKey, nil)), &clock{}
	v := newVerifier(t, a, c)
	token := func(n int) string {
		f := newForge(a.url + v2Template)
		f.claims["x"] = strings.Repeat("x", n)
		return f.token()
	}
	n := 0
	for len(token(n)) < 8<<10 {
		n += max(1, (8<<10-len(token(n)))*3/4)
	}
	if got := len(token(n)); got != 8<<10 {
		t.Fatalf("the token has %d bytes, want 8192", got)
	}
	if _, err := v.Verify(t.Context(), bearer(token(n))); err != nil {
		t.Errorf("8192 bytes: got error %v, want none", err)
	}
	if _, err := v.Verify(t.Context(), bearer(token(n+1))); err == nil {
		t.Error("8194 bytes: got no error")
	}
}

func TestPrincipal(t *testing.T) {
	t.Parallel()
	a, c := newAuthority(t, rsaJWK("rsa", &rsaKey().PublicKey, nil)), &clock{}
	v := newVerifier(t, a, c)
	for _, tt := range []struct {
		name            string
		change          func(*forge)
		read, write     bool
		delegated, pers bool
	}{
		{"role ReadWrite", func(*forge) {}, false, true, false, false},
		{"role Read", set("roles", []string{readOnly}), true, false, false, false},
		{"both roles", set("roles", []string{readOnly, readWrite}), true, true, false, false},
		{"neither", drop("roles"), false, false, false, false},
		{"roles null", set("roles", nil), false, false, false, false},
		{"roles empty", set("roles", []string{}), false, false, false, false},
		{"role longer", set("roles", []string{readWrite + "2"}), false, false, false, false},
		{"role shorter", set("roles", []string{readWrite[:20]}), false, false, false, false},
		{"role in another case", set("roles", []string{strings.ToLower(readWrite)}), false, false, false, false},
		{"roles in one string", set("roles", []string{readOnly + " " + readWrite}), false, false, false, false},
		{"role in a case twin", twin(`,"Roles":["` + readOnly + `"]}`), false, true, false, false},
		{"idtyp app", set("idtyp", "app"), false, true, false, false},
		{"idtyp user without scp", set("idtyp", "user"), false, false, false, false},
		{"scp ReadWrite", scp(readWrite), false, true, true, false},
		{"scp Read", scp(readOnly), true, false, true, false},
		{"scp both", scp("openid " + readOnly + " " + readWrite + " profile"), true, true, true, false},
		{"scp with two spaces", scp(readOnly + "  " + readWrite), true, true, true, false},
		{"scp other", scp("User.Read"), false, false, true, false},
		{"scp longer", scp(readWrite + "2"), false, false, true, false},
		{"scp shorter", scp(readWrite[:20]), false, false, true, false},
		{"scp prefixed", scp("api://x/" + readWrite), false, false, true, false},
		{"scp by comma", scp(readOnly + "," + readWrite), false, false, true, false},
		{"scp by tab", scp(readOnly + "\t" + readWrite), false, false, true, false},
		{"scp by no-break space", scp(readOnly + "\u00a0" + readWrite), false, false, true, false},
		{"scp in another case", scp(strings.ToUpper(readWrite)), false, false, true, false},
		{"scp empty", scp(""), false, false, true, false},
		{"scp and roles", set("scp", "User.Read"), false, false, true, false},
		{"scp empty and roles", set("scp", ""), false, false, true, false},
		{"scp Read and role ReadWrite", set("scp", readOnly), true, false, true, false},
		{"delegated with nonce", func(f *forge) { scp(readOnly)(f); f.claims["nonce"] = "n" }, true, false, true, false},
		{"personal account", func(f *forge) {
			iss(func(s string) string { return strings.Replace(s, tenant, personal, 1) })(f)
			f.claims["tid"] = personal
			scp(readWrite)(f)
		}, false, true, true, true},
	} {
		for version, issuer := range map[string]string{"v1": a.url + v1Template, "v2": a.url + v2Template} {
			t.Run(version+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				f := newForge(issuer)
				tt.change(f)
				p, err := v.Verify(t.Context(), bearer(f.token()))
				if err != nil {
					t.Fatal(err)
				}
				got := []bool{p.Allows(readOnly), p.Allows(readWrite), p.Delegated, p.Personal()}
				if want := []bool{tt.read, tt.write, tt.delegated, tt.pers}; !cmp.Equal(got, want) {
					t.Errorf("got read, write, delegated, personal = %v, want %v", got, want)
				}
				if p.Allows(readOnly, readWrite) != (tt.read || tt.write) || p.Allows() || p.Allows("") {
					t.Error("Allows must require only one of several permissions")
				}
			})
		}
	}
}

const personal = "9188040d-6c67-4c5b-b112-36a304b66dad"

// scp makes the token a delegated one.
func scp(scopes string) func(*forge) {
	return func(f *forge) { delete(f.claims, "roles"); f.claims["scp"] = scopes }
}

func TestPrincipalNames(t *testing.T) {
	t.Parallel()
	a, c := newAuthority(t, rsaJWK("rsa", &rsaKey().PublicKey, nil)), &clock{}
	v := newVerifier(t, a, c)
	for _, tt := range []struct {
		name         string
		change       func(*forge)
		app, subject string
	}{
		{"v2", func(*forge) {}, "app", "subject"},
		{"v1", func(f *forge) { drop("azp")(f); f.claims["appid"] = "old" }, "old", "subject"},
		{"both", set("appid", "old"), "app", "subject"},
		{"no oid", drop("oid"), "app", "pairwise"},
		{"no subject", drop("oid", "sub", "azp"), "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newForge(a.url + v2Template)
			tt.change(f)
			p, err := v.Verify(t.Context(), bearer(f.token()))
			if err != nil {
				t.Fatal(err)
			}
			if p.App != tt.app || p.Subject != tt.subject {
				t.Errorf("got app %q, subject %q, want %q, %q", p.App, p.Subject, tt.app, tt.subject)
			}
		})
	}
}

func TestContext(t *testing.T) {
	t.Parallel()
	p := &auth.Principal{Tenant: edm.Guid{1}}
	if got := auth.From(auth.With(t.Context(), p)); got != p {
		t.Errorf("got %v, want %v", got, p)
	}
	if got := auth.From(t.Context()); got == nil || got.Allows(readWrite) || !cmp.Equal(got.Tenant, edm.Guid{}) {
		t.Errorf("without a principal: got %+v, want one without permissions", got)
	}
	if got := auth.From(auth.With(t.Context(), nil)); got == nil {
		t.Error("with a nil principal: got nil")
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	const entra = "https://login.microsoftonline.com/{tenantid}/v2.0"
	for _, tt := range []struct {
		name   string
		change func(*auth.Config)
		want   string // part of the error; empty: none
	}{
		{"good", func(*auth.Config) {}, ""},
		{"v1", issuers("https://sts.windows.net/{tenantid}/"), ""},
		{"concrete", issuers("https://login.example/realm"), ""},
		{"both versions", issuers(entra, "https://sts.windows.net/{tenantid}/"), ""},
		{"loopback name", issuers("http://localhost:1/{tenantid}/"), ""},
		{"loopback IPv6", issuers("http://[::1]:1/{tenantid}/"), ""},
		{"no issuer", issuers(), "Issuers"},
		{"empty issuer", issuers(""), "Issuers[0]"},
		{"second issuer", issuers(entra, "x"), "Issuers[1]"},
		{"duplicate issuer", issuers(entra, entra), "Issuers[1]"},
		{"http", issuers("http://login.microsoftonline.com/{tenantid}/v2.0"), "https"},
		{"http on a look-alike", issuers("http://127.0.0.1.example.com/{tenantid}/"), "https"},
		{"ftp", issuers("ftp://127.0.0.1/{tenantid}"), "https"},
		{"file", issuers("file:///etc/{tenantid}"), "Issuers[0]"},
		{"user", issuers("https://u:p@login.example/{tenantid}"), `Issuers[0] is "https://…@login.example/{tenantid}"`},
		{"user of another scheme", issuers("ldap://u:p@a@b"), `Issuers[0] is "…@b"`},
		{"cloud", issuers("AzureUSGovernment", "azurechinacloud", "AzureCloud"), ""},
		{"duplicate cloud", issuers("AzureCloud", entra), "Issuers[1]"},
		{"unknown cloud", issuers("AzureGermanCloud"), "AzureChinaCloud"},
		{"query", issuers("https://login.example/{tenantid}?x"), "Issuers[0]"},
		{"empty query", issuers("https://login.example/{tenantid}?"), "Issuers[0]"},
		{"fragment", issuers("https://login.example/{tenantid}#"), "Issuers[0]"},
		{"two placeholders", issuers("https://login.example/{tenantid}/{tenantid}"), "Issuers[0]"},
		{"placeholder in the host", issuers("https://{tenantid}.login.example/"), "Issuers[0]"},
		{"placeholder is the host", issuers("https://{tenantid}/v2.0"), "Issuers[0]"},
		{"placeholder in a segment", issuers("https://login.example/x{tenantid}/"), "Issuers[0]"},
		{"placeholder before a letter", issuers("https://login.example/{tenantid}x"), "Issuers[0]"},
		{"another placeholder", issuers("https://login.example/{tenantId}/v2.0"), "Issuers[0]"},
		{"space", issuers("https://login.example/ {tenantid}"), "Issuers[0]"},
		{"upper case scheme", issuers("HTTPS://login.example/{tenantid}"), "Issuers[0]"},
		{"no audience", audiences(), "Audiences"},
		{"empty audience", audiences("x", ""), "Audiences[1]"},
		{"audience with space", audiences("a b"), "Audiences[0]"},
		{"audience with line feed", audiences("a\n"), "Audiences[0]"},
		{"cache of 1", func(c *auth.Config) { c.CacheSize = 1 }, ""},
		{"negative cache", func(c *auth.Config) { c.CacheSize = -1 }, "CacheSize"},
		{"huge cache", func(c *auth.Config) { c.CacheSize = 1_000_001 }, "CacheSize"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			config := auth.Config{Issuers: []string{entra}, Audiences: []string{audience}}
			tt.change(&config)
			v, err := auth.New(config)
			if v != nil {
				v.Close()
			}
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want %q", err, tt.want)
			}
		})
	}
}

func issuers(s ...string) func(*auth.Config)   { return func(c *auth.Config) { c.Issuers = s } }
func audiences(s ...string) func(*auth.Config) { return func(c *auth.Config) { c.Audiences = s } }
