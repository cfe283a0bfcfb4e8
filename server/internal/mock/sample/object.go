package sample

import (
	"fmt"
	"slices"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// object is an object under construction.
type object struct {
	text  []byte
	names []string
}

func (o *object) set(name string, value []byte) {
	separator := byte(',')
	if len(o.names) == 0 {
		separator = '{'
	}
	o.text = append(validate.AppendString(append(o.text, separator), name), ':')
	o.text = append(o.text, value...)
	o.names = append(o.names, name)
}

func (o *object) close() []byte {
	if len(o.names) == 0 {
		return []byte("{}")
	}
	return append(o.text, '}')
}

// object generates an object: required members, then as many optional ones as the try wants, in the document's order.
func (t *try) object(d *demand, n int) ([]byte, bool) {
	required := d.required()
	least := d.least(func(s *validate.Schema) *int { return s.MinProperties })
	most := d.most(func(s *validate.Schema) *int { return s.MaxProperties })
	if len(required) > most {
		return nil, false
	}
	optional := most - len(required)
	o := &object{}
	for _, name := range d.names(required) {
		must := slices.Contains(required, name)
		if !must && (optional == 0 || d.avoid[name] || !t.wants(d, n) && len(o.names) >= least) {
			continue
		}
		value, ok := t.member(d, name)
		switch {
		case ok:
			o.set(name, value)
		case must:
			return nil, false
		}
		if ok && !must {
			optional--
		}
	}
	t.extend(d, o, n, least, most)
	return o.close(), true
}

// wants reports whether to generate optional members.
func (t *try) wants(d *demand, n int) bool {
	switch {
	case t.Lean, t.isDeep(d), n%3 == 2:
		return false
	case n%3 == 1:
		return t.random.IntN(2) == 0
	}
	return t.pick(5) < 4
}

// required returns the names of the required members, without duplicates.
func (d *demand) required() []string {
	var names []string
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, s := range d.all {
		for _, name := range s.Required {
			add(name)
		}
	}
	for _, s := range d.all {
		for name := range d.fixed {
			if slices.ContainsFunc(s.Properties, func(p validate.Property) bool { return p.Name == name }) {
				add(name)
			}
		}
	}
	for i := 0; i < len(names); i++ { // the list grows
		for _, s := range d.all {
			for _, dependent := range s.DependentRequired {
				if dependent.Name == names[i] {
					for _, name := range dependent.Required {
						add(name)
					}
				}
			}
		}
	}
	return names
}

// names returns the names of all members that the schemas describe and that the direction allows, in the document's order.
func (d *demand) names(required []string) []string {
	var names []string
	for _, s := range d.all {
		for _, p := range s.Properties {
			if p.Hidden == "" && !slices.Contains(names, p.Name) {
				names = append(names, p.Name)
			}
		}
	}
	for _, name := range required {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// member generates the value of a member.
func (t *try) member(d *demand, name string) ([]byte, bool) {
	schemas, ok := d.memberSchemas(name)
	if !ok {
		return nil, false
	}
	if fixed := d.fixed[name]; fixed != nil && t.fit(schemas, fixed) {
		return fixed, true
	}
	return t.value(schemas)
}

// memberSchemas returns the schemas of a member. It returns false if the member is not allowed.
func (d *demand) memberSchemas(name string) ([]*validate.Schema, bool) {
	var list []*validate.Schema
	for _, s := range d.all {
		known := false
		for _, p := range s.Properties {
			if p.Name == name {
				if known = true; p.Hidden != "" {
					return nil, false
				}
				list = append(list, p.Schema)
			}
		}
		for _, p := range s.PatternProperties {
			if p.Pattern.Matcher.MatchString(name) {
				known = true
				list = append(list, p.Schema)
			}
		}
		if !known && s.AdditionalProperties != nil {
			list = append(list, s.AdditionalProperties)
		}
	}
	never := slices.ContainsFunc(list, func(s *validate.Schema) bool { return s != nil && s.Types == 0 })
	return list, !never
}

// extend adds members with other names: as many as required, and one if the object would be empty otherwise.
func (t *try) extend(d *demand, o *object, n, least, most int) {
	if len(o.names) == 0 && least == 0 && d.isMap() && t.wants(d, n) {
		least = 1 + t.pick(2)
	}
	for i := 0; len(o.names) < min(least, most) && i < 4*least+8; i++ {
		name, ok := t.name(d, i)
		if !ok || slices.Contains(o.names, name) || d.avoid[name] {
			continue
		}
		if value, ok := t.member(d, name); ok {
			o.set(name, value)
		}
	}
}

// isMap reports whether the schemas describe members with any name.
func (d *demand) isMap() bool {
	return slices.ContainsFunc(d.all, func(s *validate.Schema) bool {
		return s.AdditionalProperties != nil && s.AdditionalProperties.Types != 0 || len(s.PatternProperties) > 0
	})
}

// name generates the name of a member that no schema names.
func (t *try) name(d *demand, i int) (string, bool) {
	var names []*validate.Schema
	var patterns []*validate.Pattern
	for _, s := range d.all {
		if s.PropertyNames != nil {
			names = append(names, s.PropertyNames)
		}
		for _, p := range s.PatternProperties {
			patterns = append(patterns, p.Pattern)
		}
	}
	if len(patterns) > 0 && i%2 == 0 {
		return t.fromPattern(patterns[i/2%len(patterns)].Text, i)
	}
	if len(names) > 0 {
		before := t.Options
		t.Vary, t.Given = true, nil // the next name must differ
		text, ok := t.value(names)
		t.Options = before
		if !ok || text[0] != '"' {
			return "", false
		}
		return stringOf(text), true
	}
	return fmt.Sprint("property", i+1), true
}
