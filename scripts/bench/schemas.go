package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-faster/jx"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/scripts/bench/bodies/ogenbodies"
	"github.com/pfxrecryption/pfxrecryption/scripts/bench/bodies/valid"
)

// schemaDocument has a schema for each column, by name.
//
//go:embed ajv/schemas.json
var schemaDocument []byte

// schemaBodies are the columns: a flat object, an order, a union with a discriminator, and unevaluatedProperties of 3.1.
var schemaBodies = []struct{ name, text string }{
	{"flat", `{"id":"f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9","name":"A name of some length","status":6,"ratio":0.75,"active":true,"created":"2026-01-02T03:04:05Z","kind":"b","note":"A note that says a little more than the name does, in a sentence","count":1000000,"email":"someone@example.com"}`},
	{"order", orderText()},
	{"union", `{"kind":"dog","name":"Rex","bark":true,"weight":12.5,"toys":["ball","bone"],"owner":{"name":"Ada","age":36}}`},
	{"unevaluated", `{"id":7,"title":"A title","tags":["a","b"],"extra":{"x":1,"y":2},"shape":"circle","radius":2.5,"label":"A label of the circle","visible":true,"layer":3,"color":"#ff0000","link":"https://example.com/a"}`},
}

func orderText() string {
	lines := make([]string, 20)
	for i := range lines {
		lines[i] = fmt.Sprintf(`{"sku":"A-%04d","quantity":%d,"price":%d.99,"currency":"EUR","gift":false,"note":"Leave it at the door, please; floor %d","tags":["new","sale"]}`, i, i+1, i*3, i)
	}
	return `{"id":"0f2be0a6-6f3b-4f0e-9f2e-4d5a6f1d7a52","customer":{"name":"Ada Lovelace","email":"ada@example.com"},"created":"2026-01-02T03:04:05Z","lines":[` +
		strings.Join(lines, ",") + `],"total":1234.5,"status":"paid"}`
}

// schemaRow checks the body of a column.
type schemaRow struct {
	name  string
	judge func(column string) (func(body []byte) error, error)
}

// schemaRows are the rows that run in this process, ours first.
func schemaRows() []schemaRow {
	return []schemaRow{{"ours, in process", judgeOurs}, {"santhosh-tekuri/jsonschema", judgeSanthosh}, {"kin-openapi", judgeKin}}
}

// decodedRows are the rows whose generated code decodes into Go types, ours first. Both generators support the columns
// up to union.
func decodedRows() []schemaRow {
	return []schemaRow{{"ours, generated", decodeOurs}, {"ours, in process, not decoded", judgeOurs}, {"ogen", decodePeers}}
}

// withFault returns a body with one fault: the last status, price or weight is a string.
func withFault(column, body string) string {
	member := map[string]string{"flat": `"status":`, "order": `"price":`, "union": `"weight":`}[column]
	i := strings.LastIndex(body, member) + len(member)
	end := i + strings.IndexByte(body[i:], ',')
	return body[:i] + `"` + body[i:end] + `"` + body[end:]
}

func decodeOurs(column string) (func([]byte) error, error) {
	return map[string]func([]byte) error{
		"flat":  decodeInto(valid.DecodeFlat),
		"order": decodeInto(valid.DecodeOrder),
		"union": decodeInto(valid.DecodeUnion),
	}[column], nil
}

func decodeInto[T any](decode func([]byte, *T) *validate.Faults) func([]byte) error {
	return func(body []byte) error {
		var v T
		if f := decode(body, &v); f != nil {
			return errFaults
		}
		return nil
	}
}

// ogenType is a type that ogen generates for a schema.
type ogenType[T any] interface {
	*T
	Decode(*jx.Decoder) error
	Validate() error
}

func decodePeers(column string) (func([]byte) error, error) {
	return map[string]func([]byte) error{
		"flat":  readAs[ogenbodies.Flat],
		"order": readAs[ogenbodies.Order],
		"union": readAs[ogenbodies.Union],
	}[column], nil
}

// readAs decodes a body like ogen's request decoder.
func readAs[T any, P ogenType[T]](body []byte) error {
	var v T
	d := jx.GetDecoder()
	defer jx.PutDecoder(d)
	d.ResetBytes(body)
	if err := P(&v).Decode(d); err != nil {
		return err
	}
	if err := d.Skip(); !errors.Is(err, io.EOF) {
		return errors.New("unexpected trailing data")
	}
	return P(&v).Validate()
}

func judgeOurs(column string) (func([]byte) error, error) {
	d, err := spec.Load(context.Background(), documentOf(column), spec.Options{})
	if err != nil {
		return nil, err
	}
	s, ctx := d.Operations[0].Request[0].Schema, context.Background()
	return func(body []byte) error {
		if f := s.Check(ctx, body); f != nil {
			return errFaults
		}
		return nil
	}, nil
}

// documentOf returns an OpenAPI document with one operation for the body of a column.
func documentOf(column string) []byte {
	version := "3.0.3"
	if column == "unevaluated" {
		version = "3.1.0"
	}
	return fmt.Appendf(nil, `{"openapi":%q,"info":{"title":"Bodies","version":"1"},"paths":{"/":{"post":{"requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/%s"}}}},
		"responses":{"204":{"description":"Done."}}}}},"components":{"schemas":%s}}`, version, column, schemaDocument)
}

func judgeSanthosh(column string) (func([]byte) error, error) {
	root, err := jsonschema.UnmarshalJSON(strings.NewReader(fmt.Sprintf(`{"components":{"schemas":%s}}`, schemaDocument)))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("urn:x", root); err != nil {
		return nil, err
	}
	s, err := c.Compile("urn:x#/components/schemas/" + column)
	return func(body []byte) error {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
		if err != nil {
			return err
		}
		return s.Validate(value)
	}, err
}

func judgeKin(column string) (func([]byte) error, error) {
	doc, err := openapi3.NewLoader().LoadFromData(documentOf(column))
	if err != nil {
		return nil, err
	}
	s := doc.Paths.Value("/").Post.RequestBody.Value.Content["application/json"].Schema.Value
	options := []openapi3.SchemaValidationOption{openapi3.EnableFormatValidation()}
	if column == "unevaluated" {
		options = append(options, openapi3.EnableJSONSchema2020())
	}
	return func(body []byte) error {
		var value any
		if err := json.Unmarshal(body, &value); err != nil {
			return err
		}
		return s.VisitJSON(value, options...)
	}, nil
}

// measureAjv runs ajv in Node with JSON.parse and returns lines in the format of go test; none if npm is missing.
func measureAjv(rounds int) ([]byte, error) {
	if _, err := exec.LookPath("npm"); err != nil {
		return nil, nil //nolint:nilerr // the row is left out
	}
	if _, err := output("..", "./npm-ci.sh", "."); err != nil {
		return nil, err
	}
	bodies := map[string]string{}
	for _, b := range schemaBodies {
		bodies[b.name] = b.text
	}
	text, err := json.Marshal(bodies)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(os.TempDir(), fmt.Sprintf("bodies%d.json", os.Getpid()))
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	defer os.Remove(file)
	return output("ajv", "node", "bench.mjs", file, fmt.Sprint(rounds))
}
