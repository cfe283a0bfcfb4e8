package gateway

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// Builtin returns our own contract, checked by the code that is generated from it.
func Builtin() *Contract {
	return &Contract{
		BasePaths: validate.BasePaths(graph.BasePath), Operations: pfxvalid.Operations, Graph: true, MaxBody: graph.MaxBody,
		Further: graph.CheckKey, Words: graph.Entity,
	}
}

// Live is a gate that can be replaced while it serves: a request passes the one that was there when it came. It must be
// given one before it serves.
type Live struct{ gate atomic.Pointer[Gate] }

// Replace puts another gate in the place of the one that is there.
func (l *Live) Replace(g *Gate) { l.gate.Store(g) }

// Handler is [Gate.Handler] of the gate that is there when a request comes.
func (l *Live) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { l.gate.Load().Serve(w, r, next) })
}

// Describe writes where the paths begin, how each security scheme is checked, and a line for each operation: what becomes of
// its requests and its responses.
func (l *Live) Describe(w io.Writer) {
	g := l.gate.Load()
	for _, b := range g.router.bases {
		fmt.Fprintf(w, "base path: %s\n", b)
	}
	for _, line := range g.describeSchemes() {
		fmt.Fprintln(w, line)
	}
	lines := map[string]string{"(unknown)": describe(g.unknown)}
	for rt := range g.router.all() {
		lines[rt.Path+" "+rt.Method+" "+rt.ID] = describe(rt.rules)
	}
	for _, name := range slices.Sorted(maps.Keys(lines)) {
		fmt.Fprintf(w, "%s: %s\n", name, lines[name])
	}
}

// describeSchemes says of each security scheme how it is checked.
func (g *Gate) describeSchemes() []string {
	var lines []string
	for rt := range g.router.all() {
		for _, a := range rt.security {
			for i := range a {
				lines = append(lines, fmt.Sprintf("scheme %s: %s", a[i].Scheme, g.describeNeed(&a[i])))
			}
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

func (g *Gate) describeNeed(n *need) string {
	switch {
	case n.credential == key:
		return fmt.Sprintf("the key %s must be there (%s); the gateway does not verify it", n.Name, n.In)
	case n.credential == scheme:
		return fmt.Sprintf("credentials for %s must be there; the gateway does not verify them", n.Name)
	case n.credential == certificate:
		return "the caller must show a client certificate to the gateway itself, which does not verify who has signed it; with TLS that ends in front no request fulfils this"
	case n.Type == "apiKey" && g.config.Verifier == nil:
		return "Authorization must be there; without --issuer the gateway does not verify it"
	case g.config.Verifier != nil:
		return "the token is verified"
	}
	return "tokens pass as they are, or without any: without --issuer the gateway does not look at them"
}

// WantsCertificate reports whether an operation asks for a client certificate.
func (l *Live) WantsCertificate() bool { return l.gate.Load().WantsCertificate() }

// WantsCertificate reports whether an operation asks for a client certificate.
func (g *Gate) WantsCertificate() bool {
	for rt := range g.router.all() {
		for _, a := range rt.security {
			if slices.ContainsFunc(a, func(n need) bool { return n.credential == certificate }) {
				return true
			}
		}
	}
	return false
}

// describe says the mode of most kinds, and those that differ.
func describe(rules [2]policy.Rules) string {
	text := ""
	for d, r := range rules {
		counts := map[policy.Mode]int{}
		for _, mode := range r {
			counts[mode]++
		}
		most := policy.Enforce
		for _, mode := range []policy.Mode{policy.Monitor, policy.Off} {
			if counts[mode] > counts[most] {
				most = mode
			}
		}
		if d > 0 {
			text += "; "
		}
		text += fmt.Sprintf("%s %s", policy.Direction(d), most)
		for kind, mode := range r {
			if mode != most {
				text += fmt.Sprintf(", %s %s", policy.Kind(kind), mode)
			}
		}
	}
	return text
}
