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

// Verifier verifies the values of a request's Authorization header field.
type Verifier interface {
	// Verify returns who calls, or an *auth.Error.
	Verify(ctx context.Context, authorization []string) (*auth.Principal, error)
}

// authorize lets a request pass whose token holds, has one of the permissions that the contract asks for, is of a licensed
// organisation, and is no write too many.
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

// negotiate settles the media types of a request and its answer. The body is read as application/json whichever of them it has,
// since they mean the same.
func negotiate(x *strict.Exchange) (string, error) {
	bodyType, err := graph.Negotiate(x.Operation.Method, x.Request.Header, x.RequestTypes())
	if bodyType != "" {
		bodyType = "application/json"
	}
	return bodyType, err
}

// inPlace has an operation take a place while it works; it waits for one, or refuses the request. The requests of a batch are
// carried out one after the other in the place of the batch.
func (c *Config) inPlace(serve func(*strict.Exchange) error) func(*strict.Exchange) error {
	if c.Places == nil {
		return serve
	}
	return func(inner *strict.Exchange) error {
		if batch.IsPart(inner) {
			return serve(inner)
		}
		x := inner.State.(*exchange)
		if err := c.Places.Enter(x); err != nil {
			return graph.Unavailable(err) // 503
		}
		x.place, x.answers = c.Places, c.Answers
		defer x.leave()
		return serve(inner)
	}
}

// wordedAsBatch has the faults of a batch worded as such: it has not the members of an entity.
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
