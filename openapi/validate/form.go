package validate

import (
	"strings"
	"unicode/utf8"
)

// form is the state of a form that is being read.
type form struct {
	*texts
	*parameter
	encoding map[string]*Encoding
	// escaped reports whether texts are percent-encoded.
	escaped bool
}

// checkForm checks application/x-www-form-urlencoded: an object whose members are written like query options.
//
// The Encoding Object of a member decides its form. Without a style, an object or a list of objects is JSON (a={"b":1}) or
// has its members in brackets (a[b]=1); any other list is repeated.
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

// place returns the node, shape and encoding of a member, and the keys in brackets after its name.
func (f *form) place(name string) (at int32, s *shape, e *Encoding, keys string) {
	if i := strings.IndexByte(name, '['); i > 0 && f.shape.inside().names[name] == nil && isBracketed(name[i:]) && f.nests(name[:i]) {
		name, keys = name[:i], name[i:]
	}
	if at = f.member(0, name); at == 0 {
		at = f.add(0, node{name: name})
	}
	return at, f.shape.member(name), f.encoding[name], keys
}

// nests reports whether the members or items of a member are in brackets.
func (f *form) nests(name string) bool {
	if e := f.encoding[name]; e != nil && e.Style != "" {
		return e.Style == "deepObject"
	}
	return f.shape.inside().names[name].holdsObjects()
}

// holdsObjects reports whether a value must be an object or a list of objects, which plain text cannot represent.
func (s *shape) holdsObjects() bool {
	if s != nil && s.must(Array) {
		s = s.item(0)
	}
	return s != nil && s.must(Object)
}

// put adds a member with its raw text to the form.
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

// putJSON sets a member to a JSON value.
func (f *form) putJSON(at int32, s *shape, text string) {
	if CheckJSON([]byte(text), maxDepth-2) != nil { // it is in an object, and perhaps in a list
		f.fault(f.parameter, "malformed", at)
		return
	}
	f.putValue(at, s, node{kind: jsonNode, text: strings.TrimLeft(text, " \t\r\n")})
}

// split sets a member to a list or an object in one text.
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
