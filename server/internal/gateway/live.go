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
		Words: graph.Entity,
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

// Describe writes a line for each operation: what becomes of its requests and its responses.
func (l *Live) Describe(w io.Writer) {
	g := l.gate.Load()
	lines := map[string]string{"(unknown)": describe(g.unknown)}
	for rt := range g.router.all() {
		lines[rt.Path+" "+rt.Method+" "+rt.ID] = describe(rt.rules)
	}
	for _, name := range slices.Sorted(maps.Keys(lines)) {
		fmt.Fprintf(w, "%s: %s\n", name, lines[name])
	}
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
