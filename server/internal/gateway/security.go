package gateway

import (
	"net/http"

	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// authorize lets a request pass whose token holds and has one of the permissions that the operation declares; what no
// operation has needs a token too. It knows no policy: a token that is only looked at protects nothing.
func (x *exchange) authorize() *graph.Problem {
	rt, verifier := x.route, x.gate.config.Verifier
	if verifier == nil || rt != nil && !rt.tokenRequired {
		return nil
	}
	principal, err := verifier.Verify(x.request.Context(), x.request.Header["Authorization"])
	switch {
	case err != nil:
		p := problemOf(err)
		if p.Status >= http.StatusInternalServerError {
			x.gate.config.Log.Error("a token could not be checked", "err", err)
		}
		return p
	case rt != nil && len(rt.permissions) > 0 && !principal.Allows(rt.permissions...):
		return graph.Forbidden(rt.permissions)
	case principal.Personal():
		return graph.PersonalAccount()
	}
	return nil
}
