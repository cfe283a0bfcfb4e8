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

// Exchange is what is known of one request and its response. It is the context that the handler gets, and the writer of the
// response. It is not reused: who holds the context may do so when the request is over.
type Exchange struct {
	context.Context // of the request

	Request   *http.Request
	Operation *validate.Operation // nil if no operation has the path and the method
	Start     time.Time           // when the request came
	RequestID string
	Principal any // what [Config.Authorize] has returned
	State     any // of the program that calls [Handler.Serve]

	handler     *Handler
	writer      http.ResponseWriter
	resource    *resource
	operation   *operation
	values      []string  // of the path, escaped
	few         [2]string // holds values
	body        message.Body
	content     *validate.Body // what the contract says of the body; nil if there is none
	contentType string
	problem     *Problem
	span        trace.Span
	lines       [3][1]string // of header fields, without an allocation
	size        int64
	status      int32
	exact       bool          // the Content-Type is the body's media type itself
	committed   bool          // the response has begun
	duration    time.Duration // once it is over
	gone        bool          // a write has failed: the client takes no more
	late        bool          // it failed after that, or the handler wants it to break off
}

type exchangeKey struct{}

// From returns the exchange that a handler's context is, or comes from; nil if there is none.
func From(ctx context.Context) *Exchange {
	x, _ := ctx.Value(exchangeKey{}).(*Exchange)
	return x
}

// PrincipalOf returns what [Config.Authorize] has returned for the request of a handler's context.
func PrincipalOf(ctx context.Context) any { return From(ctx).Principal }

// Value finds the exchange itself, and what the request's context knows.
func (x *Exchange) Value(key any) any {
	if _, ok := key.(exchangeKey); ok {
		return x
	}
	return x.Context.Value(key)
}

// begin fills in what is not set.
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

// nameRequest takes the name of whoever stands in front, or makes one, and returns it to the client.
func (x *Exchange) nameRequest() {
	if names := x.Request.Header["X-Request-Id"]; len(names) == 1 && isName(names[0]) {
		x.RequestID = names[0]
	} else {
		x.RequestID = message.NewID().String()
	}
	x.Header()["X-Request-Id"] = x.line(0, x.RequestID)
}

// isName reports whether s may name a request in a log.
func isName(s string) bool {
	for i := range len(s) {
		if c := s[i]; c|0x20-'a' > 'z'-'a' && c-'0' > 9 && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// line returns the value of a header field as net/http wants it, without an allocation of its own.
func (x *Exchange) line(i int, value string) []string {
	x.lines[i][0] = value
	return x.lines[i][:]
}

// end answers with the problem of an error, and writes the line of the log.
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
		panic(http.ErrAbortHandler) // so that the client does not take what it got for the whole
	}
}

// refuse answers with a problem.
func (x *Exchange) refuse(p *Problem) {
	h := x.Header()
	for _, f := range p.Header {
		h[f.Name] = []string{f.Value}
	}
	buf := message.NewBuffer()
	defer message.FreeBuffer(buf)
	body, mediaType := x.handler.config.Form(buf.AvailableBuffer(), x, p)
	buf.Write(body) // keeps what the body has grown to
	h["Content-Type"] = x.line(2, mediaType)
	h["Content-Length"] = x.line(1, strconv.Itoa(len(body)))
	x.WriteHeader(p.Status)
	_, _ = x.Write(body) // the client may be gone
}

// Pattern is the path that the document has for the request, with the base path; "" if no operation has it.
func (x *Exchange) Pattern() string {
	if x.resource == nil {
		return ""
	}
	return x.resource.pattern
}

// RequestTypes are the media types of the operation's requests, without parameters.
func (x *Exchange) RequestTypes() []string { return x.operation.types }

// Status returns the status of the response, as far as it has begun.
func (x *Exchange) Status() int { return int(x.status) }

// Problem returns why the request was refused or failed, once it is over; nil if neither.
func (x *Exchange) Problem() *Problem { return x.problem }

// Duration is how long the exchange has lasted, once it is over.
func (x *Exchange) Duration() time.Duration { return x.duration }

// Header, WriteHeader and Write are those of the response; what was sent is kept for the log.
func (x *Exchange) Header() http.Header { return x.writer.Header() }

// WriteHeader begins the response.
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

// Flush sends what has been written, where the connection can.
func (x *Exchange) Flush() { _ = x.FlushError() }

// FlushError is Flush for [http.ResponseController].
func (x *Exchange) FlushError() error { return http.NewResponseController(x.writer).Flush() }

// Unwrap lets [http.ResponseController] reach the connection.
func (x *Exchange) Unwrap() http.ResponseWriter { return x.writer }

// PathValue returns the value of a parameter of the path by its number in the template, as it stands on the wire.
func (x *Exchange) PathValue(i int) string { return x.values[i] }
