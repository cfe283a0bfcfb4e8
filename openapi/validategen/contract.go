package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// contract is a document read by package spec, with its schemas as the generator uses them.
type contract struct {
	*spec.Document
	class   map[*validate.Schema]int // schemas of one class have the same meaning
	schemas map[int]*schema          // by class
	// hiding has the schemas that have a member of one direction, in themselves or below.
	hiding map[*validate.Schema]bool
	// twofold has the pointers of schemas that differ between requests and responses.
	twofold map[string]bool
}

// load reads a document.
func load(data []byte, o spec.Options) (*contract, error) {
	d, err := spec.Load(context.Background(), data, o)
	if err != nil {
		return nil, err
	}
	c := &contract{Document: d, schemas: map[int]*schema{}, hiding: map[*validate.Schema]bool{}}
	c.classify()
	return c, nil
}

// roots are the schemas of the bodies and the parameters: those of requests, then those of responses.
func (c *contract) roots() (requests, responses []*validate.Schema) {
	for _, o := range c.Operations {
		for _, p := range o.Parameters {
			requests = append(requests, p.Schema)
		}
		for _, b := range o.Request {
			requests = append(requests, b.Schema)
			for _, e := range b.Encoding {
				for _, h := range e.Headers {
					requests = append(requests, h.Schema)
				}
			}
		}
	}
	for _, o := range c.Operations {
		for _, r := range o.Responses {
			for _, b := range r.Bodies {
				responses = append(responses, b.Schema)
			}
			for _, h := range r.Headers {
				responses = append(responses, h.Schema)
			}
		}
	}
	return requests, responses
}

// classify finds schemas with the same meaning. Requests and responses have separate schemas, which differ only where
// readOnly and writeOnly matter.
func (c *contract) classify() {
	requests, responses := c.roots()
	all := spec.Reached(slices.Concat(requests, responses)...)
	class := map[*validate.Schema]int{}
	for count := 0; ; {
		ids, next := map[string]int{}, map[*validate.Schema]int{}
		for _, s := range all {
			text := literal(s, func(s *validate.Schema) string { return fmt.Sprint(class[s]) })
			if _, ok := ids[text]; !ok {
				ids[text] = len(ids)
			}
			next[s] = ids[text]
		}
		class = next
		if len(ids) == count {
			break
		}
		count = len(ids)
	}
	c.class = class
	c.findHiding(all)
	c.twofold = map[string]bool{}
	request, response := c.classesAt(requests), c.classesAt(responses)
	for pointer, classes := range request {
		c.twofold[pointer] = response[pointer] != nil && !maps.Equal(classes, response[pointer])
	}
}

// classesAt returns the classes of the schemas at each pointer.
func (c *contract) classesAt(roots []*validate.Schema) map[string]map[int]bool {
	at := map[string]map[int]bool{}
	for _, s := range spec.Reached(roots...) {
		if at[s.Pointer] == nil {
			at[s.Pointer] = map[int]bool{}
		}
		at[s.Pointer][c.class[s]] = true
	}
	return at
}

// schema returns the generator's form of a schema; nil accepts any value.
func (c *contract) schema(s *validate.Schema) *schema {
	if s == nil {
		s := &validate.Schema{Types: validate.AnyType}
		_ = validate.Compile(s) // its keywords cannot be invalid
		return &schema{Schema: s, contract: c}
	}
	id := c.class[s]
	if c.schemas[id] == nil {
		g := &schema{Schema: s, contract: c}
		c.schemas[id] = g
		g.fill()
	}
	return c.schemas[id]
}

// directed reports whether the schema means different things in requests and in responses.
func (c *contract) directed(s *validate.Schema) bool { return c.twofold[s.Pointer] || c.hiding[s] }

// findHiding marks the schemas with a member of one direction, and from these all that refer to them.
func (c *contract) findHiding(all []*validate.Schema) {
	users := map[*validate.Schema][]*validate.Schema{}
	var marked []*validate.Schema
	mark := func(s *validate.Schema) {
		if !c.hiding[s] {
			c.hiding[s] = true
			marked = append(marked, s)
		}
	}
	for _, s := range all {
		literal(s, func(child *validate.Schema) string { users[child] = append(users[child], s); return "" })
		if slices.ContainsFunc(s.Properties, c.isHidden) {
			mark(s)
		}
	}
	for i := 0; i < len(marked); i++ {
		for _, s := range users[marked[i]] {
			mark(s)
		}
	}
}

// isHidden reports whether requests or responses must not have the member.
func (c *contract) isHidden(p validate.Property) bool {
	return p.Hidden != "" || p.Schema != nil && (c.isTrue(p.Schema.Pointer+"/readOnly") || c.isTrue(p.Schema.Pointer+"/writeOnly"))
}

// goNames returns the Go names that the document sets for components by x-go-name, as oapi-codegen does.
func (c *contract) goNames() map[string]string {
	names := map[string]string{}
	for s := range c.class {
		if s.Name == "" {
			continue
		}
		var name string
		text, ok := c.JSON("/components/schemas/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(s.Name) + "/x-go-name")
		if ok && json.Unmarshal([]byte(text), &name) == nil {
			names[s.Name] = name
		}
	}
	return names
}

func (c *contract) isTrue(pointer string) bool {
	text, _ := c.JSON(pointer)
	return text == "true"
}

// unescapePointer decodes a token of a JSON Pointer.
func unescapePointer(token string) string {
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
}

// unsupported is an error about a place of the document.
type unsupported struct {
	pointer, text string
}

func (e *unsupported) Error() string { return e.pointer + ": " + e.text }

func errorAt(pointer, format string, args ...any) error {
	return &unsupported{pointer, fmt.Sprintf(format, args...)}
}
