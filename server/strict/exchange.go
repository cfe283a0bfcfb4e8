package strict

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/message"
)

// Exchange is one request and its response. It is the handler's context and the writer of the response. It is not reused, so
// the context may outlive the request.
type Exchange struct {
	context.Context // of the request

	Request   *http.Request
	Operation *validate.Operation // nil if no operation matches
	Start     time.Time           // when the request arrived
	RequestID string
	Principal any // the result of [Config.Authorize]
	State     any // of the program that calls [Handler.Serve]

	handler     *Handler
	writer      http.ResponseWriter
	resource    *resource
	operation   *operation
	values      []string  // escaped path parameters
	few         [2]string // backs values
	body        message.Body
	content     *validate.Body // the contract's body; nil if there is none
	contentType string
	problem     *Problem
	span        trace.Span
	lines       [3][1]string // header fields without an allocation
	size        int64
	status      int32
	exact       bool          // the Content-Type equals the body's media type
	committed   bool          // the response has begun
	duration    time.Duration // set once it is over
	gone        bool          // a write has failed: the client has left
	late        bool          // it failed after that, or the handler aborted it
}

type exchangeKey struct{}

// From returns the exchange of a handler's context or of one derived from it, or nil.
func From(ctx context.Context) *Exchange {
	x, _ := ctx.Value(exchangeKey{}).(*Exchange)
	return x
}

// PrincipalOf returns the result of [Config.Authorize] for the request of a handler's context.
func PrincipalOf(ctx context.Context) any { return From(ctx).Principal }

// Value returns the exchange itself, or a value of the request's context.
func (x *Exchange) Value(key any) any {
	if _, ok := key.(exchangeKey); ok {
		return x
	}
	return x.Context.Value(key)
}

// begin initializes the unset fields.
func (x *Exchange) begin(h *Handler, w http.ResponseWriter, r *http.Request) {
	x.handler, x.writer, x.Request, x.status = h, w, r, http.StatusOK
	x.values = x.few[:0]
	if x.Context == nil {
		x.Context = r.Context()
	}
	if x.Start.IsZero() {
		x.Start = h.config.Now()
	}
	if x.RequestID == "" {
		x.nameRequest()
	}
	x.beginSpan()
	if message.EndsConnection(r) {
		w.Header()["Connection"] = []string{"close"}
	}
}

// nameRequest uses the request id that a proxy in front sent, or makes one, and returns it to the client.
func (x *Exchange) nameRequest() {
	if names := x.Request.Header["X-Request-Id"]; len(names) == 1 && isName(names[0]) {
		x.RequestID = names[0]
	} else {
		x.RequestID = message.NewID().String()
	}
	x.Header()["X-Request-Id"] = x.line(0, x.RequestID)
}

// isName reports whether s is acceptable as a request id in the log.
func isName(s string) bool {
	for i := range len(s) {
		if c := s[i]; c|0x20-'a' > 'z'-'a' && c-'0' > 9 && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// line returns the value of a header field as net/http needs it, without an allocation.
func (x *Exchange) line(i int, value string) []string {
	x.lines[i][0] = value
	return x.lines[i][:]
}

// end responds with the problem of an error, and writes the log line.
func (x *Exchange) end(err error) {
	if err != nil {
		x.problem = x.handler.config.Problem(err)
		x.late = x.committed || isAbort(err)
		if !x.late {
			x.refuse(x.problem)
		}
	}
	x.observe()
	if x.late {
		panic(http.ErrAbortHandler) // so that the client does not take a part for the whole
	}
}

// refuse responds with a problem.
func (x *Exchange) refuse(p *Problem) {
	h := x.Header()
	for _, f := range p.Header {
		h[f.Name] = []string{f.Value}
	}
	buf := message.NewBuffer()
	defer message.FreeBuffer(buf)
	body, mediaType := x.handler.config.Form(buf.AvailableBuffer(), x, p)
	buf.Write(body) // keep the grown buffer
	h["Content-Type"] = x.line(2, mediaType)
	h["Content-Length"] = x.line(1, strconv.Itoa(len(body)))
	x.WriteHeader(p.Status)
	_, _ = x.Write(body) // the client may be gone
}

// Pattern is the document's path for the request, with the base path; "" if no operation matches.
func (x *Exchange) Pattern() string {
	if x.resource == nil {
		return ""
	}
	return x.resource.pattern
}

// RequestTypes are the media types of the operation's request bodies, without parameters.
func (x *Exchange) RequestTypes() []string { return x.operation.types }

// Status returns the status of the response so far.
func (x *Exchange) Status() int { return int(x.status) }

// Problem returns why the request was refused or failed, once it is over, or nil.
func (x *Exchange) Problem() *Problem { return x.problem }

// Duration is how long the exchange took, once it is over.
func (x *Exchange) Duration() time.Duration { return x.duration }

// Header returns the header fields of the response.
func (x *Exchange) Header() http.Header { return x.writer.Header() }

func (x *Exchange) WriteHeader(status int) {
	if status >= http.StatusOK {
		x.status, x.committed = int32(status), true
	}
	x.writer.WriteHeader(status)
}

func (x *Exchange) Write(p []byte) (int, error) {
	x.committed = true
	n, err := x.writer.Write(p)
	x.size += int64(n)
	x.gone = x.gone || err != nil
	return n, err
}

// Flush flushes the response if the connection can.
func (x *Exchange) Flush() { _ = x.FlushError() }

// FlushError is Flush for [http.ResponseController].
func (x *Exchange) FlushError() error { return http.NewResponseController(x.writer).Flush() }

// Unwrap lets [http.ResponseController] reach the connection.
func (x *Exchange) Unwrap() http.ResponseWriter { return x.writer }

// PathValue returns the i-th parameter of the path, percent-encoded as received.
func (x *Exchange) PathValue(i int) string { return x.values[i] }
