package gateway

import (
	"net/http"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// exchangeOf returns the exchange that a next handler writes to, nil if w is not a gate's.
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

// Matched returns the operation of a request, nil if the contract has none, and the values of its path parameters, escaped,
// in the order of the template. w is what a gate gave the next handler.
func Matched(w http.ResponseWriter) (*validate.Operation, []string) {
	x := exchangeOf(w)
	if x == nil || x.route == nil {
		return nil, nil
	}
	return x.route.Operation, x.values
}

// Refuse refuses a request in the form of the gate, for a next handler with rules of its own. w is what the gate gave it; of
// the response nothing must have gone out.
func Refuse(w http.ResponseWriter, p *graph.Problem) {
	if x, ok := w.(*exchange); ok {
		x.wait()
		x.refuseResponse(p)
		return
	}
	http.Error(w, p.Message, p.Status)
}
