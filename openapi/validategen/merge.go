package main

import (
	"math/big"
	"slices"
)

// mergeParts works the schemas of allOf into s: a value must satisfy all of them, and s as it stands.
func (b *builder) mergeParts(s *schema) error {
	if len(s.parts) == 0 {
		return nil
	}
	own := *s // what stands beside allOf
	own.parts = nil
	parts := s.parts
	if own.constrained {
		parts = append(slices.Clone(parts), &own)
	}
	for _, part := range parts {
		if part != &own {
			if err := b.fill(part); err != nil {
				return err
			}
		}
		if s.nullable && !part.nullable {
			return s.node.errorf("nullable beside allOf has no effect: a schema of allOf refuses null")
		}
	}
	merged := &schema{node: s.node, name: s.name, title: s.title, readOnly: s.readOnly, writeOnly: s.writeOnly, nullable: true}
	for _, part := range parts {
		if part.untyped && part != &own {
			continue // allows everything
		}
		if err := b.merge(merged, part); err != nil {
			return err
		}
	}
	if err := merged.verifyClosed(parts); err != nil {
		return err
	}
	merged.constrained = true
	merged.state = s.state
	*s = *merged
	return nil
}

// verifyClosed refuses additionalProperties in one schema of allOf where it would bind the properties of another.
func (s *schema) verifyClosed(parts []*schema) error {
	for _, part := range parts {
		if !part.hasAdditional || !part.closed && part.additional == nil {
			continue
		}
		for _, p := range s.properties {
			if part.property(p.name) == nil {
				return part.node.errorf("additionalProperties in allOf would bind %q, which another schema of allOf declares", p.name)
			}
		}
	}
	return nil
}

// merge works part into s.
func (b *builder) merge(s, part *schema) error {
	switch {
	case s.typ == "" || s.typ == part.typ || part.typ == "":
		if s.typ == "" {
			s.typ = part.typ
		}
	case s.typ == "number" && part.typ == "integer", s.typ == "integer" && part.typ == "number":
		s.typ = "integer"
	default:
		return part.node.errorf("type %s in allOf contradicts type %s", part.typ, s.typ)
	}
	if s.format != "" && part.format != "" && s.format != part.format {
		return part.node.errorf("format %s in allOf beside format %s is not supported", part.format, s.format)
	}
	if s.format == "" {
		s.format = part.format
	}
	s.nullable = s.nullable && part.nullable
	s.readOnly = s.readOnly || part.readOnly
	s.writeOnly = s.writeOnly || part.writeOnly
	s.mergeScalar(part)
	if err := s.mergeIgnored(part); err != nil {
		return err
	}
	return b.mergeChildren(s, part)
}

func (s *schema) mergeScalar(part *schema) {
	if s.enum == nil {
		s.enum = part.enum
	} else if part.enum != nil {
		s.enum = slices.DeleteFunc(slices.Clone(s.enum), func(v string) bool { return !slices.Contains(part.enum, v) })
	}
	s.min = tighter(s.min, part.min, 1)
	s.max = tighter(s.max, part.max, -1)
	s.multiples = append(s.multiples, part.multiples...)
	s.patterns = append(s.patterns, part.patterns...)
	s.minLength, s.maxLength = larger(s.minLength, part.minLength), smaller(s.maxLength, part.maxLength)
	s.maxBytes = smaller(s.maxBytes, part.maxBytes)
	s.minProps, s.maxProps = larger(s.minProps, part.minProps), smaller(s.maxProps, part.maxProps)
	s.minItems, s.maxItems = larger(s.minItems, part.minItems), smaller(s.maxItems, part.maxItems)
}

func (s *schema) mergeIgnored(part *schema) error {
	if part.ignore == "" {
		return nil
	}
	if s.ignore != "" && (s.ignore != part.ignore || s.ignoreDepth != part.ignoreDepth) {
		return part.node.errorf("different x-ignore-members in allOf are not supported")
	}
	s.ignore, s.ignoreDepth = part.ignore, part.ignoreDepth
	return nil
}

func (b *builder) mergeChildren(s, part *schema) error {
	for _, name := range part.required {
		if !slices.Contains(s.required, name) {
			s.required = append(s.required, name)
		}
	}
	for _, p := range part.properties {
		old := s.property(p.name)
		if old == nil {
			s.properties = append(s.properties, &property{p.name, p.schema})
			continue
		}
		both, err := b.both(old.schema, p.schema)
		if err != nil {
			return err
		}
		old.schema = both
	}
	var err error
	if s.items, err = b.both(s.items, part.items); err != nil {
		return err
	}
	if s.additional, err = b.both(s.additional, part.additional); err != nil {
		return err
	}
	s.closed = s.closed || part.closed
	s.hasAdditional = s.hasAdditional || part.hasAdditional
	return nil
}

// both returns the schema of values that satisfy x and y.
func (b *builder) both(x, y *schema) (*schema, error) {
	switch {
	case x == nil || x == y:
		return y, nil
	case y == nil:
		return x, nil
	}
	s := &schema{node: y.node, parts: []*schema{x, y}, state: building}
	if err := b.mergeParts(s); err != nil {
		return nil, err
	}
	s.state = built
	return s, s.verify()
}

// tighter returns the bound that lets fewer values through: the larger one for direction 1, the smaller for -1.
func tighter(x, y *bound, direction int) *bound {
	switch {
	case x == nil:
		return y
	case y == nil:
		return x
	}
	switch rat(x.literal).Cmp(rat(y.literal)) * direction {
	case 1:
		return x
	case -1:
		return y
	}
	return &bound{x.literal, x.exclusive || y.exclusive}
}

func larger(x, y *int) *int {
	if x == nil || y != nil && *y > *x {
		return y
	}
	return x
}

func smaller(x, y *int) *int {
	if x == nil || y != nil && *y < *x {
		return y
	}
	return x
}

// rat is the value of a literal that has been read before.
func rat(literal string) *big.Rat {
	r, _ := new(big.Rat).SetString(literal)
	return r
}

// factor splits a positive literal into digits·10^exp, where digits is no multiple of ten. It reports false if the digits
// do not fit into 64 bits.
func factor(literal string) (uint64, int, bool) {
	r, exp := rat(literal), 0
	ten := big.NewRat(10, 1)
	for ; !r.IsInt(); exp-- {
		r.Mul(r, ten)
	}
	n, rest := new(big.Int).Set(r.Num()), new(big.Int)
	for {
		q, m := new(big.Int).QuoRem(n, big.NewInt(10), rest)
		if m.Sign() != 0 {
			break
		}
		n = q
		exp++
	}
	return n.Uint64(), exp, n.IsUint64()
}
