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

// Builtin returns the built-in contract, checked by generated code.
func Builtin() *Contract {
	return &Contract{
		BasePaths: validate.BasePaths(graph.BasePath), Operations: pfxvalid.Operations, Graph: true, MaxBody: graph.MaxBody,
		Further: graph.CheckKey, Words: graph.Entity,
	}
}

// Live is a gate that can be replaced while it serves. A request keeps the gate that was current when it arrived. Call
// Replace before it serves.
type Live struct{ gate atomic.Pointer[Gate] }

// Replace makes g the current gate.
func (l *Live) Replace(g *Gate) { l.gate.Store(g) }

// Handler is [Gate.Handler] of the current gate.
func (l *Live) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { l.gate.Load().Serve(w, r, next) })
}

// Describe writes the base paths, how each security scheme is checked, and a line for each operation with the modes of its
// requests and responses.
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

// describeSchemes returns a line for each security scheme that says how it is checked.
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
		return fmt.Sprintf("the key %s must be present (%s); the gateway does not verify it", n.Name, n.In)
	case n.credential == scheme:
		return fmt.Sprintf("credentials for %s must be present; the gateway does not verify them", n.Name)
	case n.credential == certificate:
		return "the client must present a certificate to the gateway itself, which does not verify its issuer; behind a proxy that ends TLS, every such request is refused"
	case n.Type == "apiKey" && g.config.Verifier == nil:
		return "Authorization must be present; without --issuer the gateway does not verify it"
	case g.config.Verifier != nil:
		return "the token is verified"
	}
	return "tokens are optional and not checked: set --issuer to verify them"
}

// WantsCertificate reports whether an operation requires a client certificate.
func (l *Live) WantsCertificate() bool { return l.gate.Load().WantsCertificate() }

// WantsCertificate reports whether an operation requires a client certificate.
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

// describe names the mode of most kinds, and the kinds that differ.
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
