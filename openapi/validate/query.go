package validate

import "strings"

// find returns the parameter of a query option, nil if there is none; the name of the member, or what follows the
// parameter's name; and whether the option has the parameter's own name.
func (p *plan) find(name string) (q *parameter, member string, own bool) {
	if q := p.names[name]; q != nil {
		return q, name, q.Name == name && !(q.spread && q.shape.must(Object))
	}
	for _, q := range p.deep {
		if rest, ok := strings.CutPrefix(name, q.Name); ok && isBracketed(rest) && (rest != "[]" || !q.shape.must(Object)) {
			return q, rest, false
		}
	}
	if len(p.system) > 0 {
		if declared := SystemOption(name, p.system...); declared != name {
			return p.names[declared], declared, true
		}
	}
	for _, q := range p.open {
		if q.shape.takes(name) {
			return q, name, false
		}
	}
	return nil, "", false
}

// isBracketed reports whether s is a sequence of keys in brackets.
func isBracketed(s string) bool {
	for first := true; first || s != ""; first = false {
		key, rest, ok := cutKey(s)
		if !ok || strings.IndexByte(key, '[') >= 0 {
			return false
		}
		s = rest
	}
	return true
}

// cutKey returns the first key in brackets and the rest.
func cutKey(s string) (key, rest string, ok bool) {
	if !strings.HasPrefix(s, "[") {
		return "", s, false
	}
	return strings.Cut(s[1:], "]")
}

// begin prepares for the options of params parameters.
func (t *texts) begin(params int) {
	for len(t.first) < params {
		t.first, t.last = append(t.first, 0), append(t.last, 0)
	}
	clear(t.first)
	clear(t.last)
}

// give adds an option to a parameter.
func (t *texts) give(q *parameter, o option) {
	t.options = append(t.options, o)
	at := int32(len(t.options))
	if last := t.last[q.number]; last == 0 {
		t.first[q.number] = at
	} else {
		t.options[last-1].next = at
	}
	t.last[q.number] = at
}

// given returns the first option of a parameter, nil if there is none, and whether it is the only one.
func (t *texts) given(q *parameter) (first *option, one bool) {
	at := t.first[q.number]
	if at == 0 {
		return nil, false
	}
	return &t.options[at-1], at == t.last[q.number]
}

// each calls f with each option of a parameter.
func (t *texts) each(q *parameter, f func(o *option)) {
	for at := t.first[q.number]; at != 0; at = t.options[at-1].next {
		f(&t.options[at-1])
	}
}

// readQuery assigns options to parameters. It skips empty options.
func (t *texts) readQuery(p *plan, query string) {
	for query != "" && !t.full() {
		var part string
		if part, query, _ = strings.Cut(query, "&"); part == "" {
			continue
		}
		if len(t.options) == maxTexts {
			t.refuseOption("", "maxProperties")
			return
		}
		name, raw, _ := strings.Cut(part, "=")
		decoded, ok := unescapePercent(name, true)
		if !ok {
			t.refuseOption(strings.ToValidUTF8(name, "\uFFFD"), "encoding")
			continue
		}
		q, member, own := p.find(decoded)
		if q == nil {
			t.refuseOption(decoded, "additionalProperties")
			continue
		}
		t.give(q, option{name: member, raw: raw, own: own})
	}
}

func (t *texts) refuseOption(name, keyword string) {
	t.faults.List = append(t.faults.List, Fault{In: "query", Name: name, Keyword: keyword})
}

// checkQuery checks a query parameter.
func (t *texts) checkQuery(q *parameter) {
	first, one := t.given(q)
	switch {
	case first == nil:
		t.require(q)
	case q.key && !one:
		t.fault(q, "repeated", 0)
	case q.key || q.Spot != nil:
	case q.AllowEmpty && one && first.own && first.raw == "":
		t.keepEmpty(q)
	case q.spread && !first.own, q.deep && !first.own:
		t.checkMembers(q)
	case q.Content == "" && q.Explode && q.shape.can(Array):
		t.checkExploded(q)
	case !one:
		t.fault(q, "repeated", 0)
	default:
		t.checkText(q, first.raw, delimitersIn(q))
	}
}

func (t *texts) require(q *parameter) {
	if q.Required {
		t.fault(q, "required", 0)
	}
}

// checkMembers checks an object whose members are separate options.
func (t *texts) checkMembers(q *parameter) {
	faults := len(t.faults.List)
	t.root(newNode, "")
	if !q.deep {
		t.nodes[0].kind = objectNode
	}
	t.each(q, func(o *option) {
		if t.full() {
			return
		}
		text, ok := unescapePercent(o.raw, true)
		switch {
		case o.own: // in addition to members
			t.fault(q, "repeated", 0)
		case q.deep:
			t.putDeep(q, 0, q.shape, o.name, text, ok)
		default:
			t.putMember(q, o.name, node{kind: textNode, text: text}, ok)
		}
	})
	if len(t.faults.List) == faults {
		t.try(q)
	}
}

// putMember adds a member to the object. ok reports whether its text could be decoded.
func (t *texts) putMember(q *parameter, name string, value node, ok bool) {
	at := t.member(0, name)
	if at == 0 {
		at = t.add(0, node{name: name})
	}
	switch {
	case !ok:
		t.fault(q, "encoding", at)
	case !t.put(at, value, q.shape.member(name)):
		t.fault(q, "repeated", at)
	}
}

// checkExploded checks a list whose items are separate options.
func (t *texts) checkExploded(q *parameter) {
	t.root(newNode, "")
	keyword := ""
	t.each(q, func(o *option) {
		text, ok := decode(q.In, o.raw)
		switch {
		case !ok:
			keyword = "encoding"
		case !o.own: // a member in addition to the item
			keyword = "repeated"
		}
		t.put(0, node{kind: textNode, text: text}, q.shape)
	})
	if keyword != "" {
		t.fault(q, keyword, 0)
		return
	}
	t.try(q)
}
