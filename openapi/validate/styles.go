package validate

import "strings"

// delimiters say how to split a text. An encoded delimiter is part of an item.
type delimiters struct {
	separator string
	other     string // the separator if separator is absent in the text
	// pairs reports that members have the form R=100 instead of R,100. A pair of style matrix may lack the = (RFC 6570
	// §3.2.7).
	pairs, bare bool
	// spaced and piped report that %20 and +, or %7C, separate: spaces and bars are not allowed in URIs.
	spaced, piped bool
}

// delimitersIn returns the delimiters of a parameter in a query, a header field or a cookie.
func delimitersIn(q *parameter) delimiters {
	switch q.Style {
	case "spaceDelimited":
		return delimiters{separator: "+", spaced: true}
	case "pipeDelimited":
		return delimiters{separator: "|", piped: true}
	}
	return delimiters{separator: ",", pairs: q.Explode && q.In == "header"}
}

// checkText checks a parameter that is one text: as an object, a list, or a single value, as its schema allows.
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

// reads tries each reading of a text and reports whether one satisfies the schema. Otherwise it leaves the faults of the
// first reading.
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
		if from > end { // report the faults of the first possible reading
			t.faults.List = t.faults.List[:from]
		}
	}
	return false
}

// buildWhole reads the text as one value. Like the other readings it returns the keyword that the text violates.
func (t *texts) buildWhole(q *parameter, raw string, _ delimiters) string {
	text, ok := decode(q.In, raw)
	if !ok {
		return "encoding"
	}
	t.root(textNode, text)
	return ""
}

// buildList splits the text into items.
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

// buildObject splits the text into members. Invalid members are separate faults.
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

// normal replaces all forms of a delimiter by one.
func (d *delimiters) normal(raw string) string {
	switch {
	case d.spaced:
		return strings.ReplaceAll(raw, "%20", "+")
	case d.piped:
		return strings.ReplaceAll(strings.ReplaceAll(raw, "%7C", "|"), "%7c", "|")
	}
	return raw
}
