package api

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
)

// Verifier verifies the values of a request's Authorization header field.
type Verifier interface {
	// Verify returns who calls, or an *auth.Error.
	Verify(ctx context.Context, authorization []string) (*auth.Principal, error)
}

// chain is what every request passes, whether or not its path exists, in this order.
func (c *Config) chain() []echo.MiddlewareFunc {
	return []echo.MiddlewareFunc{
		c.conclude,       // names the request, answers errors, logs; may assume nothing
		recoverPanic,     // a panic becomes an error; conclude answers it
		limitHeader,      // 431 before anything looks at a header
		canonicalAddress, // one address for each object; the router sees only that
	}
}

// operationChain is what a request of an operation passes after routing (404, 405), in this order. Nothing of the body
// is read before the caller is authorised.
func (c *Config) operationChain(op *pfxvalid.Operation) []echo.MiddlewareFunc {
	chain := []echo.MiddlewareFunc{
		c.authorize(op),            // 401, 403, licence 400; from here on the exchange has a principal
		negotiate(op.RequestTypes), // 406, 415; from here on the body is JSON, plain or gzip
	}
	if op.DecodeBody != nil {
		chain = append(chain, readBody) // 413; from here on the exchange has the body
	}
	return append(chain, joinLists) // list-based header fields are one line each; then 400 for parameters and body
}

var (
	contentTypeJSON = []string{mediaJSON}
	noStore         = []string{"no-store"}
	noSniff         = []string{"nosniff"}
	odataVersion    = []string{"4.0"}
)

// conclude makes the answer of every request: it sets the header fields that all answers have, turns an error into its
// answer, and writes the log line.
func (c *Config) conclude(next echo.HandlerFunc) echo.HandlerFunc {
	return func(ec echo.Context) error {
		r, w := ec.Request(), ec.Response()
		x := newExchange(r.Context(), r.Header, c.Now())
		ec.SetRequest(r.WithContext(x))

		// The names as the page and OData write them: http.Header.Set would change their letter case.
		h := w.Header()
		id := x.requestID.String()
		h["request-id"] = x.field(fieldRequestID, id)
		if x.clientRequestID != x.requestID {
			id = x.clientRequestID.String()
		}
		h["client-request-id"] = x.field(fieldClientRequestID, id)
		h["OData-Version"], h["Cache-Control"], h["X-Content-Type-Options"] = odataVersion, noStore, noSniff
		if len(r.TransferEncoding) > 0 {
			h["Connection"] = []string{"close"} // RFC 9112 §6.1: no second request behind a chunked one
		}

		var p *problem
		if err := next(ec); err != nil {
			p = problemOf(err)
			if !w.Committed {
				p.write(w, x)
			}
		}
		x.log(c.Log, r, w.Status, w.Size, c.Now().Sub(x.start), p)
		return nil
	}
}

// write answers with the problem.
func (p *problem) write(w http.ResponseWriter, x *exchange) {
	h := w.Header()
	for _, f := range p.header {
		h[f.name] = []string{f.value}
	}
	body := p.body(x)
	h["Content-Type"] = contentTypeJSON
	h["Content-Length"] = x.field(fieldContentLength, strconv.Itoa(len(body)))
	w.WriteHeader(p.status)
	_, _ = w.Write(body) // the caller may be gone
}

// recoverPanic turns a panic into an error with its stack, for the log.
func recoverPanic(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
			}
		}()
		return next(c)
	}
}

// limitHeader refuses header fields that are too large together. net/http's own limit is larger and its answer is not
// ours.
func limitHeader(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		size := 0
		for name, values := range c.Request().Header {
			for _, value := range values {
				size += len(name) + len(value) + len(": \r\n")
			}
		}
		if size > maxHeader {
			return headerTooLarge()
		}
		return next(c)
	}
}

// authorize lets a request pass whose token holds, has one of the permissions that the contract asks for, and is of a
// licensed organisation.
func (c *Config) authorize(op *pfxvalid.Operation) echo.MiddlewareFunc {
	permissions := permissionsOf(op)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(ec echo.Context) error {
			r := ec.Request()
			x := exchangeOf(r.Context())
			x.operation = op
			principal, err := c.Verifier.Verify(r.Context(), r.Header["Authorization"])
			if err != nil {
				return err
			}
			x.principal = principal
			switch {
			case !principal.Allows(permissions...):
				return forbidden(permissions)
			case principal.Personal():
				return personalAccount()
			case c.Licensed != nil && !c.Licensed(principal.Tenant):
				return unlicensed()
			}
			return next(ec)
		}
	}
}

// permissionsOf returns the permissions of which an operation asks for one.
func permissionsOf(op *pfxvalid.Operation) []string {
	var permissions []string
	for _, alternative := range op.Security {
		for _, requirement := range alternative {
			permissions = append(permissions, requirement.Scopes...)
		}
	}
	slices.Sort(permissions)
	return slices.Compact(permissions)
}

// tenantOf returns the tenant of the caller of a request that was authorised.
func tenantOf(ctx context.Context) edm.Guid { return exchangeOf(ctx).principal.Tenant }
