package api

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
)

// exchange is what the chain knows of one request and its answer. It is filled on the way and logged once, at the end.
// It is the request's context too, so that one allocation serves both.
type exchange struct {
	context.Context
	fields          [fieldCount][1]string // the values of the answer's own header fields
	start           time.Time
	requestID       edm.Guid
	clientRequestID edm.Guid
	operation       *pfxvalid.Operation // nil if no operation has the path and the method
	principal       *auth.Principal
	body            []byte // the decompressed request body; reused after the exchange
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

// newExchange names a request. The caller's name for it counts if it is one GUID.
func newExchange(parent context.Context, h http.Header, now time.Time) *exchange {
	x := &exchange{Context: parent, start: now, requestID: edm.Guid(uuid.New())}
	x.clientRequestID = x.requestID
	if values := h.Values("client-request-id"); len(values) == 1 {
		if id, err := edm.ParseGuid(values[0]); err == nil {
			x.clientRequestID = id
		}
	}
	return x
}

type exchangeKey struct{}

// Value finds the exchange itself, and what the parent knows.
func (x *exchange) Value(key any) any {
	if _, ok := key.(exchangeKey); ok {
		return x
	}
	return x.Context.Value(key)
}

// exchangeOf returns the exchange of a request that went through the chain.
func exchangeOf(ctx context.Context) *exchange { return ctx.Value(exchangeKey{}).(*exchange) }

// log writes the one line of a finished exchange. No line holds a token, a body or a header that the caller chose
// freely.
func (x *exchange) log(log *slog.Logger, r *http.Request, status int, size int64, took time.Duration, p *problem) {
	level := slog.LevelInfo
	if status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	if !log.Enabled(r.Context(), level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", method(r.Method)), slog.Int("status", status),
		slog.Int64("bytes", size), slog.Duration("took", took),
		slog.String("request-id", x.requestID.String()), slog.String("client-request-id", x.clientRequestID.String()),
	}
	if x.operation != nil {
		attrs = append(attrs, slog.String("operation", x.operation.ID))
	}
	if x.principal != nil {
		attrs = append(attrs, slog.String("tenant", x.principal.Tenant.String()), slog.String("app", x.principal.App))
	}
	if p != nil {
		attrs = append(attrs, slog.String("code", p.code))
		if p.cause != nil && level == slog.LevelError {
			attrs = append(attrs, slog.String("err", p.cause.Error()))
		}
	}
	log.LogAttrs(r.Context(), level, "request", attrs...)
}

// method returns a method of RFC 9110 or PATCH as it is, and any other as "other".
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return m
	}
	return "other"
}
