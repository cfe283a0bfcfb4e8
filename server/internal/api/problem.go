package api

import (
	"errors"
	"net/http"

	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// problemOf turns err into what the caller sees. Only here does an error become a status, and only a problem, a
// *pfx.Error, an *auth.Error and the errors of package strict have words meant for a caller.
func problemOf(err error) *graph.Problem {
	if p, ok := errors.AsType[*graph.Problem](err); ok {
		return p
	}
	if e, ok := errors.AsType[*pfx.Error](err); ok {
		return domainProblem(e)
	}
	if e, ok := errors.AsType[*auth.Error](err); ok {
		return graph.OfToken(e)
	}
	return graph.OfRefusal(err)
}

// domainProblem maps the kinds of pfx errors. A kind that is missing here is internal.
func domainProblem(e *pfx.Error) *graph.Problem {
	p := &graph.Problem{Message: e.Msg, Cause: e.Err}
	switch e.Kind {
	case pfx.Invalid:
		p.Status, p.Code = http.StatusBadRequest, graph.CodeModelValidation
	case pfx.Denied:
		p.Status, p.Code = http.StatusForbidden, graph.CodeForbidden
	case pfx.NotFound:
		p.Status, p.Code = http.StatusNotFound, graph.CodeNotFound
	case pfx.Exists, pfx.PreconditionFailed:
		p.Status, p.Code = http.StatusPreconditionFailed, graph.CodePrecondition
	case pfx.PreconditionRequired:
		p.Status, p.Code = http.StatusPreconditionRequired, "PreconditionRequired"
	case pfx.Unavailable:
		return graph.Unavailable(e)
	default:
		return graph.Internal(e)
	}
	for _, d := range e.Details {
		p.Faults = append(p.Faults, graph.Fault{Pointer: "/" + d.Member, Name: d.Member, Keyword: "const", Message: d.Msg})
	}
	return p
}
