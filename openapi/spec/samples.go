package spec

import (
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// Example is an example of a body or of a parameter or header field.
type Example struct {
	// Name is the name of the Example Object; "default" for the value of the keyword example.
	Name string
	// JSON is the value, without white space.
	JSON string
	// Pointer is the JSON Pointer of the example.
	Pointer string
}

// onlyExample is the name for the value of the keyword example.
const onlyExample = "default"

// samples are the examples of a document.
type samples struct {
	bodies     map[*validate.Body][]Example
	parameters map[*validate.Parameter][]Example
	schemas    map[*validate.Schema][]Example
}

// BodyExamples returns the examples of a body's media type, in the document's order. Without [Options.Examples] it returns
// none.
func (d *Document) BodyExamples(b *validate.Body) []Example { return d.samples.bodies[b] }

// ParameterExamples returns the examples of a parameter or header field. Without [Options.Examples] it returns none.
func (d *Document) ParameterExamples(p *validate.Parameter) []Example { return d.samples.parameters[p] }

// SchemaExamples returns a schema's own examples: those of example and examples, then default. Without [Options.Examples] it
// returns none.
func (d *Document) SchemaExamples(s *validate.Schema) []Example { return d.samples.schemas[s] }

// sample collects the examples of the document.
func (l *loader) sample() {
	s := &l.doc.samples
	s.bodies, s.parameters, s.schemas = map[*validate.Body][]Example{}, map[*validate.Parameter][]Example{}, map[*validate.Schema][]Example{}
	for b, n := range l.mediaPlaces {
		s.bodies[b] = l.examplesAt(n)
	}
	for p, n := range l.parameterPlaces {
		if content := n.get("content"); content != nil && len(content.items) > 0 {
			n, _ = l.resolve(content.items[0]) // an unresolvable one is a spot
		}
		s.parameters[p] = l.examplesAt(n)
	}
	for k, e := range l.entries {
		if list := schemaExamples(k.node); len(list) > 0 {
			s.schemas[e.schema] = list
		}
	}
}

// examplesAt returns the examples of a Media Type, Parameter or Header Object.
func (l *loader) examplesAt(n *node) []Example {
	var list []Example
	if value := n.member("example"); value != nil {
		list = append(list, Example{onlyExample, value.json(), value.pointer()})
	}
	for name, at := range n.get("examples").members() {
		value, err := l.exampleValue(at)
		if err != nil {
			l.warn(at, "", "there is no such example: the reference "+err.Error())
			continue
		}
		if value != nil {
			list = append(list, Example{name, value.json(), value.pointer()})
		}
	}
	return list
}

// exampleValue returns the value of an Example Object, which may be in another file; nil if it has none.
func (l *loader) exampleValue(at *node) (*node, error) {
	n, err := l.resolve(at)
	if err != nil {
		return nil, err
	}
	if value := n.member("value"); value != nil {
		return value, nil
	}
	if external := n.get("externalValue"); external.is(textKind) {
		return l.follow(external, external.text)
	}
	return nil, nil //nolint:nilnil // it has no value
}

func schemaExamples(n *node) []Example {
	var list []Example
	add := func(value *node) {
		if value != nil {
			list = append(list, Example{onlyExample, value.json(), value.pointer()})
		}
	}
	add(n.member("example"))
	for _, value := range n.get("examples").list() {
		add(value)
	}
	add(n.member("default"))
	return list
}
