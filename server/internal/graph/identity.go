package graph

import (
	"net/http"
	"strings"
	"time"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/message"
)

// Identity is when a request came and what it is called.
type Identity struct {
	Start           time.Time
	RequestID       edm.Guid // ours
	ClientRequestID edm.Guid // the caller's, or the same as RequestID
}

// Identify names a request. The caller's name for it counts if it is one GUID.
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

// JoinRequestNames makes one line of names that came in several (RFC 9110 §5.3): they name nothing, but are no fault.
func JoinRequestNames(h http.Header) {
	const name = "Client-Request-Id"
	if lines := h[name]; len(lines) > 1 {
		h[name] = []string{strings.Join(lines, ", ")}
	}
}

// NewGUID returns a random GUID of version 4.
func NewGUID() edm.Guid { return message.NewID() }
