package api

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/internal/message"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pace"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/throttle"
	"github.com/pfxrecryption/pfxrecryption/server/strict"
)

// call is one request and its response. It shares one allocation with the handler's context.
type call struct {
	strict.Exchange
	ids       [2]edm.Guid           // ours and the caller's
	fields    [fieldCount][1]string // values of the response's header fields
	key       string                // key of the created object; "" is the key in the path
	publicURL string                // see [Config]
	responses *throttle.Limiter     // for long responses
	place     *throttle.Limiter     // in which the call has a place; nil is none
}

// Header fields whose values a call holds.
const (
	fieldRequestID = iota
	fieldClientRequestID
	fieldETag
	fieldContentLength
	fieldCount
)

// field returns the value of a header field as net/http wants it, without an allocation of its own.
func (x *call) field(i int, value string) []string {
	x.fields[i][0] = value
	return x.fields[i][:]
}

var (
	contentTypeJSON = []string{"application/json"}
	noStore         = []string{"no-store"}
	noSniff         = []string{"nosniff"}
	odataVersion    = []string{"4.0"}
)

// newCall gives a request its ids, and sets the header fields of every response. Their letter case is the page's and OData's,
// which http.Header.Set would change.
func (s *Server) newCall(w http.ResponseWriter, r *http.Request) *call {
	id := graph.Identify(r.Header, s.config.Now())
	x := &call{ids: [2]edm.Guid{id.RequestID, id.ClientRequestID}, publicURL: s.config.PublicURL}
	x.Context, x.State, x.Start, x.RequestID = pace.Context(r), x, id.Start, id.RequestID.String()
	graph.JoinRequestNames(r.Header) // later readers need the field in one line
	h := w.Header()
	h["request-id"] = x.field(fieldRequestID, x.RequestID)
	h["client-request-id"] = x.field(fieldClientRequestID, x.clientRequestID())
	h["OData-Version"], h["Cache-Control"], h["X-Content-Type-Options"] = odataVersion, noStore, noSniff
	return x
}

func (x *call) clientRequestID() string {
	if x.ids[0] == x.ids[1] {
		return x.RequestID
	}
	return x.ids[1].String()
}

// origin returns the scheme and the authority that the caller used for the server, or those that the operator has set. It
// ignores Forwarded, which anybody can send.
func (x *call) origin() string {
	if x.publicURL != "" {
		return x.publicURL
	}
	scheme := "http://"
	if x.Request.TLS != nil {
		scheme = "https://"
	}
	if x.Request.Host == "" { // HTTP/1.0
		if addr, ok := x.Context.Value(http.LocalAddrContextKey).(net.Addr); ok {
			return scheme + addr.String()
		}
	}
	return scheme + x.Request.Host
}

// quickResponse is the greatest length in bytes of a response that needs no place while it is written. No single object is
// longer.
const quickResponse = 32 << 10

// beginResponse gives up the call's place before its response is written. Writing takes as long as the client wants, up to
// the timeout, and clients that do not read must not block others. A long response stays in memory meanwhile, so it takes a
// place of its own.
func (x *call) beginResponse(size int) error {
	if x.place == nil {
		return nil
	}
	x.leave()
	if size <= quickResponse {
		return nil
	}
	if err := x.responses.Enter(x); err != nil {
		return graph.Unavailable(err)
	}
	x.place = x.responses
	return nil
}

// leave gives up the call's place, if it has one.
func (x *call) leave() {
	if x.place != nil {
		x.place.Leave()
		x.place = nil
	}
}

// writeJSON writes a response whose body appendTo appends to a buffer.
func (x *call) writeJSON(w http.ResponseWriter, status int, appendTo func([]byte) []byte) error {
	buf := graph.NewBuffer()
	defer graph.FreeBuffer(buf)
	body := appendTo(buf.AvailableBuffer())
	buf.Write(body) // keeps what the body has grown to
	if err := x.beginResponse(len(body)); err != nil {
		return err
	}
	h := w.Header()
	h["Content-Type"] = contentTypeJSON
	h["Content-Length"] = x.field(fieldContentLength, strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, err := w.Write(body)
	return err
}

// changing returns a context for a change, which says who asks for it.
func changing(ctx context.Context) context.Context {
	x := callOf(ctx)
	a := &pfx.Author{Request: x.RequestID}
	if p, ok := x.Principal.(*auth.Principal); ok && p != nil {
		a.Subject, a.App, a.Token = storable(p.Subject), storable(p.App), storable(p.Token)
	}
	return context.WithValue(ctx, pfx.AuthorKey{}, a)
}

// maxClaim bounds what a token may put into the audit trail by one claim, in bytes.
const maxClaim = 256

// storable returns a claim as a store can keep it: PostgreSQL's text has no NUL.
func storable(claim string) string {
	claim = strings.ToValidUTF8(claim[:min(len(claim), maxClaim)], "")
	return strings.ReplaceAll(claim, "\x00", "")
}

// callOf returns the call of a handler's context.
func callOf(ctx context.Context) *call { return strict.From(ctx).State.(*call) }

// writeError writes a problem as Microsoft Graph does.
func writeError(buf []byte, x *strict.Exchange, p *strict.Problem) ([]byte, string) {
	ids := &x.State.(*call).ids
	return graph.Append(buf, p, &graph.Identity{Start: x.Start, RequestID: ids[0], ClientRequestID: ids[1]}), "application/json"
}

// attrs are further attributes of the line of the log.
func attrs(inner *strict.Exchange) []slog.Attr {
	x := inner.State.(*call)
	list := append(make([]slog.Attr, 0, 6), slog.String("client-request-id", x.clientRequestID()))
	if whole := strict.From(x.Context); whole != nil { // of a batch
		list = append(list, slog.String("batch", whole.RequestID))
	}
	if key := x.object(); key != "" {
		list = append(list, slog.String("key", message.Cut(key)))
	}
	if principal, ok := x.Principal.(*auth.Principal); ok && principal != nil {
		list = append(list, slog.String("tenant", principal.Tenant.String()), slog.String("app", principal.App))
		if principal.Delegated {
			list = append(list, slog.String("user", message.Cut(principal.Subject)))
		}
	}
	return list
}

// object is the key of the object that the operation is about, "" if there is none.
func (x *call) object() string {
	if x.key == "" && x.Operation != nil && strings.Contains(x.Operation.Path, "{") {
		return x.PathValue(0)
	}
	return x.key
}

// done tells of a request that is over.
func (c *Config) done(x *strict.Exchange) {
	operation := ""
	if x.Operation != nil {
		operation = x.Operation.ID
	}
	c.Done(operation, x.Status(), reasonOf(x.Problem()), x.Duration())
}

// reasonOf returns why a request was refused, "" if it was not.
func reasonOf(p *strict.Problem) string {
	switch {
	case p == nil:
		return ""
	case errors.Is(p.Cause, throttle.ErrFull):
		return "Overload"
	}
	return p.Code
}
