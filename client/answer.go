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

// answer is a response, read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
	listed bool // it is the collection's, where no object can be missing
}

// field returns a header field; one that is sent twice is a list (RFC 9110 §5.2).
func (a *answer) field(name string) string { return strings.Join(a.header.Values(name), ", ") }

func (a *answer) isJSON() bool {
	media, _, _ := strings.Cut(a.field("Content-Type"), ";")
	return strings.EqualFold(strings.Trim(media, " \t"), mediaType)
}

// tag returns the entity tag that came with an object: the header field, or the annotation that Microsoft Graph has
// instead of it. It is empty if there is none.
func (a *answer) tag() string {
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

// memberOf returns a member of a JSON object, or nil. Names match exactly.
func memberOf(object []byte, name string) json.RawMessage {
	var members map[string]json.RawMessage
	if json.Unmarshal(object, &members) != nil {
		return nil
	}
	return members[name]
}

// textOf returns a JSON string, or "" for anything else.
func textOf(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) != nil {
		return ""
	}
	return s
}

// read reads the response and turns one that is no success into an *Error.
func read(resp *http.Response, limit int64, listed bool) (*answer, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	a := &answer{status: resp.StatusCode, header: resp.Header, body: bytes.Trim(body, " \t\r\n"), listed: listed}
	switch {
	case a.status < 200 || a.status > 299:
		return nil, newError(a)
	case int64(len(body)) > limit:
		return nil, malformed(fmt.Sprintf("it is larger than %d bytes", limit))
	}
	return a, nil
}

// decode reads the response into v. The generated validation reads it: what the contract forbids is no object.
func (v *Versioned) decode(a *answer) error {
	if a.status != http.StatusOK && a.status != http.StatusCreated {
		return malformed(fmt.Sprintf("it has the status %d", a.status))
	}
	if !a.isJSON() {
		return malformed("it is not application/json: is the base URL that of the API?")
	}
	v.Tag = a.tag()
	return malformedBy(pfxvalid.DecodePfxRecryptionRequest(a.body, &v.Request))
}

func decodeNothing(a *answer) error {
	if a.status != http.StatusNoContent {
		return malformed(fmt.Sprintf("it has the status %d", a.status))
	}
	return nil
}

// malformedBy names the first fault of a response, or returns nil if there is none.
func malformedBy(faults *validate.Faults) error {
	if faults == nil {
		return nil
	}
	return malformed(first(faults))
}

// first describes the first fault.
func first(faults *validate.Faults) string {
	if faults.Malformed {
		return fmt.Sprintf("it is no JSON at byte %d", faults.Offset)
	}
	return fmt.Sprintf("'%s' breaks '%s'", faults.List[0].Pointer, faults.List[0].Keyword)
}

// ErrMalformed means that the server reports success with a response that the contract does not allow. The error of a
// method that changes something is an ErrUnknownOutcome, too.
var ErrMalformed = errors.New("the answer is not what the contract says")

func malformed(why string) error { return fmt.Errorf("%w: %s", ErrMalformed, why) }
