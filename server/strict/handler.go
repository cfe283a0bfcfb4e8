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

// Config holds the settings of a handler. The zero Config serves a document that requires no credentials.
type Config struct {
	// BasePath is the prefix of the operations' paths, such as /v1; "" and / are the root. In the function New that
	// validategen writes, "" means the path of the document's server.
	BasePath string
	// Authorize returns the verified caller or an error: a [*Problem], or one that [Config.Problem] maps. It is called for
	// each request of an operation with security requirements, before the body is read. x.Operation.Security has the
	// alternatives, each with its schemes and scopes. [Schemes] makes such a function. It is required if the document
	// requires credentials.
	Authorize func(x *Exchange) (principal any, err error)
	// MaxBody is the largest body in bytes, before and after decompression; 0 means 1 MiB.
	MaxBody int64
	// MaxHeader is the largest total size of the header fields in bytes; 0 means 16 KiB.
	MaxHeader int
	// Negotiate chooses the media types of a request and its response. It returns the Content-Type that the body is read as,
	// or "" if there is no body. Nil is [Negotiate].
	Negotiate func(x *Exchange) (contentType string, err error)
	// Problem maps the errors of Authorize, Negotiate, handlers and this package to problems; nil is [ProblemOf]. Only a
	// problem's words reach a client.
	Problem func(err error) *Problem
	// Form writes problems; nil is [ProblemDetails].
	Form Form
	// Other gets the requests whose path no operation matches; nil responds with 404.
	Other http.Handler
	// Log receives one line for each request; nil discards them. A line contains no token, body or query. It contains the
	// path if no operation matches.
	Log *slog.Logger
	// Attrs returns further attributes of the line; nil adds none.
	Attrs func(x *Exchange) []slog.Attr
	// Done is called when a request is over, before its line is logged; it may be nil.
	Done func(x *Exchange)
	// Tracer creates a span for each request, within the trace of its traceparent field; nil creates none.
	Tracer trace.Tracer
	// Meter measures http.server.request.duration, by method, route and status; nil measures nothing.
	Meter metric.Meter
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Operation is an operation of a document and the code that serves it. validategen writes both.
type Operation struct {
	*validate.Operation
	// Serve decodes the parameters and the body of x, calls the implementation, and writes the response. An error becomes a
	// problem.
	Serve func(x *Exchange) error
}

// Handler serves the operations of a document. It is safe for concurrent use.
type Handler struct {
	config   Config
	base     string // without a trailing slash
	routes   node
	duration metric.Float64Histogram
}

const (
	defaultMaxBody   = 1 << 20
	defaultMaxHeader = 16 << 10
)

// New returns a handler for operations. It returns an error if a setting is missing.
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

// check returns an error if something is missing for an operation.
func (c *Config) check(op *Operation) error {
	switch {
	case op.Operation == nil || op.Serve == nil:
		return errors.New("building the handler: an operation has no contract or no code to serve it")
	case c.Authorize == nil && op.TokenRequired():
		return fmt.Errorf("building the handler: the document requires credentials of the scheme %q for the operation %s: set Config.Authorize, for instance to strict.Schemes",
			op.Security[0][0].Scheme, op.ID)
	}
	return nil
}

// BasePath is the prefix of the paths, without a trailing slash: "" is the root.
func (h *Handler) BasePath() string { return h.base }

// Mount registers h on mux for the paths below the base path. A mux redirects paths with double slashes or dots, even
// percent-encoded ones, before h sees them. To avoid that, serve h itself with the mux as [Config.Other].
func (h *Handler) Mount(mux *http.ServeMux) {
	if h.base != "" {
		mux.Handle(h.base, h)
	}
	mux.Handle(h.base+"/", h)
}

// ServeHTTP serves a request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.Serve(new(Exchange), w, r) }

// Serve serves a request with an exchange from the caller, which may be part of a larger struct. It keeps Context, Start,
// RequestID and State if they are set.
func (h *Handler) Serve(x *Exchange, w http.ResponseWriter, r *http.Request) {
	x.begin(h, w, r)
	x.end(x.admit())
}

// Refuse responds to a request with an error, without reading the request.
func (h *Handler) Refuse(x *Exchange, w http.ResponseWriter, r *http.Request, err error) {
	x.begin(h, w, r)
	x.end(err)
}

// admit runs the checks of a request in order.
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
		return err // 431 before anything reads a field
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

// isAbort reports whether a handler panicked with [http.ErrAbortHandler].
func isAbort(err error) bool {
	e, ok := errors.AsType[*panicError](err)
	if !ok {
		return false
	}
	value, ok := e.value.(error)
	return ok && errors.Is(value, http.ErrAbortHandler)
}

// route finds the operation. It stays nil if the response is already sent.
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

// answerOptions responds with the methods of a resource (RFC 9110 §9.3.7) and with the media types of PATCH (RFC 5789 §3.1).
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
