package graph

import (
	"encoding/binary"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
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

// NewGUID returns a random GUID of version 4 (RFC 9562 §5.4). Request ids are names, not secrets: the runtime's own
// generator (ChaCha8) serves, which needs neither a lock nor a system call.
func NewGUID() edm.Guid {
	var id edm.Guid
	binary.NativeEndian.PutUint64(id[:8], rand.Uint64())
	binary.NativeEndian.PutUint64(id[8:], rand.Uint64())
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}
