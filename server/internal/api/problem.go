package api

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxserver"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// problemOf turns err into what the caller sees. Only here does an error become a status, and only a problem, a
// *pfx.Error, an *auth.Error and the faults of parameters have words meant for a caller.
func problemOf(err error, r *http.Request) *graph.Problem {
	if p, ok := errors.AsType[*graph.Problem](err); ok {
		return p
	}
	if e, ok := errors.AsType[*pfx.Error](err); ok {
		return domainProblem(e)
	}
	if e, ok := errors.AsType[*auth.Error](err); ok {
		return graph.OfToken(e)
	}
	if e, ok := errors.AsType[*pfxserver.ParameterError](err); ok {
		return graph.OfParameter(e.Faults)
	}
	if e, ok := errors.AsType[*echo.HTTPError](err); ok {
		return routingProblem(e, r)
	}
	return graph.Internal(err)
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
		p.Details = append(p.Details, pfxapi.ErrorDetail{Code: p.Code, Message: d.Msg, Target: "/" + d.Member})
	}
	return p
}

// routingProblem words what echo's router refuses.
func routingProblem(e *echo.HTTPError, r *http.Request) *graph.Problem {
	switch e.Code {
	case http.StatusNotFound:
		return graph.NoPath(r.URL.EscapedPath())
	case http.StatusMethodNotAllowed:
		return graph.MethodNotAllowed()
	}
	return graph.Internal(e)
}
