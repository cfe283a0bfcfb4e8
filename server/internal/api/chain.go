package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/internal/throttle"
)

// Verifier verifies the values of a request's Authorization header field.
type Verifier interface {
	// Verify returns who calls, or an *auth.Error.
	Verify(ctx context.Context, authorization []string) (*auth.Principal, error)
}

// ServeHTTP answers every request, whether or not its path exists: it names the request, sets the header fields that
// all answers have, turns an error into its answer, and writes the log line.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.serve(w, r, (*Server).enter) }

// Refuse answers a request as ServeHTTP does, but with a status that it has not earned: 412, 429 or 503. Nothing of it
// is looked at. The answer has Retry-After, in whole seconds, if retryAfter is positive.
func (s *Server) Refuse(w http.ResponseWriter, r *http.Request, status int, retryAfter time.Duration) {
	s.serve(w, r, func(*Server, *exchange, *http.Request) error { return graph.Refusal(status, retryAfter) })
}

// Reject answers a request as ServeHTTP does, but with an error. Nothing of the request is looked at.
func (s *Server) Reject(w http.ResponseWriter, r *http.Request, err error) {
	s.serve(w, r, func(*Server, *exchange, *http.Request) error { return err })
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, enter func(*Server, *exchange, *http.Request) error) {
	x := newExchange(w, r, s.config.PublicURL, s.config.Now())
	x.setCommonHeader()
	if graph.EndsConnection(r) {
		w.Header()["Connection"] = []string{"close"}
	}
	var p *graph.Problem
	if err := enter(s, x, r); err != nil {
		p = problemOf(err)
		if !x.committed {
			x.writeProblem(p)
		}
	}
	x.log(s.config.Log, r, p, s.config.Now)
	s.config.Done(x.operationID(), x.status, reasonOf(p), s.config.Now().Sub(x.Start))
}

// operationID is the operation's, "" of a request that none has.
func (x *exchange) operationID() string {
	if x.operation == nil {
		return ""
	}
	return x.operation.ID
}

// reasonOf returns why a request was refused, "" if it was not.
func reasonOf(p *graph.Problem) string {
	switch {
	case p == nil:
		return ""
	case errors.Is(p.Cause, throttle.ErrFull):
		return "Overload"
	}
	return p.Code
}

// enter is what every request passes before its operation, in this order. A panic anywhere behind it becomes an error
// with its stack, for the log.
func (s *Server) enter(x *exchange, r *http.Request) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	if err := graph.CheckTarget(r); err != nil {
		return err // 400 before anything reads the target
	}
	if err := graph.LimitHeader(r.Header, graph.MaxHeader); err != nil {
		return err // 431 before anything looks at a header
	}
	graph.CanonicalAddress(r.URL) // one address for each object; the router sees only that
	s.routes.ServeHTTP(x, r)      // 404, 405; then the operation's chain
	return x.err
}

// keepError leaves an error of the router, a check or a handler to ServeHTTP.
func keepError(err error, c echo.Context) { exchangeBehind(c).err = err }

// check is one link of an operation's chain: it refuses a request or says more of it in the exchange.
type check func(r *http.Request, x *exchange) error

// operationChain is what a request of an operation passes after routing, in this order. Nothing of the body is read
// before the caller is authorised.
func (c *Config) operationChain(op *validate.Operation) echo.MiddlewareFunc {
	checks := []check{
		c.authorize(op),              // 401, 403, licence 400; from here on the exchange has a principal
		c.throttle(op),               // 429
		negotiate(op.RequestTypes()), // 406, 415; from here on the body is JSON, plain or gzip
	}
	if op.DecodeBody != nil {
		checks = append(checks, readBody) // 413; from here on the exchange has the body
	}
	checks = append(checks, joinRequestNames) // what follows wants each header field in one line
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(ec echo.Context) error {
			r, x := ec.Request(), exchangeBehind(ec)
			x.operation = op
			if values := ec.ParamValues(); len(values) > 0 {
				x.key = values[len(values)-1]
			}
			defer x.body.Release()
			for _, check := range checks {
				if err := check(r, x); err != nil {
					return err
				}
			}
			if c.Places != nil {
				if err := c.Places.Enter(x); err != nil {
					return graph.Unavailable(err) // 503
				}
				x.place, x.answers = c.Places, c.Answers
				defer x.leave()
			}
			return next(ec) // 400 for parameters, then for the body; then the handler
		}
	}
}

var (
	contentTypeJSON = []string{"application/json"}
	noStore         = []string{"no-store"}
	noSniff         = []string{"nosniff"}
	odataVersion    = []string{"4.0"}
)

// writeProblem answers with the problem.
func (x *exchange) writeProblem(p *graph.Problem) {
	h := x.Header()
	for _, f := range p.Header {
		h[f.Name] = []string{f.Value}
	}
	_ = x.writeJSON(x, p.Status, func(buf []byte) []byte { return p.Append(buf, &x.Identity) }) // the caller may be gone
}

// authorize lets a request pass whose token holds, has one of the permissions that the contract asks for, and is of a
// licensed organisation.
func (c *Config) authorize(op *validate.Operation) check {
	permissions := op.Permissions()
	var alternatives [][]string
	for _, p := range permissions {
		alternatives = append(alternatives, []string{p})
	}
	return func(r *http.Request, x *exchange) error {
		principal, err := c.Verifier.Verify(x, r.Header["Authorization"])
		if err != nil {
			return err
		}
		x.principal = principal
		switch {
		case !principal.Allows(permissions...):
			return graph.Forbidden(alternatives)
		case principal.Personal():
			return graph.PersonalAccount()
		case c.Licensed != nil && !c.Licensed(principal.Tenant):
			return graph.Unlicensed()
		}
		return nil
	}
}

// throttle refuses a write of a caller who has written too often.
func (c *Config) throttle(op *validate.Operation) check {
	if c.Writes == nil || op.Method == http.MethodGet {
		return func(*http.Request, *exchange) error { return nil }
	}
	return func(_ *http.Request, x *exchange) error {
		if wait := c.Writes.Take(x.principal.Tenant, x.principal.App, x.Start); wait > 0 {
			return graph.Refusal(http.StatusTooManyRequests, (wait + time.Second - 1).Truncate(time.Second))
		}
		return nil
	}
}

// negotiate settles the media types of a request and its answer. It leaves Content-Type as application/json for all of
// them, since they mean the same: the generated server compares the header letter by letter.
func negotiate(bodyTypes []string) check {
	return func(r *http.Request, _ *exchange) error {
		bodyType, err := graph.Negotiate(r.Method, r.Header, bodyTypes)
		if err == nil && bodyType != "" {
			r.Header["Content-Type"] = contentTypeJSON
		}
		return err
	}
}

// readBody reads the body for the operations that have one. Nothing of it was read before: what refuses a request
// earlier costs the caller's bytes, not ours.
func readBody(r *http.Request, x *exchange) error { return x.body.Read(r, graph.MaxBody) }

// joinRequestNames makes one line of the names that the caller has given the request.
func joinRequestNames(r *http.Request, _ *exchange) error {
	graph.JoinRequestNames(r.Header)
	return nil
}

// tenantOf returns the tenant of the caller of a request that was authorised.
func tenantOf(ctx context.Context) edm.Guid { return exchangeOf(ctx).principal.Tenant }
