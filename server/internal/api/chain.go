package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/batch"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/strict"
)

// authorize accepts a request whose token is valid and has a permission that the contract asks for. The tenant must be
// licensed, and a write must be within the caller's rate.
func (c *Config) authorize(x *strict.Exchange) (any, error) {
	principal, err := c.Verifier.Verify(x, x.Request.Header["Authorization"])
	switch {
	case err != nil:
		return nil, err
	case !allows(principal, x.Operation):
		return principal, graph.Forbidden(alternativesOf(x.Operation))
	case principal.Personal():
		return principal, graph.PersonalAccount()
	case c.Licensed != nil && !c.Licensed(principal.Tenant):
		return principal, graph.Unlicensed()
	case c.Writes != nil && x.Operation.Method != http.MethodGet && x.Operation.ID != batch.OperationID: // its requests count
		if wait := c.Writes.Take(principal.Tenant, principal.App, x.Start); wait > 0 {
			return principal, graph.Refusal(http.StatusTooManyRequests, (wait + time.Second - 1).Truncate(time.Second))
		}
	}
	return principal, nil
}

// allows reports whether a caller has one of the permissions of an operation.
func allows(principal *auth.Principal, op *validate.Operation) bool {
	for _, alternative := range op.Security {
		for i := range alternative {
			if principal.Allows(alternative[i].Scopes...) {
				return true
			}
		}
	}
	return false
}

func alternativesOf(op *validate.Operation) [][]string {
	var alternatives [][]string
	for _, p := range op.Permissions() {
		alternatives = append(alternatives, []string{p})
	}
	return alternatives
}

// negotiate chooses the media types of a request and its response. Every accepted type of a body is read as
// application/json: they mean the same.
func negotiate(x *strict.Exchange) (string, error) {
	bodyType, err := graph.Negotiate(x.Operation.Method, x.Request.Header, x.RequestTypes())
	if bodyType != "" {
		bodyType = "application/json"
	}
	return bodyType, err
}

// limited bounds how many requests are in flight. A request waits for a place, or is refused. A batch takes one place: its
// requests run in turn.
func (c *Config) limited(serve func(*strict.Exchange) error) func(*strict.Exchange) error {
	if c.InFlight == nil {
		return serve
	}
	return func(inner *strict.Exchange) error {
		if batch.IsPart(inner) {
			return serve(inner)
		}
		x := inner.State.(*call)
		if err := c.InFlight.Enter(x); err != nil {
			return graph.Unavailable(err) // 503
		}
		x.place, x.responses = c.InFlight, c.LongResponses
		defer x.leave()
		return serve(inner)
	}
}

// wordedAsBatch words the faults of a batch, which does not have the members of an entity.
func wordedAsBatch(serve func(*strict.Exchange) error) func(*strict.Exchange) error {
	return func(x *strict.Exchange) error {
		err := serve(x)
		if e, ok := errors.AsType[*strict.InvalidError](err); ok && !e.Parameters && !e.Faults.Malformed {
			return graph.Batch.OfBody(e.Faults.List)
		}
		return err
	}
}

// tenantOf returns the tenant of the caller of a request that was authorised.
func tenantOf(ctx context.Context) edm.Guid {
	return strict.PrincipalOf(ctx).(*auth.Principal).Tenant
}
