package workshop

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// writeDocument writes the document of the remaining groups for which include is true.
func (w *Workshop) writeDocument(version string, include func(*Group) bool) error {
	paths, schemas := map[string]any{}, map[string]any{}
	for _, g := range w.groups {
		if g.Dropped != "" || !include(g) {
			continue
		}
		name := ComponentName(g.number)
		maps.Copy(schemas, g.Schemas)
		paths["/"+name] = map[string]any{"post": operation(name)}
	}
	text, err := json.MarshalIndent(map[string]any{
		"openapi": version + ".0", "info": map[string]any{"title": "workshop", "version": "1"}, "paths": paths,
		"components": map[string]any{"schemas": schemas},
	}, "", " ")
	return errors.Join(err, w.write("openapi.json", text))
}

// operation returns an operation whose request and response are a component.
func operation(component string) map[string]any {
	schema := map[string]any{"$ref": "#/components/schemas/" + component}
	content := map[string]any{"application/json": map[string]any{"schema": schema}}
	return map[string]any{
		"operationId": "op" + component,
		"requestBody": map[string]any{"required": true, "content": content},
		"responses":   map[string]any{"200": map[string]any{"description": "ok", "content": content}},
	}
}

// writePlain writes models for the schemas without an oapi-codegen model.
func (w *Workshop) writePlain() error {
	source := []byte("package models\n\n")
	for _, g := range w.groups {
		if g.Plain != "" {
			for _, component := range slices.Sorted(maps.Keys(g.Schemas)) {
				source = fmt.Appendf(source, "type %s = any\n", component)
			}
		}
	}
	return w.write("models/plain.go", source)
}

// An operation names the function that decodes its body for the handler, and that calls the decoder.
var (
	decodes = regexp.MustCompile(`(?s)^(G[0-9]+E)".*?DecodeBody: +(\w+),`)
	decoder = regexp.MustCompile(`(?s)func (into\w+)\(data \[\]byte.*?return Decode(\w+)\(data`)
)

// findDecoders finds the function of each group. A directed group has another one for responses.
func (w *Workshop) findDecoders() (responses map[string]bool, err error) {
	operations, err1 := os.ReadFile(filepath.Join(w.dir, "valid", "operations.gen.go"))
	bodies, err2 := os.ReadFile(filepath.Join(w.dir, "valid", "bodies.gen.go"))
	called := map[string]string{}
	for _, m := range decoder.FindAllStringSubmatch(string(operations)+string(bodies), -1) {
		called[m[1]] = m[2]
	}
	found := map[string]string{}
	for _, text := range regexp.MustCompile(`ID: +"op`).Split(string(operations), -1) {
		if m := decodes.FindStringSubmatch(text); m != nil {
			found[m[1]] = called[m[2]]
		}
	}
	responses = map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^func Decode(\w+)Response\(`).FindAllStringSubmatch(string(bodies), -1) {
		responses[m[1]] = true
	}
	for _, g := range w.groups {
		if g.decoder = found[ComponentName(g.number)]; g.decoder == "" && g.Dropped == "" {
			g.Dropped = "validategen: no decoder"
		}
	}
	return responses, errors.Join(err1, err2)
}

const program = `package main

import (
	"encoding/json"
	"os"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"workshop/valid"
)

type value struct {
	Response bool
	JSON     []byte
}

func main() {
	var values [][]value
	data, err := os.ReadFile("values.json")
	if err != nil || json.Unmarshal(data, &values) != nil {
		os.Exit(1)
	}
	results := make([][]*validate.Faults, len(values))
	for number, list := range values {
		for _, v := range list {
			check := requests[number]
			if v.Response {
				check = responses[number]
			}
			results[number] = append(results[number], check(v.JSON))
		}
	}
	if json.NewEncoder(os.Stdout).Encode(results) != nil {
		os.Exit(1)
	}
}

func decode[T any](decode func([]byte, *T) *validate.Faults) func([]byte) *validate.Faults {
	return func(data []byte) *validate.Faults { return decode(data, new(T)) }
}

`

func (w *Workshop) writeProgram() error {
	directed, err := w.findDecoders()
	if err != nil {
		return err
	}
	source := bytes.NewBufferString(program)
	values := make([][]Value, len(w.groups))
	for _, table := range []string{"requests", "responses"} {
		fmt.Fprintf(source, "var %s = map[int]func([]byte) *validate.Faults{\n", table)
		for i, g := range w.groups {
			if g.Dropped != "" {
				continue
			}
			name := g.decoder
			if table == "responses" && directed[name] {
				name += "Response"
			}
			fmt.Fprintf(source, "\t%d: decode(valid.Decode%s), // %s\n", i, name, ComponentName(i))
			values[i] = g.Values
		}
		source.WriteString("}\n")
	}
	text, err := json.Marshal(values)
	return errors.Join(err, w.write("main.go", source.Bytes()), w.write("values.json", text))
}
