package validate

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// texts reads the parameters or the form of one request. It converts their texts to nodes and the nodes to a tape, which the
// schema checks.
type texts struct {
	ctx    context.Context
	faults Faults
	found  Faults // of one reading

	options     []option
	first, last []int32 // of the options of each parameter, 1 + their number; 0 means none

	nodes []node
	names map[memberKey]int32 // members of large objects
	// values has the values of the parameters as JSON; nil if only the verdict matters.
	values [][]byte
	tape   tape
	json   tape

	reading reading
	// either reports that a text can have several types.
	either bool
	spare  tape // for one text
	alone  Faults
}

// reading is the way to read texts that can have several types.
type reading uint8

const (
	asTyped reading = iota // as numbers, booleans and lists
	asFits                 // as the schemas of the place allow, each text separately
	asPlain                // as strings and single values
)

// option is an option of a query or a form, or a cookie.
type option struct {
	name string // decoded: the name of a member, or what follows the name of a deepObject parameter
	raw  string
	own  bool // it has the name of the parameter
	next int32
}

// node is the value of one text or several.
type node struct {
	name              string // of a member
	text              string // decoded
	kind              nodeKind
	parent            int32
	first, last, next int32 // children and siblings; 0 means none
	size              int32
}

type nodeKind uint8

const (
	newNode nodeKind = iota
	textNode
	jsonNode
	fileNode
	listNode
	objectNode
)

type memberKey struct {
	object int32
	name   string
}

// maxTexts limits the options of a query or a form, and the parts of a multipart body.
const maxTexts = 10_000

// few is the number of members up to which a search compares each.
const few = 8

var textsPool = sync.Pool{New: func() any { return &texts{names: map[memberKey]int32{}} }}

func beginTexts(ctx context.Context) *texts {
	t := textsPool.Get().(*texts)
	t.ctx = ctx
	return t
}

// end prepares t for another request and drops all data of this one.
func (t *texts) end() {
	if cap(t.tape.data) > largeTape || cap(t.nodes) > largeTape/16 || cap(t.options) > largeTape/16 || len(t.names) > largeTape/16 {
		return
	}
	clear(t.options)
	clear(t.nodes)
	clear(t.names)
	clear(t.faults.List)
	clear(t.found.List)
	clear(t.alone.List)
	t.ctx, t.options, t.nodes, t.values = nil, t.options[:0], t.nodes[:0], nil
	t.faults, t.found = Faults{List: t.faults.List[:0]}, Faults{List: t.found.List[:0]}
	t.tape.reset()
	t.spare.reset()
	t.spare.text, t.tape.text, t.json.data, t.json.text = "", "", nil, ""
	textsPool.Put(t)
}

// result returns the faults; nil if there are none.
func (t *texts) result() *Faults {
	switch {
	case t.faults.Interrupted:
		return &Faults{Interrupted: true}
	case t.faults.Malformed:
		return &Faults{Malformed: true, Empty: t.faults.Empty, Offset: t.faults.Offset}
	case len(t.faults.List) == 0:
		return nil
	}
	return &Faults{List: slices.Clone(t.faults.List[:min(len(t.faults.List), maxFaults)])}
}

// full reports that no more faults are recorded.
func (t *texts) full() bool { return len(t.faults.List) >= maxFaults || t.faults.Interrupted }

// fault records a fault of a parameter, or of a form if p has no place. at is its node.
func (t *texts) fault(p *parameter, keyword string, at int32) {
	f := Fault{Keyword: keyword}
	switch {
	case at != 0:
		f.Pointer, f.Name = string(t.pointer(nil, at)), t.nameOf(at)
	case p.Schema != nil:
		f.Expected = p.Schema.Expected
	}
	t.note(p, f)
}

// nameOf returns the name of a member; for an item, the name of the member that contains it.
func (t *texts) nameOf(at int32) string {
	for at != 0 && t.nodes[t.nodes[at].parent].kind == listNode {
		at = t.nodes[at].parent
	}
	return t.nodes[at].name
}

// note records a fault of a parameter's value.
func (t *texts) note(p *parameter, f Fault) {
	if len(t.faults.List) < maxFaults {
		t.faults.List = append(t.faults.List, p.locate(f))
	}
}

// pointer appends the JSON Pointer of a node.
func (t *texts) pointer(b []byte, at int32) []byte {
	if at == 0 {
		return b
	}
	n := &t.nodes[at]
	b = t.pointer(b, n.parent)
	if t.nodes[n.parent].kind != listNode {
		return appendToken(b, []byte(n.name))
	}
	i := 0
	for c := t.nodes[n.parent].first; c != at; c = t.nodes[c].next {
		i++
	}
	return strconv.AppendInt(append(b, '/'), int64(i), 10)
}

// root starts a value.
func (t *texts) root(kind nodeKind, text string) {
	if len(t.names) > 0 {
		clear(t.names)
	}
	t.nodes = append(t.nodes[:0], node{kind: kind, text: text})
}

// add appends a member or an item.
func (t *texts) add(parent int32, child node) int32 {
	at := int32(len(t.nodes))
	child.parent = parent
	t.nodes = append(t.nodes, child)
	p := &t.nodes[parent]
	if p.last == 0 {
		p.first = at
	} else {
		t.nodes[p.last].next = at
	}
	p.last = at
	p.size++
	if p.kind != objectNode || p.size <= few {
		return at
	}
	from := at
	if p.size == few+1 {
		from = p.first
	}
	for c := from; c != 0; c = t.nodes[c].next {
		t.names[memberKey{parent, t.nodes[c].name}] = c
	}
	return at
}

// member returns a member of an object; 0 if there is none with the name.
func (t *texts) member(object int32, name string) int32 {
	n := &t.nodes[object]
	if n.size > few {
		return t.names[memberKey{object, name}]
	}
	for c := n.first; c != 0; c = t.nodes[c].next {
		if t.nodes[c].name == name {
			return c
		}
	}
	return 0
}

// put sets the value of a member, or adds another one if the member can be a list. It reports false if it can do neither.
func (t *texts) put(at int32, value node, s *shape) bool {
	n := &t.nodes[at]
	switch {
	case n.kind == newNode:
		n.kind, n.text = value.kind, value.text
		return true
	case n.kind == objectNode || !s.can(Array):
		return false
	case n.kind != listNode:
		t.toList(at)
	}
	t.add(at, value)
	return true
}

// toList converts a node to a list whose first item is its value.
func (t *texts) toList(at int32) {
	n := &t.nodes[at]
	item := node{kind: n.kind, text: n.text}
	n.kind, n.text = listNode, ""
	t.add(at, item)
}

// try checks the value by the schema of p. If a text can be a number or a string, either may satisfy the schema. The faults
// are those of the first reading.
func (t *texts) try(p *parameter) bool {
	if t.ctx.Err() != nil {
		t.faults.Interrupted = true
		return false
	}
	if t.judge(p, asTyped) {
		t.keep(p)
		return true
	}
	n := len(t.faults.List)
	for _, f := range t.found.List {
		t.note(p, f)
	}
	t.faults.Interrupted = t.faults.Interrupted || t.found.Interrupted
	if t.either && (t.judge(p, asFits) || t.judge(p, asPlain)) {
		t.keep(p)
		t.faults.List = t.faults.List[:n]
		return true
	}
	return false
}

func (t *texts) judge(p *parameter, r reading) bool {
	t.reading, t.either = r, false
	t.tape.reset()
	t.write(0, p.shape)
	t.found = Faults{List: t.found.List[:0]}
	if p.Schema != nil {
		p.Schema.checkTape(t.ctx, &t.tape, &t.found)
	}
	return len(t.found.List) == 0 && !t.found.Interrupted
}

// write appends a node to the tape.
func (t *texts) write(at int32, s *shape) {
	n := &t.nodes[at]
	switch n.kind {
	case listNode:
		opened := t.tape.open(arrayToken)
		for c, i := n.first, 0; c != 0; c, i = t.nodes[c].next, i+1 {
			t.write(c, s.item(i))
		}
		t.tape.close(opened)
	case objectNode:
		opened := t.tape.open(objectToken)
		for c := n.first; c != 0; c = t.nodes[c].next {
			name := t.nodes[c].name
			t.tape.name(name)
			t.write(c, s.member(name))
		}
		t.tape.close(opened)
	default:
		t.single(n, s)
	}
}

// single writes one text, as a list if the value must be one.
func (t *texts) single(n *node, s *shape) {
	if t.reading == asFits {
		t.reading = asPlain
		if t.satisfies(n, s, asTyped) || !t.satisfies(n, s, asPlain) {
			t.reading = asTyped
		}
		defer func() { t.reading = asFits }()
	}
	list := s.can(Array) && (n.kind != jsonNode || !strings.HasPrefix(n.text, "["))
	if list && !s.must(Array|Object) {
		t.either = true
		list = t.reading == asTyped
	}
	if !list {
		t.value(n, s)
		return
	}
	opened := t.tape.open(arrayToken)
	t.value(n, s.item(0))
	t.tape.close(opened)
}

// satisfies reports whether a text on its own satisfies the schemas of its place.
func (t *texts) satisfies(n *node, s *shape, r reading) bool {
	before := t.reading
	t.tape, t.spare = t.spare, t.tape
	defer func() { t.tape, t.spare, t.reading = t.spare, t.tape, before }()
	t.reading = r
	t.tape.reset()
	t.single(n, s)
	t.alone = Faults{List: t.alone.List[:0]}
	for _, c := range s.direct {
		c.checkTape(t.ctx, &t.tape, &t.alone)
	}
	return len(t.alone.List) == 0 && !t.alone.Interrupted
}

func (t *texts) value(n *node, s *shape) {
	switch n.kind {
	case jsonNode:
		t.writeJSON(n.text)
	case fileNode:
		t.tape.octets(n.text)
	default:
		t.primitive(n.text, s)
	}
}

// primitive writes the value of a text.
func (t *texts) primitive(text string, s *shape) {
	kind := stringToken
	switch {
	case s.can(Number) && isNumber([]byte(text)):
		kind = numberToken
	case s.can(Boolean) && text == "true":
		kind = trueToken
	case s.can(Boolean) && text == "false":
		kind = falseToken
	}
	if kind != stringToken && s.can(String) {
		t.either = true
		if t.reading != asTyped {
			kind = stringToken
		}
	}
	if kind == stringToken {
		t.tape.string(text)
	} else {
		t.tape.literal(kind, text)
	}
}

// writeJSON writes the value of a JSON text, which is known to be well-formed.
func (t *texts) writeJSON(text string) {
	if end, ok := t.json.scan([]byte(text), skipSpace([]byte(text), 0), maxDepth); ok && end > 0 {
		t.json.share()
		t.copyJSON(0)
	}
}

func (t *texts) copyJSON(at uint32) {
	switch tok := t.json.tokens[at]; tok.kind {
	case arrayToken, objectToken:
		opened := t.tape.open(tok.kind)
		for i := at + 1; i < tok.next; {
			if tok.kind == objectToken {
				t.tape.name(t.json.chars(i))
				i++
			}
			t.copyJSON(i)
			i = t.json.tokens[i].next
		}
		t.tape.close(opened)
	case stringToken:
		t.tape.string(t.json.chars(at))
	default:
		t.tape.literal(tok.kind, t.json.raw(at))
	}
}

// decode decodes a text. It decodes percent-encoding exactly once, and not in header fields.
func decode(in, raw string) (string, bool) {
	if in == "header" {
		raw = strings.Trim(raw, " \t")
		return raw, utf8.ValidString(raw)
	}
	return unescapePercent(raw, in == "query" || in == "")
}
