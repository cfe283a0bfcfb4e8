package spectest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Minimize reduces a document and a body, for which fails is true, to small ones for which it is still true.
func Minimize(d *Document, body []byte, fails func(d *Document, body []byte) bool) (*Document, []byte) {
	for range 20 {
		before := string(d.JSON()) + string(body)
		for _, at := range append(sortedNames(d.Components), "") {
			schema := d.at(at)
			schema = simplify(schema, func(s any) bool { return fails(d.with(at, s), body) })
			d = d.with(at, schema)
		}
		if v, err := decode(body); err == nil {
			text := func(v any) []byte { b, _ := json.Marshal(v); return b }
			v = simplify(v, func(v any) bool { return fails(d, text(v)) })
			if fails(d, text(v)) {
				body = text(v)
			}
		}
		if string(d.JSON())+string(body) == before {
			break
		}
	}
	return d, body
}

func decode(text []byte) (any, error) {
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

func (d *Document) at(name string) any {
	if name == "" {
		return d.Schema
	}
	return d.Components[name]
}

// with returns the document with the component name replaced by schema.
func (d *Document) with(name string, schema any) *Document {
	other := *d
	if name == "" {
		other.Schema = schema
		return &other
	}
	other.Components = maps.Clone(d.Components)
	other.Components[name] = schema
	return &other
}

// simplify returns the simplest part of v that it finds for which holds is true. It must be true for v.
func simplify(v any, holds func(any) bool) any {
	for _, simple := range []any{object{}, nil, json.Number("0"), ""} {
		if _, same := v.(object); same && len(v.(object)) == 0 {
			break
		}
		if holds(simple) {
			return simple
		}
	}
	switch node := v.(type) {
	case object:
		return simplifyObject(node, holds)
	case []any:
		return simplifyList(node, holds)
	}
	return v
}

func simplifyObject(o object, holds func(any) bool) any {
	for _, name := range sortedNames(o) {
		if less := without(o, name); holds(less) {
			o = less
		}
	}
	for _, name := range sortedNames(o) {
		if child := o[name]; isTree(child) && holds(child) {
			return simplify(child, holds)
		}
		o = with(o, name, simplify(o[name], func(child any) bool { return holds(with(o, name, child)) }))
	}
	return o
}

func simplifyList(list []any, holds func(any) bool) any {
	for i := len(list) - 1; i >= 0; i-- {
		if less := slices.Delete(slices.Clone(list), i, i+1); holds(less) {
			list = less
		}
	}
	for i := range list {
		if isTree(list[i]) && holds(list[i]) {
			return simplify(list[i], holds)
		}
		list = withItem(list, i, simplify(list[i], func(child any) bool { return holds(withItem(list, i, child)) }))
	}
	return list
}

func isTree(v any) bool {
	_, ok := v.(object)
	return ok
}

func without(o object, name string) object {
	less := maps.Clone(o)
	delete(less, name)
	return less
}

func with(o object, name string, v any) object {
	other := maps.Clone(o)
	other[name] = v
	return other
}

func withItem(list []any, i int, v any) []any {
	other := slices.Clone(list)
	other[i] = v
	return other
}
