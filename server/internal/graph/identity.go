package graph

import (
	"net/http"
	"strings"
	"time"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/message"
)

// Identity is the time and the ids of a request.
type Identity struct {
	Start           time.Time
	RequestID       edm.Guid // from the server
	ClientRequestID edm.Guid // from the client, or the same as RequestID
}

// Identify returns the identity of a request. The client's id is used if it is exactly one GUID.
func Identify(h http.Header, now time.Time) Identity {
	id := NewGUID()
	i := Identity{Start: now, RequestID: id, ClientRequestID: id}
	if values := h["Client-Request-Id"]; len(values) == 1 {
		if id, err := edm.ParseGuid(values[0]); err == nil {
			i.ClientRequestID = id
		}
	}
	return i
}

// JoinRequestNames joins several client-request-id lines into one (RFC 9110 §5.3), which is then ignored but not invalid.
func JoinRequestNames(h http.Header) {
	const name = "Client-Request-Id"
	if lines := h[name]; len(lines) > 1 {
		h[name] = []string{strings.Join(lines, ", ")}
	}
}

// NewGUID returns a random GUID of version 4.
func NewGUID() edm.Guid { return message.NewID() }
