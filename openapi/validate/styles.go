package validate

import "strings"

// delimiters say how one text is taken apart. They stand as themselves: one that is percent-encoded is a part of an item.
type delimiters struct {
	separator string
	other     string // one that separates if there is no separator
	// pairs reports that members are written R=100 instead of R,100. A pair of matrix may lack the = (RFC 6570 §3.2.7).
	pairs, bare bool
	// spaced and piped report that %20 and + or %7C separate: neither a space nor a bar may stand in a URI.
	spaced, piped bool
}

// delimitersIn returns those of a parameter in a query, a header field or a cookie.
func delimitersIn(q *parameter) delimiters {
	switch q.Style {
	case "spaceDelimited":
		return delimiters{separator: "+", spaced: true}
	case "pipeDelimited":
		return delimiters{separator: "|", piped: true}
	}
	return delimiters{separator: ",", pairs: q.Explode && q.In == "header"}
}

// checkText checks a parameter that is one text: an object, else a list, else the text as a whole, as far as its schema
// takes them.
func (t *texts) checkText(q *parameter, raw string, d delimiters) {
	if q.Content != "" {
		t.checkParameterContent(q, raw)
		return
	}
	from := len(t.faults.List)
	if t.reads(q, raw, d) {
		t.faults.List = t.faults.List[:from]
		return
	}
	if d.other != "" && !strings.Contains(raw, d.separator) {
		first := len(t.faults.List)
		if t.reads(q, raw, delimiters{separator: d.other, pairs: d.pairs}) {
			first = from
		}
		t.faults.List = t.faults.List[:first]
	}
}

// reads tries each reading of a text, and reports whether one satisfies the schema. It leaves the faults of the first.
func (t *texts) reads(q *parameter, raw string, d delimiters) bool {
	s, end := q.shape, len(t.faults.List)
	for _, reading := range []struct {
		possible bool
		build    func(*texts, *parameter, string, delimiters) string
	}{
		{s.can(Object), (*texts).buildObject},
		{s.can(Array), (*texts).buildList},
		{s.kinds == 0 || s.can(primitives), (*texts).buildWhole},
	} {
		if !reading.possible {
			continue
		}
		from := len(t.faults.List)
		if keyword := reading.build(t, q, raw, d); keyword != "" {
			t.fault(q, keyword, 0)
		} else if len(t.faults.List) == from && t.try(q) {
			return true
		}
		if from > end { // the first that is possible speaks
			t.faults.List = t.faults.List[:from]
		}
	}
	return false
}

// buildWhole takes the text as one value. Like the other readings it returns the keyword that the text breaks.
func (t *texts) buildWhole(q *parameter, raw string, _ delimiters) string {
	text, ok := decode(q.In, raw)
	if !ok {
		return "encoding"
	}
	t.root(textNode, text)
	return ""
}

// buildList takes the text apart into items.
func (t *texts) buildList(q *parameter, raw string, d delimiters) string {
	t.root(listNode, "")
	for raw, more := d.normal(raw), true; more; {
		var part string
		part, raw, more = strings.Cut(raw, d.separator)
		text, ok := decode(q.In, part)
		if !ok {
			return "encoding"
		}
		t.add(0, node{kind: textNode, text: text})
	}
	return ""
}

// buildObject takes the text apart into members. Those that are bad are faults of their own.
func (t *texts) buildObject(q *parameter, raw string, d delimiters) string {
	t.root(objectNode, "")
	raw = d.normal(raw)
	for more := raw != ""; more && !t.full(); {
		var part, value string
		part, raw, more = strings.Cut(raw, d.separator)
		ok := more
		switch {
		case d.pairs:
			part, value, ok = strings.Cut(part, "=")
			ok = ok || d.bare
		case more:
			value, raw, more = strings.Cut(raw, d.separator)
		}
		name, valid := decode(q.In, part)
		if !ok || !valid {
			return "type"
		}
		text, valid := decode(q.In, value)
		t.putMember(q, name, node{kind: textNode, text: text}, valid)
	}
	return ""
}

// normal writes all forms of a delimiter in one way.
func (d *delimiters) normal(raw string) string {
	switch {
	case d.spaced:
		return strings.ReplaceAll(raw, "%20", "+")
	case d.piped:
		return strings.ReplaceAll(strings.ReplaceAll(raw, "%7C", "|"), "%7c", "|")
	}
	return raw
}
