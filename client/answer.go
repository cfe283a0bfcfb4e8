package client

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// answer is an answer, read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a *answer) isJSON() bool {
	media, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	return err == nil && media == "application/json"
}

// read reads the answer and turns one that is no success into an *Error.
func read(resp *http.Response, limit int64) (*answer, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	a := &answer{resp.StatusCode, resp.Header, bytes.TrimSpace(body)}
	switch {
	case a.status < 200 || a.status > 299:
		return nil, newError(a)
	case int64(len(body)) > limit:
		return nil, malformed(fmt.Sprintf("it is larger than %d bytes", limit))
	}
	return a, nil
}

// decode reads the answer into v. The generated validation reads it: what the contract forbids is no object.
func (v *Versioned) decode(a *answer) error {
	if a.status != http.StatusOK && a.status != http.StatusCreated {
		return malformed(fmt.Sprintf("it has the status %d", a.status))
	}
	if !a.isJSON() {
		return malformed("it is not application/json")
	}
	if v.Tag = a.header.Get("ETag"); v.Tag == "" {
		return malformed("it has no ETag")
	}
	return malformedBy(pfxvalid.DecodePfxRecryptionRequest(a.body, &v.Request))
}

func decodeNothing(a *answer) error {
	if a.status != http.StatusNoContent {
		return malformed(fmt.Sprintf("it has the status %d", a.status))
	}
	return nil
}

// malformedBy names the first fault of an answer, or returns nil if there is none.
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

// malformedError says in which way a success is not what the contract says.
type malformedError struct{ why string }

func malformed(why string) error { return &malformedError{why} }

func (e *malformedError) Error() string { return "the answer is not what the contract says: " + e.why }
