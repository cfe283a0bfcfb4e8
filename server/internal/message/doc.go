// Package message has the rules of HTTP messages that are independent of a contract: valid request lines and header fields,
// and how to read a body within bounds. It has no words for clients: its errors say what is wrong, and package strict words
// them.
package message

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net/http"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
)

// The errors of requests.
var (
	ErrMethod    = errors.New("the method is not a token")
	ErrTarget    = errors.New("the request target has a character that must be percent-encoded")
	ErrHost      = errors.New("the host is invalid")
	ErrSlow      = errors.New("the body did not arrive in time")
	ErrNoRoom    = errors.New("too many bytes of bodies are held")
	ErrMalformed = errors.New("the body is cut off, badly framed, or not gzip")
)

// LimitError is the error of a body or header fields above Limit bytes.
type LimitError struct {
	Header bool // of header fields, otherwise of a body
	Limit  int64
}

func (e *LimitError) Error() string { return "the request is too long" }

// LimitHeader returns a [*LimitError] if the header fields exceed limit bytes in total: names, values, and four bytes for
// each line. The limit of net/http is higher, and its response is plain text.
func LimitHeader(h http.Header, limit int) error {
	size := 0
	for name, values := range h {
		for _, value := range values {
			size += len(name) + len(value) + len(": \r\n")
		}
	}
	if size > limit {
		return &LimitError{Header: true, Limit: int64(limit)}
	}
	return nil
}

// Method returns a method of RFC 9110 or PATCH unchanged, and any other as "other".
func Method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return m
	}
	return "other"
}

// SplitList splits a list-based header field at commas outside of quoted strings (RFC 9110 §5.6.1).
func SplitList(value string) []string {
	var elements []string
	quoted, start := false, 0
	for i := 0; i < len(value); i++ {
		switch {
		case value[i] == '"':
			quoted = !quoted
		case value[i] == '\\' && quoted:
			i++
		case value[i] == ',' && !quoted:
			elements = append(elements, strings.TrimSpace(value[start:i]))
			start = i + 1
		}
	}
	return append(elements, strings.TrimSpace(value[start:]))
}

// NewID returns a random UUID of version 4 (RFC 9562 §5.4). Request ids are not secrets, so the runtime's own generator
// (ChaCha8) suffices; it needs neither a lock nor a system call.
func NewID() edm.Guid {
	var id edm.Guid
	binary.NativeEndian.PutUint64(id[:8], rand.Uint64())
	binary.NativeEndian.PutUint64(id[8:], rand.Uint64())
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}
