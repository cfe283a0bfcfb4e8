package gateway

import (
	"net/http"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// exchangeOf returns the exchange behind w, or nil if w is not from a gate.
func exchangeOf(w http.ResponseWriter) *exchange {
	for {
		if x, ok := w.(*exchange); ok {
			return x
		}
		inner, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return nil
		}
		w = inner.Unwrap()
	}
}

// Matched returns the operation of a request and its escaped path parameters, in the order of the template. The operation is
// nil if the contract has none. w must come from a gate.
func Matched(w http.ResponseWriter) (*validate.Operation, []string) {
	x := exchangeOf(w)
	if x == nil || x.route == nil {
		return nil, nil
	}
	return x.route.Operation, x.values
}

// Refuse refuses a request in the gate's form, for a next handler with its own rules. w must come from the gate, and nothing
// of the response must have been written.
func Refuse(w http.ResponseWriter, p *graph.Problem) {
	if x, ok := w.(*exchange); ok {
		x.wait()
		x.refuseResponse(p)
		return
	}
	http.Error(w, p.Message, p.Status)
}
