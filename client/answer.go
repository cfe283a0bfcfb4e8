package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// response is a response whose body was read to the end.
type response struct {
	status int
	header http.Header
	body   []byte
	listed bool // it is the collection's, so it cannot mean that an object is missing
}

// field returns a header field; the values of a repeated field are a list (RFC 9110 §5.2).
func (a *response) field(name string) string { return strings.Join(a.header.Values(name), ", ") }

func (a *response) isJSON() bool {
	media, _, _ := strings.Cut(a.field("Content-Type"), ";")
	return strings.EqualFold(strings.Trim(media, " \t"), mediaType)
}

// tag returns the entity tag of the object in the response: the header field or, from Microsoft Graph, the annotation. It is
// empty if the response has none.
func (a *response) tag() string {
	if tag := a.field("ETag"); isTag(tag) {
		return tag
	}
	if tag := textOf(memberOf(a.body, "@odata.etag")); isTag(tag) {
		return tag
	}
	return ""
}

// isTag reports whether s is one entity tag (RFC 9110 §8.8.3).
func isTag(s string) bool {
	opaque, quoted := strings.CutPrefix(strings.TrimPrefix(s, "W/"), `"`)
	return quoted && opaque != "" && strings.IndexByte(opaque, '"') == len(opaque)-1
}

// memberOf returns a member of a JSON object, or nil. Names are case-sensitive.
func memberOf(object []byte, name string) json.RawMessage {
	var members map[string]json.RawMessage
	if json.Unmarshal(object, &members) != nil {
		return nil
	}
	return members[name]
}

// textOf returns the value of a JSON string, or "" for anything else.
func textOf(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) != nil {
		return ""
	}
	return s
}

// read reads the response. If it is not a success, the error is an *Error.
func read(resp *http.Response, limit int64, listed bool) (*response, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading the response: %w", err)
	}
	a := &response{status: resp.StatusCode, header: resp.Header, body: bytes.Trim(body, " \t\r\n"), listed: listed}
	switch {
	case a.status < 200 || a.status > 299:
		return nil, newError(a)
	case int64(len(body)) > limit:
		return nil, malformed(fmt.Sprintf("it is larger than %d bytes", limit))
	}
	return a, nil
}

// decode reads the response's object into v. It fails if the contract does not allow the object.
func (v *Versioned) decode(a *response) error {
	if a.status != http.StatusOK && a.status != http.StatusCreated {
		return malformed(fmt.Sprintf("it has the status %d", a.status))
	}
	if !a.isJSON() {
		return malformed("it is not application/json: is the base URL that of the API?")
	}
	v.Tag = a.tag()
	return malformedBy(pfxvalid.DecodePfxRecryptionRequest(a.body, &v.Request))
}

func decodeNothing(a *response) error {
	if a.status != http.StatusNoContent {
		return malformed(fmt.Sprintf("it has the status %d", a.status))
	}
	return nil
}

// malformedBy returns an error that names the first fault, or nil.
func malformedBy(faults *validate.Faults) error {
	if faults == nil {
		return nil
	}
	return malformed(first(faults))
}

func first(faults *validate.Faults) string {
	if faults.Malformed {
		return fmt.Sprintf("it is no JSON at byte %d", faults.Offset)
	}
	return fmt.Sprintf("'%s' breaks '%s'", faults.List[0].Pointer, faults.List[0].Keyword)
}

// ErrMalformed means that the server reports success with a response that the contract does not allow. If the method changes
// something, the error is also ErrUnknownOutcome.
var ErrMalformed = errors.New("the contract does not allow the response")

func malformed(why string) error { return fmt.Errorf("%w: %s", ErrMalformed, why) }
