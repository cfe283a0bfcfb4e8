package api

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pace"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/throttle"
)

// exchange is what the chain knows of one request and its answer. It is filled on the way and logged once, at the end.
// It is the handler's context and the answer's writer too, so that one allocation serves all three. It is not pooled: a
// store may hold the context of a caller that has left.
type exchange struct {
	context.Context
	graph.Identity
	writer    http.ResponseWriter
	fields    [fieldCount][1]string // the values of the answer's own header fields
	request   *http.Request         // as it came
	publicURL string                // where callers find the server, if its operator has said so
	operation *validate.Operation   // nil if no operation has the path and the method
	principal *auth.Principal
	answers   *throttle.Places // for long answers
	place     *throttle.Places // in which the exchange has a place, nil if in none
	body      graph.Body       // of the request
	err       error            // why the request was refused, or what failed
	status    int
	size      int64
	committed bool // the answer has begun
}

// The header fields whose values an exchange keeps.
const (
	fieldRequestID = iota
	fieldClientRequestID
	fieldETag
	fieldContentLength
	fieldCount
)

// field returns the value of a header field as net/http wants it, without an allocation of its own.
func (x *exchange) field(i int, value string) []string {
	x.fields[i][0] = value
	return x.fields[i][:]
}

// newExchange names a request.
func newExchange(w http.ResponseWriter, r *http.Request, publicURL string, now time.Time) *exchange {
	return &exchange{
		Context: pace.Context(r), Identity: graph.Identify(r.Header, now), writer: w, request: r, publicURL: publicURL,
		status: http.StatusOK,
	}
}

// origin returns the scheme and the authority by which the caller has reached the server, or those that the operator
// has set. No Forwarded field counts: anybody can send one.
func (x *exchange) origin() string {
	if x.publicURL != "" {
		return x.publicURL
	}
	scheme := "http://"
	if x.request.TLS != nil {
		scheme = "https://"
	}
	if x.request.Host == "" { // HTTP/1.0
		if addr, ok := x.Context.Value(http.LocalAddrContextKey).(net.Addr); ok {
			return scheme + addr.String()
		}
	}
	return scheme + x.request.Host
}

// setCommonHeader sets the header fields that all answers have, in the letter case of the page and of OData, which
// http.Header.Set would change.
func (x *exchange) setCommonHeader() {
	h := x.Header()
	id := x.RequestID.String()
	h["request-id"] = x.field(fieldRequestID, id)
	if x.ClientRequestID != x.RequestID {
		id = x.ClientRequestID.String()
	}
	h["client-request-id"] = x.field(fieldClientRequestID, id)
	h["OData-Version"], h["Cache-Control"], h["X-Content-Type-Options"] = odataVersion, noStore, noSniff
}

// Header, WriteHeader and Write are those of the answer; what was sent is kept for the log.
func (x *exchange) Header() http.Header { return x.writer.Header() }

func (x *exchange) WriteHeader(status int) {
	x.status, x.committed = status, true
	x.writer.WriteHeader(status)
}

func (x *exchange) Write(p []byte) (int, error) {
	x.committed = true
	n, err := x.writer.Write(p)
	x.size += int64(n)
	return n, err
}

// quickAnswer is the length in bytes up to which an answer counts for nothing while it is written: no single object's is
// longer.
const quickAnswer = 32 << 10

// beginAnswer gives up the place of work before the answer is written, which takes as long as its caller wants, up to the
// timeout: callers who do not read must not keep others from working. A long answer stays in memory meanwhile, so that
// it takes a place in answers.
func (x *exchange) beginAnswer(size int) error {
	if x.place == nil {
		return nil
	}
	x.leave()
	if size <= quickAnswer {
		return nil
	}
	if err := x.answers.Enter(x); err != nil {
		return graph.Unavailable(err)
	}
	x.place = x.answers
	return nil
}

// leave gives up the place that the exchange has, if it has one.
func (x *exchange) leave() {
	if x.place != nil {
		x.place.Leave()
		x.place = nil
	}
}

// writeJSON answers with the text that appendTo appends to a buffer.
func (x *exchange) writeJSON(w http.ResponseWriter, status int, appendTo func([]byte) []byte) error {
	buf := graph.NewBuffer()
	defer graph.FreeBuffer(buf)
	body := appendTo(buf.AvailableBuffer())
	buf.Write(body) // keeps what the body has grown to
	if err := x.beginAnswer(len(body)); err != nil {
		return err
	}
	h := w.Header()
	h["Content-Type"] = contentTypeJSON
	h["Content-Length"] = x.field(fieldContentLength, strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, err := w.Write(body)
	return err
}

// Unwrap lets [http.ResponseController] reach the connection.
func (x *exchange) Unwrap() http.ResponseWriter { return x.writer }

type exchangeKey struct{}

// Value finds the exchange itself, who asks for changes, and what the parent knows.
func (x *exchange) Value(key any) any {
	switch key.(type) {
	case exchangeKey:
		return x
	case pfx.AuthorKey:
		return x.author()
	}
	return x.Context.Value(key)
}

// author returns who asks, for the audit trail.
func (x *exchange) author() *pfx.Author {
	a := &pfx.Author{Request: x.RequestID.String()}
	if p := x.principal; p != nil {
		a.Subject, a.App, a.Token = storable(p.Subject), storable(p.App), storable(p.Token)
	}
	return a
}

// maxClaim bounds what a token may put into the audit trail by one claim, in bytes.
const maxClaim = 256

// storable returns a claim as a store can keep it: PostgreSQL's text has no NUL.
func storable(claim string) string {
	claim = strings.ToValidUTF8(claim[:min(len(claim), maxClaim)], "")
	return strings.ReplaceAll(claim, "\x00", "")
}

// exchangeOf returns the exchange that a handler's context is, or comes from.
func exchangeOf(ctx context.Context) *exchange { return ctx.Value(exchangeKey{}).(*exchange) }

// exchangeBehind returns the exchange that echo writes to. That it is not looked up in the request's context too saves
// the copy that http.Request.WithContext makes, 0.3 µs.
func exchangeBehind(c echo.Context) *exchange { return c.Response().Writer.(*exchange) }

// log writes the one line of a finished exchange. No line holds a token, a body or a header that the caller chose
// freely.
func (x *exchange) log(log *slog.Logger, r *http.Request, p *graph.Problem, now func() time.Time) {
	level := slog.LevelInfo
	if x.status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	if !log.Enabled(x, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", graph.Method(r.Method)), slog.Int("status", x.status),
		slog.Int64("bytes", x.size), slog.Duration("took", now().Sub(x.Start)),
		slog.String("request-id", x.RequestID.String()), slog.String("client-request-id", x.ClientRequestID.String()),
	}
	if x.operation != nil {
		attrs = append(attrs, slog.String("operation", x.operation.ID))
	}
	if x.principal != nil {
		attrs = append(attrs, slog.String("tenant", x.principal.Tenant.String()), slog.String("app", x.principal.App))
	}
	if p != nil {
		attrs = append(attrs, slog.String("code", p.Code))
		if p.Cause != nil && level == slog.LevelError {
			attrs = append(attrs, slog.String("err", p.Cause.Error()))
		}
	}
	log.LogAttrs(x, level, "request", attrs...)
}
