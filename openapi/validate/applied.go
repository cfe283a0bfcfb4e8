package validate

import "slices"

// inPlaceSchemas checks the schemas that apply to the same value.
func (r *run) inPlaceSchemas(s *Schema, at uint32, e *evaluated) bool {
	ok := true
	r.branches++
	defer func() { r.branches-- }()
	for _, next := range s.AllOf {
		ok = r.check(next, at, e) && ok
		if !ok && r.quiet > 0 {
			return false
		}
	}
	if s.AnyOf != nil {
		ok = r.alternatives(s, s.AnyOf, false, at, e) && ok
	}
	if s.OneOf != nil && (ok || r.quiet == 0) {
		ok = r.alternatives(s, s.OneOf, true, at, e) && ok
	}
	if s.Not != nil && (ok || r.quiet == 0) && r.holds(s.Not, at, nil) {
		ok = r.note(r.closing(at), "not", "", s.want)
	}
	if s.If != nil && (ok || r.quiet == 0) {
		ok = r.conditional(s, at, e) && ok
	}
	if r.tokens[at].kind == objectToken && (ok || r.quiet == 0) {
		for i := range s.DependentSchemas {
			d := &s.DependentSchemas[i]
			if r.find(at, d.Name, hashName(d.Name)) != 0 {
				ok = r.check(d.Schema, at, e) && ok
			}
		}
	}
	return ok
}

func (r *run) conditional(s *Schema, at uint32, e *evaluated) bool {
	next := s.Else
	if r.branch(s.If, at, e) {
		next = s.Then
	}
	return next == nil || r.check(next, at, e)
}

// branch checks a schema whose faults are not reported. Its evaluated members and items count only if the value
// satisfies it.
func (r *run) branch(s *Schema, at uint32, e *evaluated) bool {
	if e == nil {
		return r.holds(s, at, nil)
	}
	var own evaluated
	ok := r.holds(s, at, &own)
	if ok {
		e.join(&own)
	}
	return ok
}

// alternatives checks anyOf or oneOf.
func (r *run) alternatives(s *Schema, list []*Schema, one bool, at uint32, e *evaluated) bool {
	if s.Discriminator != nil && r.tokens[at].kind == objectToken {
		return r.discriminate(s, list, one, at, e)
	}
	return r.matches(list, nil, one, at, e) || r.note(r.closing(at), keywordOf(one), "", s.want)
}

func keywordOf(one bool) string {
	if one {
		return "oneOf"
	}
	return "anyOf"
}

// matches reports whether a value satisfies at least one, or exactly one, of the schemas. It skips but, which is checked
// already.
func (r *run) matches(list []*Schema, but *Schema, one bool, at uint32, e *evaluated) bool {
	matched := 0
	var own evaluated
	for _, next := range list {
		if next == but {
			continue
		}
		if e == nil && !r.holds(next, at, nil) || e != nil && !r.branch(next, at, &own) {
			continue
		}
		matched++
		if !one && e == nil {
			return true
		}
		if one && matched > 1 {
			return false
		}
	}
	if e != nil && matched > 0 {
		e.join(&own)
	}
	return matched > 0
}

// discriminate checks an object by the alternative that one of its members selects.
func (r *run) discriminate(s *Schema, list []*Schema, one bool, at uint32, e *evaluated) bool {
	d := s.Discriminator
	v := r.find(at, d.Property, hashName(d.Property))
	var chosen choice
	if v != 0 && r.tokens[v].kind == stringToken {
		chosen = s.choices[r.chars(v)]
	}
	switch {
	case chosen.schema == nil && !d.Explicit:
		return r.matches(list, nil, one, at, e) || r.note(r.closing(at), keywordOf(one), "", s.want)
	case v == 0:
		return r.missing(at, "required", d.Property, &Expected{Type: "string"})
	case chosen.schema == nil:
		return r.note(r.place(v), "discriminator", "", &Expected{Type: "string"})
	case d.Explicit:
		return r.check(chosen.schema, at, e)
	case chosen.sole:
		list = nil
	}
	return r.first(s, chosen.schema, list, one, at, e)
}

// first checks the alternative that a value selects and reports its faults. The other alternatives affect the verdict, too.
func (r *run) first(s, chosen *Schema, list []*Schema, one bool, at uint32, e *evaluated) bool {
	marks := slices.Clone(r.marks)
	var own *evaluated
	if e != nil {
		own = &evaluated{}
	}
	if r.check(chosen, at, own) {
		if one && r.matches(list, chosen, false, at, nil) {
			return r.note(r.closing(at), "oneOf", "", s.want)
		}
		if e != nil {
			e.join(own)
			_ = one || r.matches(list, chosen, false, at, e) // anyOf: members that the others evaluate count, too
		}
		return true
	}
	if r.interrupted || !r.matches(list, chosen, one, at, e) {
		return false
	}
	r.marks = append(r.marks[:0], marks...)
	r.pass++
	return true
}
