package gateway

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// The verdicts of access lines.
const (
	passed   = "passed"
	watched  = "watched"  // it passed, but broke a rule that is not enforced
	answered = "answered" // by the gate, from the contract: OPTIONS
	refused  = "refused"  // the request or its response
	failed   = "failed"   // the next handler gave no complete response
)

// verdict returns the verdict of the exchange.
func (x *exchange) verdict() string {
	switch {
	case x.failed || x.passing && !x.returned: // or the next handler panicked
		return failed
	case x.refused || x.refusal != "":
		return refused
	case !x.passing:
		return answered
	case x.violations > 0:
		return watched
	}
	return passed
}

// access writes the access line. Sampling never drops the line of a request that was refused or failed.
func (x *exchange) access() {
	g := x.gate
	if g.config.Access == nil {
		return
	}
	verdict := x.verdict()
	exempt := verdict == refused || verdict == failed || x.status >= http.StatusInternalServerError
	if n := g.config.AccessSample; n > 1 && !exempt && g.passed.Add(1)%uint64(n) != 1 {
		return
	}
	fields := accessFields.Get().(*[]slog.Attr)
	defer accessFields.Put(fields)
	*fields = x.appendAccess((*fields)[:0], verdict)
	// Building the record here avoids looking up the source line; a group without a name avoids copying the fields.
	r := slog.NewRecord(time.Now(), slog.LevelInfo, "request", 0)
	r.AddAttrs(slog.Attr{Value: slog.GroupValue(*fields...)})
	_ = g.config.Access.Handle(context.Background(), r) // there is no other place to report it
	clear(*fields)
}

var accessFields = sync.Pool{New: func() any { fields := make([]slog.Attr, 0, 20); return &fields }}

// appendAccess appends the fields of a line. The path is the template, or the client's path without the query if no route
// matches.
func (x *exchange) appendAccess(to []slog.Attr, verdict string) []slog.Attr {
	path := x.request.URL.EscapedPath()
	if x.resource != nil {
		path = x.resource.path
	}
	to = append(to, slog.String("method", cut(x.request.Method)), slog.String("operation", x.operation()), slog.String("path", cut(path)),
		slog.Int("status", x.status), slog.String("verdict", verdict), slog.Int("violations", x.violations),
		slog.Int64("bytes_in", x.bytesIn()), slog.Int64("bytes_out", x.bytesOut), slog.Float64("duration_ms", milliseconds(time.Since(x.start))))
	if x.passing {
		to = append(to, slog.String("upstream", x.gate.config.Upstream), slog.Float64("upstream_ms", milliseconds(cmp.Or(x.waited, time.Since(x.passedAt)))))
	}
	to = append(to, slog.String("caller", x.gate.config.Caller(x.request)))
	if x.client != "" {
		to = append(to, slog.String("client", cut(x.client)))
	}
	id := x.named()
	to = append(to, slog.String("request-id", id.RequestID.String()))
	if id.ClientRequestID != id.RequestID {
		to = append(to, slog.String("client-request-id", id.ClientRequestID.String()))
	}
	return to
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// peer returns the address of the client or the proxy in front.
func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// bytesIn returns how much of the request's body was read.
func (x *exchange) bytesIn() int64 {
	if x.counted != nil {
		return x.counted.read.Load()
	}
	return int64(len(x.body.Raw()))
}

// countBody counts what the next handler reads of a body that was not read here.
func (x *exchange) countBody(r *http.Request) *http.Request {
	if x.gate.config.Access == nil || x.lent != nil || r.Body == nil || r.Body == http.NoBody {
		return r
	}
	x.counted = &countedBody{ReadCloser: r.Body}
	of := r
	r = new(http.Request)
	*r = *of
	r.Body = x.counted
	return r
}

type countedBody struct {
	io.ReadCloser
	read atomic.Int64 // a handler may still read after the exchange
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read.Add(int64(n))
	return n, err
}

// send writes to the client.
func (x *exchange) send(p []byte) (int, error) {
	n, err := x.writer.Write(p)
	x.bytesOut += int64(n)
	return n, err
}

// wait records the time until the response began.
func (x *exchange) wait() {
	if x.passing && x.waited == 0 && x.gate.config.Access != nil {
		x.waited = time.Since(x.passedAt)
	}
}
