package strict

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/message"
)

// Config says how a handler behaves. The zero Config serves a document that asks for no credentials.
type Config struct {
	// BasePath is where the paths of the operations begin, such as /v1; "" and / are the root. The function that validategen
	// writes takes the path of the document's first server for "".
	BasePath string
	// Authorize says who calls, or returns an error: a [*Problem], or one that [Config.Problem] words. It is called for
	// each request of an operation with security requirements, before anything of the body is read. x.Operation.Security has
	// the alternatives, each with its schemes and their scopes. [Schemes] makes such a function. It is required if the
	// document asks for credentials.
	Authorize func(x *Exchange) (principal any, err error)
	// MaxBody is the length of a body in bytes, before and after decompression; 0 means 1 MiB.
	MaxBody int64
	// MaxHeader is the length of the header fields together in bytes; 0 means 16 KiB.
	MaxHeader int
	// Negotiate settles the media types of a request and its response, and returns the Content-Type that the body is read as;
	// "" if there is none. Nil is [Negotiate].
	Negotiate func(x *Exchange) (contentType string, err error)
	// Problem words the errors of Authorize, Negotiate, handlers and of the package; nil is [ProblemOf]. Only a problem has
	// words that a client gets.
	Problem func(err error) *Problem
	// Form writes problems; nil is [ProblemDetails].
	Form Form
	// Other gets the requests whose path no operation has; nil responds with 404.
	Other http.Handler
	// Log gets one line for each request; nil discards them. No line holds a token, a body or a query. It holds
	// the path where no operation has it.
	Log *slog.Logger
	// Attrs returns further attributes of the line; nil returns none.
	Attrs func(x *Exchange) []slog.Attr
	// Tracer makes a span of each request, within the trace of its traceparent field; nil makes none.
	Tracer trace.Tracer
	// Meter measures http.server.request.duration, by method, route and status; nil measures nothing.
	Meter metric.Meter
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Operation is an operation of a document with the code that serves it. validategen writes both.
type Operation struct {
	*validate.Operation
	// Serve decodes the parameters and the body of x, has them answered, and writes the response. An error becomes a problem.
	Serve func(x *Exchange) error
}

// Handler serves the operations of a document. It is safe for concurrent use.
type Handler struct {
	config   Config
	base     string // without a slash at the end
	routes   node
	duration metric.Float64Histogram
}

const (
	defaultMaxBody   = 1 << 20
	defaultMaxHeader = 16 << 10
)

// New returns the handler of operations, or an error that says what is missing.
func New(operations []Operation, c Config) (*Handler, error) {
	c.MaxBody = cmp.Or(c.MaxBody, defaultMaxBody)
	c.MaxHeader = cmp.Or(c.MaxHeader, defaultMaxHeader)
	if c.Negotiate == nil {
		c.Negotiate = Negotiate
	}
	if c.Problem == nil {
		c.Problem = ProblemOf
	}
	if c.Form == nil {
		c.Form = ProblemDetails
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	h := &Handler{config: c, base: strings.TrimRight("/"+strings.Trim(c.BasePath, "/"), "/")}
	for _, op := range operations {
		if err := c.check(&op); err != nil {
			return nil, err
		}
		h.add(op)
	}
	return h, h.measure()
}

// check returns what is missing for an operation.
func (c *Config) check(op *Operation) error {
	switch {
	case op.Operation == nil || op.Serve == nil:
		return errors.New("building the handler: an operation has no contract or no code that serves it")
	case c.Authorize == nil && op.TokenRequired():
		return fmt.Errorf("building the handler: the document asks for credentials of the scheme %q for the operation %s: set Config.Authorize, for instance to strict.Schemes",
			op.Security[0][0].Scheme, op.ID)
	}
	return nil
}

// BasePath is where the paths begin, without a slash at the end: "" is the root.
func (h *Handler) BasePath() string { return h.base }

// Mount has mux give the requests below the base path to h. A mux redirects where a path has two slashes in a row or dots,
// percent-encoded ones among them, before h sees it: a handler that is served itself, with the mux as [Config.Other], does not.
func (h *Handler) Mount(mux *http.ServeMux) {
	if h.base != "" {
		mux.Handle(h.base, h)
	}
	mux.Handle(h.base+"/", h)
}

// ServeHTTP answers a request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.Serve(new(Exchange), w, r) }

// Serve answers a request with an exchange of the caller's, which may be part of a larger struct. Its Context, Start, RequestID
// and State stay as they are if they are set.
func (h *Handler) Serve(x *Exchange, w http.ResponseWriter, r *http.Request) {
	x.begin(h, w, r)
	x.end(x.admit())
}

// Refuse answers a request with an error, and looks at nothing of it.
func (h *Handler) Refuse(x *Exchange, w http.ResponseWriter, r *http.Request, err error) {
	x.begin(h, w, r)
	x.end(err)
}

// admit is what a request passes, in this order.
func (x *Exchange) admit() (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{v, debug.Stack()}
		}
	}()
	c := &x.handler.config
	if err := message.CheckTarget(x.Request); err != nil {
		return err // 400 before anything reads the target
	}
	if err := message.LimitHeader(x.Request.Header, c.MaxHeader); err != nil {
		return err // 431 before anything looks at a field
	}
	if err := x.route(); err != nil || x.Operation == nil {
		return err // 404, 405, or a response to OPTIONS
	}
	defer x.body.Release()
	if err := x.authorize(); err != nil {
		return err // 401, 403
	}
	if err := x.negotiate(); err != nil {
		return err // 406, 415
	}
	if x.content != nil {
		if err := x.body.Read(x.Request, c.MaxBody); err != nil {
			return err // 413
		}
	}
	return x.operation.Serve(x) // 400; then the handler
}

// panicError is a panic with its stack, for the log.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v\n%s", e.value, e.stack) }

// route finds the operation. It stays nil if the request was answered.
func (x *Exchange) route() error {
	h := x.handler
	res := h.find(x)
	switch {
	case res == nil && h.config.Other != nil:
		h.config.Other.ServeHTTP(x, x.Request)
		return nil
	case res == nil:
		return &NoRouteError{x.Request.URL.EscapedPath()}
	}
	x.resource = res
	if x.operation = res.operation(x.Request.Method); x.operation != nil {
		x.Operation = x.operation.Operation.Operation
		x.Request.Pattern = x.operation.pattern
		return nil
	}
	if x.Request.Method != http.MethodOptions {
		return &MethodError{res.methods}
	}
	x.answerOptions(res)
	return nil
}

// answerOptions answers with the methods of a resource (RFC 9110 §9.3.7), and with the media types that its PATCH accepts
// (RFC 5789 §3.1).
func (x *Exchange) answerOptions(res *resource) {
	h := x.Header()
	h["Allow"] = []string{strings.Join(res.methods, ", ")}
	if res.patch != "" {
		h["Accept-Patch"] = []string{res.patch}
	}
	x.WriteHeader(http.StatusNoContent)
}

func (x *Exchange) authorize() error {
	c := &x.handler.config
	if c.Authorize == nil || len(x.Operation.Security) == 0 {
		return nil
	}
	var err error
	x.Principal, err = c.Authorize(x)
	return err
}
