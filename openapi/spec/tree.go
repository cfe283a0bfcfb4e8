package spec

import (
	"iter"
	"strconv"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// kind is the JSON type of a node.
type kind uint8

const (
	nullKind kind = iota
	boolKind
	numberKind
	textKind
	listKind
	objectKind
)

// node is a value of a document with its place. Its methods accept nil, which means that the value is absent.
type node struct {
	kind   kind
	text   string // of a string, or a JSON number, or true and false
	parent *node
	key    string   // the name in the parent, or the index
	names  []string // of an object's members, whose values are in items
	items  []*node
	index  map[string]int // of names, for objects with many members
	source *source        // set only in the root
	order  int            // position among the nodes of all sources, in document order
}

// source is a file.
type source struct {
	name string // relative to the folder; "" for the document itself
	path string // the path of the file, also for the document itself
	root *node
}

// manyMembers is the number of members from which an object's names are indexed.
const manyMembers = 12

// set appends a member. It reports false for a duplicate name.
func (n *node) set(name string, value *node) bool {
	if n.member(name) != nil {
		return false
	}
	if n.index != nil {
		n.index[name] = len(n.names)
	} else if len(n.names) == manyMembers {
		n.index = make(map[string]int, 2*manyMembers)
		for i, other := range n.names {
			n.index[other] = i
		}
		n.index[name] = len(n.names)
	}
	value.parent, value.key = n, name
	n.names = append(n.names, name)
	n.items = append(n.items, value)
	return true
}

func (n *node) add(value *node) {
	value.parent, value.key = n, strconv.Itoa(len(n.items))
	n.items = append(n.items, value)
}

// get returns the member of an object; nil if it is absent. A member that is null counts as absent, because that is what
// YAML makes of a name without a value.
func (n *node) get(name string) *node {
	if m := n.member(name); !m.is(nullKind) {
		return m
	}
	return nil
}

// member returns the member of an object, even if it is null; nil if it is absent.
func (n *node) member(name string) *node {
	if n == nil || n.kind != objectKind {
		return nil
	}
	if n.index != nil {
		if i, ok := n.index[name]; ok {
			return n.items[i]
		}
		return nil
	}
	for i, other := range n.names {
		if other == name {
			return n.items[i]
		}
	}
	return nil
}

// at returns the member at a path of names; nil if it is absent.
func (n *node) at(names ...string) *node {
	for _, name := range names {
		n = n.get(name)
	}
	return n
}

func (n *node) has(name string) bool { return n.get(name) != nil }

func (n *node) is(k kind) bool { return n != nil && n.kind == k }

// string returns the text of a string, "" for anything else.
func (n *node) string() string {
	if n.is(textKind) {
		return n.text
	}
	return ""
}

func (n *node) isTrue() bool { return n.is(boolKind) && n.text == "true" }

// members yields the members of an object in the document's order.
func (n *node) members() iter.Seq2[string, *node] {
	return func(yield func(string, *node) bool) {
		if !n.is(objectKind) {
			return
		}
		for i, name := range n.names {
			if !yield(name, n.items[i]) {
				return
			}
		}
	}
}

// list returns the items of an array.
func (n *node) list() []*node {
	if n.is(listKind) {
		return n.items
	}
	return nil
}

// strings returns the strings of an array.
func (n *node) strings() []string {
	var list []string
	for _, item := range n.list() {
		if item.kind == textKind {
			list = append(list, item.text)
		}
	}
	return list
}

// root returns the root of the file.
func (n *node) root() *node {
	for n.parent != nil {
		n = n.parent
	}
	return n
}

// pointer returns the place as a JSON Pointer, preceded by the name of the file unless it is the document itself.
func (n *node) pointer() string {
	var keys []string
	for ; n.parent != nil; n = n.parent {
		keys = append(keys, n.key)
	}
	var b strings.Builder
	if n.source != nil && n.source.name != "" {
		b.WriteString(n.source.name + "#")
	}
	for i := len(keys) - 1; i >= 0; i-- {
		b.WriteByte('/')
		b.WriteString(escapeToken(keys[i]))
	}
	return b.String()
}

// lookup follows a JSON Pointer. It returns nil if there is no value.
func (n *node) lookup(pointer string) *node {
	if pointer == "" {
		return n
	}
	if pointer[0] != '/' {
		return nil
	}
	for token := range strings.SplitSeq(pointer[1:], "/") {
		switch {
		case n.is(objectKind):
			n = n.member(unescapeToken(token))
		case n.is(listKind):
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(n.items) || strconv.Itoa(i) != token {
				return nil
			}
			n = n.items[i]
		default:
			return nil
		}
	}
	return n
}

var (
	tokenEscapes   = strings.NewReplacer("~", "~0", "/", "~1")
	tokenUnescapes = strings.NewReplacer("~1", "/", "~0", "~")
)

func escapeToken(s string) string { return tokenEscapes.Replace(s) }

func unescapeToken(s string) string { return tokenUnescapes.Replace(s) }

// json returns the value as JSON, without white space.
func (n *node) json() string { return string(n.appendJSON(nil)) }

func (n *node) appendJSON(b []byte) []byte {
	switch n.kind {
	case nullKind:
		return append(b, "null"...)
	case textKind:
		return validate.AppendString(b, n.text)
	case listKind:
		b = append(b, '[')
		for i, item := range n.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = item.appendJSON(b)
		}
		return append(b, ']')
	case objectKind:
		b = append(b, '{')
		for i, item := range n.items {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(validate.AppendString(b, n.names[i]), ':')
			b = item.appendJSON(b)
		}
		return append(b, '}')
	}
	return append(b, n.text...)
}
