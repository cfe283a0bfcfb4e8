package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/go-faster/jx"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/scripts/bench/contract"
	"github.com/pfxrecryption/pfxrecryption/scripts/bench/ogenapi"
)

const (
	template = "/pfxRecryptionRequests/{pfxRecryptionRequestsId}"
	address  = "/beta/pfxRecryptionRequests/sample"
)

// reader is a row: a function that reports whether bytes are a valid update.
type reader struct {
	name string
	read func(body []byte) error
}

// readers returns the rows, ours first. A name says what the peer does not do.
func readers() ([]reader, error) {
	kin, err := kinReader()
	if err != nil {
		return nil, fmt.Errorf("setting up kin-openapi: %w", err)
	}
	pb33f, err := libopenapiReader()
	if err != nil {
		return nil, fmt.Errorf("setting up libopenapi-validator: %w", err)
	}
	santhosh, err := santhoshReader()
	if err != nil {
		return nil, fmt.Errorf("setting up jsonschema: %w", err)
	}
	return []reader{
		{"ours", readOurs},
		{"ogen", readOgen},
		{"ogen, not validated", decodeOgen},
		{"kin-openapi, not decoded", kin},
		{"libopenapi-validator, not decoded", pb33f},
		{"santhosh-tekuri/jsonschema, not decoded", santhosh},
		{"encoding/json, our types, not validated", readStdlib},
		{"encoding/json, pointers, not validated", readPointers},
	}, nil
}

// lexers returns the rows of programs that only find tokens, next to ours, which validates and decodes.
func lexers() []reader {
	return []reader{
		{"ours, validated and decoded", readOurs},
		{"go-faster/jx", func(body []byte) error { return jx.DecodeBytes(body).Validate() }},
		{"go-faster/jx + UTF-8 + duplicates", readStrictJX},
		{"go-json-experiment/jsontext", tokenReader()},
	}
}

// hostile are bodies that every reader should reject; a lexer can find the faults of the first few.
var hostile = []struct{ name, body string }{
	{"duplicates", `{"status":1,"status":2}`},
	{"invalid UTF-8", "{\"eTag\":\"\xff\"}"},
	{"lone surrogates", `{"eTag":"\ud800"}`},
	{"trailing data", `{"status":1}{}`},
	{"Status", `{"Status":1}`},
	{"6.0", `{"status":6.0}`},
	{"February 30", `{"createdTime":"2017-02-30T00:03:18Z"}`},
}

// lexical is the number of hostile bodies whose faults a lexer can find.
const lexical = 4

// lax lists those of the first n hostile bodies that r accepts.
func (r reader) lax(n int) string {
	var taken []string
	for _, h := range hostile[:n] {
		if r.read([]byte(h.body)) == nil {
			taken = append(taken, h.name)
		}
	}
	return strings.Join(taken, ", ")
}

var (
	errFaults   = errors.New("the body has faults")
	errTrailing = errors.New("something follows the body")
)

func readOurs(body []byte) error {
	var v pfxapi.PfxRecryptionRequestUpdate
	if faults := pfxvalid.DecodePfxRecryptionRequestUpdate(body, &v); faults != nil {
		return errFaults
	}
	return nil
}

// readOgen does what ogen's generated server does after it has read the body.
func readOgen(body []byte) error {
	var v ogenapi.PfxRecryptionRequestUpdate
	if err := intoOgen(body, &v); err != nil {
		return err
	}
	return v.Validate()
}

// decodeOgen omits ogen's second pass, which matches patterns with regular expressions.
func decodeOgen(body []byte) error {
	var v ogenapi.PfxRecryptionRequestUpdate
	return intoOgen(body, &v)
}

func intoOgen(body []byte, v *ogenapi.PfxRecryptionRequestUpdate) error {
	d := jx.DecodeBytes(body)
	if err := v.Decode(d); err != nil {
		return err
	}
	if d.Skip() != io.EOF {
		return errTrailing
	}
	return nil
}

func kinReader() (func([]byte) error, error) {
	doc, err := contract.Parsed()
	if err != nil {
		return nil, err
	}
	path := doc.Paths.Value(template)
	path.Patch.Security = openapi3.NewSecurityRequirements() // no row checks tokens
	r := request()
	input := &openapi3filter.RequestValidationInput{
		Request:    r,
		Route:      &routers.Route{Spec: doc, Path: template, PathItem: path, Method: http.MethodPatch, Operation: path.Patch},
		PathParams: map[string]string{"pfxRecryptionRequestsId": "sample"},
		Options:    &openapi3filter.Options{SkipSettingDefaults: true},
	}
	return func(body []byte) error {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		r.GetBody = nil // kin-openapi leaves one that returns the previous body
		return openapi3filter.ValidateRequest(r.Context(), input)
	}, nil
}

func libopenapiReader() (func([]byte) error, error) {
	doc, err := libopenapi.NewDocument(contract.Text())
	if err != nil {
		return nil, err
	}
	model, err := doc.BuildV3Model()
	if err != nil {
		return nil, err
	}
	item, ok := model.Model.Paths.PathItems.Get(template)
	if !ok {
		return nil, errors.New("the contract has no update")
	}
	v := validator.NewValidatorFromV3Model(&model.Model, config.WithoutSecurityValidation(), config.WithFormatAssertions())
	r := request()
	return func(body []byte) error {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		if valid, _ := v.ValidateHttpRequestSyncWithPathItem(r, item, template); !valid {
			return errFaults
		}
		return nil
	}, nil
}

func santhoshReader() (func([]byte) error, error) {
	text, err := contract.JSONSchema()
	if err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	c.AssertFormat()
	if err := c.AddResource("openapi.json", doc); err != nil {
		return nil, err
	}
	schema, err := c.Compile("openapi.json#/components/schemas/pfxRecryptionRequestUpdate")
	if err != nil {
		return nil, err
	}
	return func(body []byte) error {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
		if err != nil {
			return err
		}
		return schema.Validate(v)
	}, nil
}

func readStdlib(body []byte) error {
	var v pfxapi.PfxRecryptionRequestUpdate
	return json.Unmarshal(body, &v)
}

// readPointers is the least work for encoding/json: no own types for GUIDs and times.
func readPointers(body []byte) error {
	var v struct {
		ODataType           *string `json:"@odata.type"`
		ID                  *string `json:"id"`
		TenantID            *string `json:"tenantId"`
		UserID              *string `json:"userId"`
		DeviceID            *string `json:"deviceId"`
		ProfileID           *string `json:"profileId"`
		Thumbprint          *string `json:"thumbprint"`
		DeviceKeyThumbprint *string `json:"deviceKeyThumbprint"`
		Status              *int32  `json:"status"`
		SourceType          *int32  `json:"sourceType"`
		CreatedTime         *string `json:"createdTime"`
		LastModifiedTime    *string `json:"lastModifiedTime"`
		IsDeleted           *bool   `json:"isDeleted"`
		ETag                *string `json:"eTag"`
	}
	return json.Unmarshal(body, &v)
}

// readStrictJX adds to jx what it omits, as cheaply as possible from outside.
func readStrictJX(body []byte) error {
	if !utf8.Valid(body) {
		return errFaults
	}
	var few [16][]byte
	names := few[:0]
	d := jx.DecodeBytes(body)
	err := d.ObjBytes(func(d *jx.Decoder, key []byte) error {
		for _, name := range names {
			if bytes.Equal(name, key) {
				return errFaults
			}
		}
		names = append(names, key)
		return d.Skip()
	})
	if err == nil && d.Skip() != io.EOF {
		return errTrailing
	}
	return err
}

func tokenReader() func([]byte) error {
	var from bytes.Reader
	d := jsontext.NewDecoder(&from)
	return func(body []byte) error {
		from.Reset(body)
		d.Reset(&from)
		for {
			_, err := d.ReadToken()
			switch {
			case err == io.EOF:
				return nil
			case err != nil:
				return err
			case d.StackDepth() == 0 && d.InputOffset() < int64(len(body)):
				return errTrailing
			}
		}
	}
}

func request() *http.Request {
	r := httptest.NewRequest(http.MethodPatch, address, nil)
	r.Header.Set("Content-Type", "application/json")
	return r
}
