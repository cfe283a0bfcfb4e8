package gateway_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
)

// attack is a request with its expected outcome over HTTP/1.1 and HTTP/2.
type attack struct {
	rule      string // with its source
	head      string // the request line without its version, and the fields; with a version it is raw text for HTTP/1.1 only
	body      string // emptyBody: chunked, or with HTTP/2 without a length, and empty
	status    int    // 204 is from the upstream
	forwarded string // what the upstream got: the line, the fields except the gateway's own, and the body; "" for nothing
	only      string // "1" or "2" if the other version cannot express it
}

const emptyBody = "\x00"

// fronts are the attacked gates, with their attacks.
var fronts = map[string]struct {
	rules    string
	builtin  bool
	verifies bool
	attacks  []attack
}{
	"authority":     {"requests: enforce", true, false, authorityAttacks},
	"authority off": {"requests: off", true, false, authorityAttacks},
	"target":        {"requests: enforce", false, false, targetAttacks},
	"target off":    {"requests: off", false, false, targetAttacks},
	"security":      {"requests: enforce", false, true, slices.Concat(securityAttacks, enforcedSecurity, siblingAttacks)},
	"security off":  {"requests: off", false, true, slices.Concat(securityAttacks, siblingAttacks)},
	"watched":       {"requests: monitor", false, true, slices.Concat(siblingAttacks, watchedAttacks)},
	"no issuer":     {"requests: enforce", false, false, slices.Concat(presenceAttacks, contentAttacks, fieldAttacks)},
	"watched keys":  {"requests: monitor", false, false, watchedPresence},
	"mixed":         {"requests: {mode: enforce, violations: {size: monitor, malformed: monitor, unknown-member: monitor}}", true, false, mixedAttacks},
	"built-in":      {"requests: enforce", true, false, builtinAttacks},
}

// TestAttacks sends requests that break a rule of HTTP or of the document, and similar valid ones. The status follows
// from the rule, and the upstream sees only what was checked.
func TestAttacks(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("testdata/hostile.yaml")
	if err != nil {
		t.Fatal(err)
	}
	contract, _, err := gateway.Read(t.Context(), document, spec.Options{})
	if err != nil {
		t.Fatal(err)
	}
	keys := newTokens(t)
	for name, front := range fronts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t, front.rules+"\nresponses: off\n", done, func(c *gateway.Config) {
				if !front.builtin {
					c.Contract = contract
				}
				if front.verifies {
					c.Verifier = keys.verifier
				}
			})
			for _, a := range front.attacks {
				for _, version := range []string{"1", "2"} {
					if a.speaks(version) {
						t.Run("http"+version+"/"+a.rule, func(t *testing.T) { s.attack(t, keys, version, &a) })
					}
				}
			}
		})
	}
}

// speaks reports whether a version of HTTP can express the request. HTTP/2 has no version in the request, no forms of
// the target, and no connection-specific fields (RFC 9113 §8.2.2 and §8.3.1).
func (a *attack) speaks(version string) bool {
	if a.only != "" {
		return a.only == version
	}
	line, fields, _ := strings.Cut(a.head, "\n")
	return version == "1" || !strings.Contains(line, " HTTP/") && !strings.Contains(line, "://") && !strings.Contains(fields, "Connection:") && !strings.Contains(fields, "Transfer-Encoding:")
}

func (s *stand) attack(t *testing.T, keys *tokens, version string, a *attack) {
	t.Helper()
	before := len(s.requests())
	send := s.attack1
	if version == "2" {
		send = s.attack2
	}
	status := send(t, keys.words.Replace(a.head), a.body)
	forwarded := ""
	for _, m := range s.requests()[before:] {
		forwarded += keys.back.Replace(m.own())
	}
	// RFC 9112 §6.1 requires 501 for an unknown coding; any other 5xx is a fault of the gateway.
	fault := status >= http.StatusInternalServerError && status != http.StatusNotImplemented
	if fault || status != a.status || forwarded != a.forwarded {
		t.Errorf("HTTP/%s, %s\n%s\n%.100s\ngot  %d %q\nwant %d %q", version, a.rule, a.head, a.body, status, forwarded, a.status, a.forwarded)
	}
}

func (s *stand) attack1(t *testing.T, head, body string) int {
	t.Helper()
	if method, _, _ := strings.Cut(head, " "); strings.Contains(head, " HTTP/1.") {
		return s.sendRaw(method, strings.ReplaceAll(head, "\n", "\r\n")+"\r\n\r\n"+body).status
	}
	line, fields, _ := strings.Cut(head, "\n")
	method, _, _ := strings.Cut(line, " ")
	switch {
	case body == emptyBody:
		fields, body = fields+"\nTransfer-Encoding: chunked", "0\r\n\r\n"
	case body != "" && !strings.Contains(fields, "Transfer-Encoding:"):
		fields += fmt.Sprintf("\nContent-Length: %d", len(body))
	}
	if !strings.Contains("\n"+fields, "\nHost:") {
		fields = "Host: caller.test\n" + fields
	}
	if !strings.Contains(fields, "Connection:") {
		fields += "\nConnection: close"
	}
	text := line + " HTTP/1.1\n" + strings.ReplaceAll(strings.Trim(fields, "\n"), "\n\n", "\n")
	return s.sendRaw(method, strings.ReplaceAll(text, "\n", "\r\n")+"\r\n\r\n"+body).status
}

func (s *stand) attack2(t *testing.T, head, body string) int {
	t.Helper()
	c, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	f := newFrames(t, c)
	f.send(head, strings.TrimPrefix(body, emptyBody), body != "")
	return f.receive()
}

// usual are the fields that the gateway sends in every request to the upstream.
var usual = []string{
	`Forwarded: for=127.0.0.1;host="caller.test";proto=http`, "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: caller.test", "X-Forwarded-Proto: http", "Via: 1.1 pfxrd",
}

// own returns the client's part of a request: the line, the fields in order, and the body.
func (m *message) own() string {
	lines := strings.Split(strings.TrimSuffix(m.head, "\r\n\r\n"), "\r\n")
	fields := slices.DeleteFunc(lines[1:], func(f string) bool {
		return slices.Contains(usual, f) || strings.HasPrefix(f, "Host: 127.0.0.1:") || f == fmt.Sprintf("Content-Length: %d", len(m.body))
	})
	slices.Sort(fields)
	text := strings.Join(append([]string{m.line()}, fields...), "\n")
	if m.body != "" {
		text += "\n\n" + m.body
	}
	return text
}
