package strict

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// Content returns the contract's body for the request, or nil. The code of validategen uses it to select among several
// bodies.
func (x *Exchange) Content() *validate.Body { return x.content }

// ContentType is the Content-Type that the body is read as.
func (x *Exchange) ContentType() string { return x.contentType }

// DecodeBody checks the body, which is JSON or a form, and decodes it into the value that into points to.
func (x *Exchange) DecodeBody(into any) error {
	faults, decoded := x.decode(into)
	switch {
	case faults != nil:
		return &InvalidError{Faults: faults}
	case decoded:
		return nil
	}
	// There is no generated code for the Go type, so encoding/json decodes the valid body.
	if err := x.check(); err != nil {
		return err
	}
	if err := json.Unmarshal(x.body.Bytes(), into); err != nil {
		return fmt.Errorf("decoding a valid body: %w", err)
	}
	return nil
}

func (x *Exchange) decode(into any) (*validate.Faults, bool) {
	if x.exact && x.content.Decode != nil && validate.IsJSON(x.contentType) {
		return x.content.Decode(x.body.Bytes(), into)
	}
	return x.content.DecodeContent(x, x.contentType, x.body.Bytes(), into)
}

// check checks a body that is not decoded.
func (x *Exchange) check() error {
	if faults := x.content.CheckContent(x, x.contentType, x.body.Bytes()); faults != nil {
		return &InvalidError{Faults: faults}
	}
	return nil
}

// Text checks the body and returns it as text.
func (x *Exchange) Text() (string, error) {
	if err := x.check(); err != nil {
		return "", err
	}
	return string(x.body.Bytes()), nil
}

// Reader checks the body and returns its bytes.
func (x *Exchange) Reader() (io.Reader, error) {
	if err := x.check(); err != nil {
		return nil, err
	}
	x.body.Detach() // the handler may keep the reader
	return bytes.NewReader(x.body.Bytes()), nil
}

// Multipart checks the body and returns its parts.
func (x *Exchange) Multipart() (*multipart.Reader, error) {
	r, err := x.Reader()
	if err != nil {
		return nil, err
	}
	m, _ := validate.ParseMediaType(x.contentType)
	boundary, ok := m.Parameter("boundary")
	if !ok {
		return nil, BadField("Content-Type", "mediaType", "must have a boundary")
	}
	return multipart.NewReader(r, boundary), nil
}
