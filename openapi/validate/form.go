package validate

import (
	"strings"
	"unicode/utf8"
)

// form is the form of a body while it is read.
type form struct {
	*texts
	*parameter
	encoding map[string]*Encoding
	// escaped reports that texts are percent-encoded.
	escaped bool
}

// checkForm checks application/x-www-form-urlencoded: an object whose members are options as those of a query.
//
// A member is written as its Encoding Object says. Without a style, an object, or a list of objects, is JSON
// (a={"b":1}) or has its members in brackets (a[b]=1), and any other list is repeated.
func (t *texts) checkForm(b *Body, q *parameter, data string) {
	f := form{t, q, b.Encoding, true}
	t.root(objectNode, "")
	for data != "" && !t.full() {
		var part string
		if part, data, _ = strings.Cut(data, "&"); part == "" {
			continue
		}
		if len(t.nodes) > maxTexts {
			t.fault(q, "maxProperties", 0)
			return
		}
		raw, value, _ := strings.Cut(part, "=")
		name, ok := unescapePercent(raw, true)
		if !ok {
			t.faults.List = append(t.faults.List[:0], Fault{Keyword: "encoding"})
			return
		}
		f.put(name, value)
	}
	if len(t.faults.List) == 0 {
		t.try(q)
	}
}

// place returns the node of a member, its shape and its encoding, and the keys in brackets behind its name.
func (f *form) place(name string) (at int32, s *shape, e *Encoding, keys string) {
	if i := strings.IndexByte(name, '['); i > 0 && f.shape.inside().names[name] == nil && isBracketed(name[i:]) && f.nests(name[:i]) {
		name, keys = name[:i], name[i:]
	}
	if at = f.member(0, name); at == 0 {
		at = f.add(0, node{name: name})
	}
	return at, f.shape.member(name), f.encoding[name], keys
}

// nests reports whether the members or items of a member are written in brackets.
func (f *form) nests(name string) bool {
	if e := f.encoding[name]; e != nil && e.Style != "" {
		return e.Style == "deepObject"
	}
	return f.shape.inside().names[name].holdsObjects()
}

// holdsObjects reports whether a value must be an object or a list of objects, which no plain text stands for.
func (s *shape) holdsObjects() bool {
	if s != nil && s.must(Array) {
		s = s.item(0)
	}
	return s != nil && s.must(Object)
}

// put gives the form a member, whose text is as it stands in the body.
func (f *form) put(name, raw string) {
	at, s, e, keys := f.place(name)
	text, ok := f.decode(raw)
	ok = ok && (name != charsetMember || ReadsCharset(text))
	switch {
	case keys != "":
		f.putDeep(f.parameter, at, s, keys, text, ok)
	case !ok:
		f.fault(f.parameter, "encoding", at)
	case e != nil && !e.Explode && e.Style != "" && s.can(Array|Object):
		f.split(at, s, e.Style, raw)
	case s.holdsObjects(), e != nil && len(e.Types) > 0 && IsJSON(e.Types[0]):
		f.putJSON(at, s, text)
	default:
		f.putValue(at, s, node{kind: textNode, text: text})
	}
}

func (f *form) decode(raw string) (string, bool) {
	if f.escaped {
		return unescapePercent(raw, true)
	}
	return raw, utf8.ValidString(raw)
}

func (f *form) putValue(at int32, s *shape, value node) {
	if !f.texts.put(at, value, s) {
		f.fault(f.parameter, "repeated", at)
	}
}

// putJSON gives a member the value that a JSON text stands for.
func (f *form) putJSON(at int32, s *shape, text string) {
	if CheckJSON([]byte(text), maxDepth-2) != nil { // within an object, and perhaps a list
		f.fault(f.parameter, "malformed", at)
		return
	}
	f.putValue(at, s, node{kind: jsonNode, text: strings.TrimLeft(text, " \t\r\n")})
}

// split gives a member the list or the object that one text stands for.
func (f *form) split(at int32, s *shape, style, raw string) {
	if f.nodes[at].kind != newNode {
		f.fault(f.parameter, "repeated", at)
		return
	}
	d := delimitersIn(&parameter{Parameter: &Parameter{Style: style}})
	f.nodes[at].kind = listNode
	if !s.can(Array) {
		f.nodes[at].kind = objectNode
	}
	raw, pending := d.normal(raw), at
	for more, i := true, 0; more; i++ {
		var part string
		part, raw, more = strings.Cut(raw, d.separator)
		text, ok := f.decode(part)
		switch {
		case !ok:
			f.fault(f.parameter, "encoding", at)
			return
		case f.nodes[at].kind == listNode:
			f.add(at, node{kind: textNode, text: text})
		case i%2 == 1:
			f.putValue(pending, s.member(f.nodes[pending].name), node{kind: textNode, text: text})
		case !more:
			f.fault(f.parameter, "type", at)
			return
		default:
			if pending = f.member(at, text); pending == 0 {
				pending = f.add(at, node{name: text})
			}
		}
	}
}
