package validate

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"
)

// Check checks that data is one I-JSON text that satisfies the schema. It returns nil if so. The schema must have been
// prepared by [Compile]. If ctx is done it stops, and the faults are Interrupted. Check is safe for concurrent use.
func (s *Schema) Check(ctx context.Context, data []byte) *Faults {
	r := begin(ctx)
	defer r.end()
	end, ok := r.scan(data, skipSpace(data, 0), maxDepth)
	if !ok || skipSpace(data, end) != len(data) {
		reader := Open(data)
		reader.Skip()
		return reader.Close()
	}
	if s == nil || r.check(s, 0, nil) {
		return nil
	}
	return r.faults()
}

// checkTape checks the tape of a parameter or a form, and appends faults without In and without the parameter's Name to f.
func (s *Schema) checkTape(ctx context.Context, t *tape, f *Faults) {
	r := begin(ctx)
	defer r.end()
	t.share()
	own := r.tape
	r.tape = t
	defer func() { r.tape = own }()
	if r.check(s, 0, nil) {
		return
	}
	found := r.faults()
	f.List = append(f.List, found.List...)
	f.Interrupted = f.Interrupted || found.Interrupted
	if found.Malformed {
		f.List = append(f.List, Fault{Keyword: "malformed", Expected: s.Expected})
	}
}

// run checks one value.
type run struct {
	*tape
	ctx   context.Context
	marks []mark
	// quiet is the number of enclosing schemas whose faults are not reported.
	quiet int
	// branches is the number of enclosing schemas that apply to the same value as another.
	branches int
	memo     map[visit]*outcome
	// pass changes whenever marks are discarded.
	pass        int
	steps       int
	interrupted bool
	deep        int // 1 + the offset of a value that nests too deep; 0 means none
}

// visit is a value that a schema checks.
type visit struct {
	schema *Schema
	at     uint32
}

// outcome is a known verdict.
type outcome struct {
	ok     bool
	pass   int // the pass in which the faults were noted; 0 for never
	tracks bool
	evaluated
}

var runs = sync.Pool{New: func() any { return &run{tape: &tape{}} }}

// largeTape is the largest capacity, in tokens, of a tape that is reused: 1 MiB.
const largeTape = 1 << 16

func begin(ctx context.Context) *run {
	r := runs.Get().(*run)
	r.ctx, r.pass = ctx, 1
	return r
}

// end prepares the run for reuse.
func (r *run) end() {
	r.data, r.text = nil, ""
	clear(r.marks)
	r.marks = r.marks[:0]
	if cap(r.tokens) > largeTape || len(r.memo) > largeTape/16 || len(r.names.slots) > largeTape {
		return
	}
	clear(r.memo)
	r.ctx, r.quiet, r.branches, r.steps, r.interrupted, r.deep = nil, 0, 0, 0, false, 0
	runs.Put(r)
}

func (r *run) faults() *Faults {
	switch {
	case r.interrupted:
		return &Faults{Interrupted: true}
	case r.deep > 0:
		return &Faults{Malformed: true, Offset: r.deep - 1}
	}
	f := oneFault()
	f.List = r.tape.faults(f.List, r.marks)
	return f
}

// evaluated has the members or items of a value that a schema has evaluated; unevaluatedProperties and unevaluatedItems
// apply to the rest.
type evaluated struct {
	all bool
	numberSet
}

func (e *evaluated) has(n int) bool { return e.all || e.numberSet.has(n) }

func (e *evaluated) join(other *evaluated) {
	e.all = e.all || other.all
	e.numberSet.join(&other.numberSet)
}

// typesOf has the types of each token; a number need not be an integer.
var typesOf = [...]Types{
	nullToken: Null, falseToken: Boolean, trueToken: Boolean, numberToken: Integer | Number,
	stringToken: String, nameToken: String, arrayToken: Array, objectToken: Object,
}

const stepsBetweenLooks = 4096

// patience is the number of steps per token after which verdicts on scalar values are looked up, too. Checking a scalar
// costs less than the lookup, unless schemas for the same value refer to each other in very many ways.
const patience = 16

// check checks the value of a token. If e is not nil, it adds the evaluated members and items to e.
func (r *run) check(s *Schema, at uint32, e *evaluated) bool {
	if s.any {
		return true
	}
	if r.steps++; r.steps%stepsBetweenLooks == 0 && r.ctx.Err() != nil {
		r.interrupted = true
	}
	if r.interrupted {
		return false
	}
	if s.simple && r.tokens[at].kind < arrayToken {
		return r.checkLeaf(s, at)
	}
	if s.shared && r.branches > 0 && (r.tokens[at].flags&nested != 0 || r.steps > patience*len(r.tokens)) {
		return r.checkOnce(s, at, e)
	}
	return r.judge(s, at, e)
}

// checkLeaf is judge for a value without members and items and a schema without others for the same value.
func (r *run) checkLeaf(s *Schema, at uint32) bool {
	switch tok := &r.tokens[at]; tok.kind {
	case stringToken, nameToken:
		if s.Types&String != 0 {
			return s.freeString || r.checkString(s, at)
		}
	case numberToken:
		if s.Types&Number != 0 || s.Types&Integer != 0 && (tok.flags&fractional == 0 || s.takes(r.data[tok.start:tok.end])) {
			return s.freeNumber || r.checkNumber(s, at)
		}
	default:
		if s.Types&typesOf[tok.kind] != 0 {
			return s.Enum == nil || r.inEnum(s, at) || r.note(r.place(at), "enum", s.enumJSON, s.want)
		}
	}
	return r.wrongType(s, at)
}

// checkOnce looks up known verdicts. Without it, schemas that refer to each other in several ways would multiply with every
// level of the value.
func (r *run) checkOnce(s *Schema, at uint32, e *evaluated) bool {
	key := visit{s, at}
	o := r.memo[key]
	if o != nil && (o.tracks || e == nil) && (o.ok || r.quiet > 0 || o.pass == r.pass) {
		if e != nil && o.ok {
			e.join(&o.evaluated)
		}
		return o.ok
	}
	if o == nil {
		o = &outcome{}
		if r.memo == nil {
			r.memo = map[visit]*outcome{}
		}
		r.memo[key] = o
	}
	var own *evaluated
	if e != nil {
		o.evaluated, own = evaluated{}, &o.evaluated
	}
	o.ok = r.judge(s, at, own)
	o.tracks = o.tracks || e != nil
	if r.quiet == 0 {
		o.pass = r.pass
	}
	if e != nil && o.ok {
		e.join(&o.evaluated)
	}
	return o.ok
}

func (r *run) judge(s *Schema, at uint32, e *evaluated) bool {
	tok := &r.tokens[at]
	if s.Types&typesOf[tok.kind] == 0 || tok.flags&fractional != 0 && s.Types&Number == 0 && !s.takes(r.data[tok.start:tok.end]) {
		return r.wrongType(s, at)
	}
	if s.tracks {
		return r.judgeTracking(s, at, e)
	}
	ok := r.judgeOwn(s, at, e)
	if s.inPlace && (ok || r.quiet == 0) {
		ok = r.inPlaceSchemas(s, at, e) && ok
	}
	return ok
}

// judgeTracking checks a schema with unevaluatedProperties or unevaluatedItems.
func (r *run) judgeTracking(s *Schema, at uint32, e *evaluated) bool {
	var own evaluated
	ok := r.judgeOwn(s, at, &own)
	if ok || r.quiet == 0 {
		ok = r.inPlaceSchemas(s, at, &own) && ok
	}
	if ok || r.quiet == 0 {
		ok = r.unevaluated(s, at, &own) && ok
	}
	if e != nil && ok {
		e.join(&own)
	}
	return ok
}

// judgeOwn checks the schema's keywords for the value itself, its members and its items.
func (r *run) judgeOwn(s *Schema, at uint32, e *evaluated) bool {
	switch r.tokens[at].kind {
	case arrayToken:
		return r.checkArray(s, at, e)
	case objectToken:
		return r.checkObject(s, at, e)
	}
	return r.checkLeaf(s, at)
}

// note records a fault, unless faults are not reported, and returns false.
func (r *run) note(at int, keyword, value string, want *Expected) bool {
	if r.quiet == 0 {
		r.marks = noted(r.marks, mark{at: at, keyword: keyword, value: value, want: want})
	}
	return false
}

// missing records that an object lacks a member.
func (r *run) missing(at uint32, keyword, name string, want *Expected) bool {
	if r.quiet == 0 {
		r.marks = noted(r.marks, mark{at: r.closing(at), keyword: keyword, member: name, want: want})
	}
	return false
}

func (r *run) wrongType(s *Schema, at uint32) bool {
	keyword := "type"
	if s.never {
		keyword = "false"
	}
	return r.note(r.place(at), keyword, "", s.want)
}

// checkObject checks the members of an object.
func (r *run) checkObject(s *Schema, at uint32, e *evaluated) bool {
	ok, n, ignored, next, found := true, 0, 0, 0, 0
	until, plain := r.tokens[at].next, len(s.PatternProperties) == 0
	for i := at + 1; i < until; {
		v := i + 1
		tok := &r.tokens[i]
		name := r.text[tok.start:tok.end]
		if tok.flags&escaped != 0 {
			name = r.chars(i)
		}
		var m *memberName
		if next < len(s.names) && s.names[next].text == name {
			m = &s.names[next]
			next++
		} else if m = s.member(name, tok.next); m != nil {
			next = m.index + 1
		}
		if m != nil && m.required {
			found++
		}
		counts := true
		switch {
		case m == nil || !m.declared || !plain:
			var good bool
			good, counts = r.otherMember(s, m, name, v, n, e)
			ok = good && ok
		case m.hidden != "":
			ok = r.note(r.place(v), m.hidden, "", m.want)
		case m.schema != nil:
			ok = r.checkMember(s, m, v) && ok
		}
		if e != nil && m != nil && m.declared {
			e.add(n)
		}
		if s.PropertyNames != nil {
			ok = r.checkName(s, i) && ok
		}
		if !ok && r.quiet > 0 {
			return false
		}
		i = r.tokens[v].next
		if n++; !counts {
			ignored++
		}
	}
	return r.objectEnd(s, at, n-ignored, found) && ok
}

// otherMember checks a member by the keywords other than properties. It also reports whether the member counts; an ignored
// one does not.
func (r *run) otherMember(s *Schema, m *memberName, name string, v uint32, ordinal int, e *evaluated) (bool, bool) {
	ok := true
	declared := m != nil && m.declared
	if declared {
		if m.hidden != "" {
			return r.note(r.place(v), m.hidden, "", m.want), true
		}
		ok = m.schema == nil || r.checkMember(s, m, v)
	}
	if !s.others {
		return ok, true
	}
	for i := range s.PatternProperties {
		if p := &s.PatternProperties[i]; p.Pattern.Matcher.MatchString(name) {
			declared = true
			ok = r.checkChild(p.Schema, v, "patternProperties", s.want) && ok
			if e != nil {
				e.add(ordinal)
			}
		}
	}
	if declared {
		return ok, true
	}
	if s.IgnoreMembers != nil && s.IgnoreMembers.Matcher.MatchString(name) {
		r.bound(v, s.IgnoreMaxDepth)
		return ok, false
	}
	if s.AdditionalProperties == nil {
		return ok, true
	}
	if e != nil {
		e.add(ordinal)
	}
	return r.checkChild(s.AdditionalProperties, v, "additionalProperties", s.want) && ok, true
}

// checkMember checks a declared member. A forbidden member is reported as unknown, whichever keyword forbids it.
func (r *run) checkMember(s *Schema, m *memberName, v uint32) bool {
	if m.schema.never {
		return r.note(r.place(v), "additionalProperties", "", s.want)
	}
	return r.check(m.schema, v, nil)
}

// checkChild checks the schema of a keyword. If the schema accepts no value, the fault is the keyword's.
func (r *run) checkChild(s *Schema, v uint32, keyword string, want *Expected) bool {
	if s.never {
		return r.note(r.place(v), keyword, "", want)
	}
	return r.check(s, v, nil)
}

func (r *run) checkName(s *Schema, name uint32) bool {
	r.quiet++
	ok := r.check(s.PropertyNames, name, nil)
	r.quiet--
	if !ok {
		r.note(r.place(name+1), "propertyNames", "", s.want)
	}
	return ok
}

// bound checks that the objects and arrays of a value nest at most most levels; 0 is unbounded.
func (r *run) bound(v uint32, most int) {
	if tok := &r.tokens[v]; most == 0 || tok.kind < arrayToken {
		return
	}
	var ends []uint32 // of the enclosing objects and arrays
	for i := v; i < r.tokens[v].next; i++ {
		if r.tokens[i].kind < arrayToken {
			continue
		}
		for len(ends) > 0 && ends[len(ends)-1] <= i {
			ends = ends[:len(ends)-1]
		}
		if ends = append(ends, r.tokens[i].next); len(ends) > most {
			if r.deep == 0 || int(r.tokens[i].start) < r.deep-1 {
				r.deep = int(r.tokens[i].start) + 1
			}
			return
		}
	}
}

// objectEnd checks the keywords for an object as a whole.
func (r *run) objectEnd(s *Schema, at uint32, members, found int) bool {
	ok := r.deep == 0
	if found < s.required {
		ok = false
		for i := range s.names {
			if m := &s.names[i]; m.required && r.find(at, m.text, m.hash) == 0 {
				r.missing(at, "required", m.text, m.want)
			}
		}
	}
	ok = r.counted(s, at, members, "minProperties", s.MinProperties, "maxProperties", s.MaxProperties) && ok
	for i := range s.DependentRequired {
		d := &s.DependentRequired[i]
		if r.find(at, d.Name, hashName(d.Name)) == 0 {
			continue
		}
		for _, name := range d.Required {
			if r.find(at, name, hashName(name)) == 0 {
				ok = r.missing(at, "dependentRequired", name, &Expected{})
			}
		}
	}
	if s.Enum != nil && !r.inEnum(s, at) {
		ok = r.note(r.closing(at), "enum", s.enumJSON, s.want)
	}
	return ok
}

func (r *run) counted(s *Schema, at uint32, count int, least string, lo *int, most string, hi *int) bool {
	ok := true
	if lo != nil && count < *lo {
		ok = r.note(r.closing(at), least, strconv.Itoa(*lo), s.want)
	}
	if hi != nil && count > *hi {
		ok = r.note(r.closing(at), most, strconv.Itoa(*hi), s.want)
	}
	return ok
}

// checkArray checks the items of an array.
func (r *run) checkArray(s *Schema, at uint32, e *evaluated) bool {
	ok, n, contained := true, 0, 0
	for i := at + 1; i < r.tokens[at].next; i = r.tokens[i].next {
		switch {
		case n < len(s.PrefixItems):
			ok = r.checkChild(s.PrefixItems[n], i, "prefixItems", s.want) && ok
			if e != nil {
				e.add(n)
			}
		case s.Items != nil:
			ok = r.checkChild(s.Items, i, "items", s.want) && ok
			if e != nil {
				e.all = true
			}
		}
		if s.Contains != nil && r.holds(s.Contains, i, nil) {
			contained++
			if e != nil {
				e.add(n)
			}
		}
		if !ok && r.quiet > 0 {
			return false
		}
		n++
	}
	return r.arrayEnd(s, at, n, contained) && ok
}

// arrayEnd checks the keywords for an array as a whole.
func (r *run) arrayEnd(s *Schema, at uint32, items, contained int) bool {
	ok := r.counted(s, at, items, "minItems", s.MinItems, "maxItems", s.MaxItems)
	if s.Contains != nil {
		least := 1
		if s.MinContains != nil {
			least = *s.MinContains
		}
		switch {
		case contained < least && s.MinContains == nil:
			ok = r.note(r.closing(at), "contains", "", s.want)
		case contained < least:
			ok = r.note(r.closing(at), "minContains", strconv.Itoa(least), s.want)
		case s.MaxContains != nil && contained > *s.MaxContains:
			ok = r.note(r.closing(at), "maxContains", strconv.Itoa(*s.MaxContains), s.want)
		}
	}
	if s.UniqueItems && !r.unique(at) {
		ok = r.note(r.closing(at), "uniqueItems", "true", s.want)
	}
	if s.Enum != nil && !r.inEnum(s, at) {
		ok = r.note(r.closing(at), "enum", s.enumJSON, s.want)
	}
	return ok
}

// checkString checks a string or the name of a member.
func (r *run) checkString(s *Schema, at uint32) bool {
	if r.tokens[at].flags&counted != 0 {
		return r.checkOctets(s, at)
	}
	text, ok, place := r.chars(at), true, r.place(at)
	if s.MinLength != nil && Shorter(text, *s.MinLength) {
		ok = r.note(place, "minLength", strconv.Itoa(*s.MinLength), s.want)
	}
	if s.MaxLength != nil && Longer(text, *s.MaxLength) {
		ok = r.note(place, "maxLength", strconv.Itoa(*s.MaxLength), s.want)
	}
	if s.MaxBytes != nil && len(text) > *s.MaxBytes {
		ok = r.note(place, "x-maxBytes", strconv.Itoa(*s.MaxBytes), s.want)
	}
	for _, p := range s.Patterns {
		if !p.Matcher.MatchString(text) {
			ok = r.note(place, "pattern", string(AppendString(nil, p.Text)), s.want)
		}
	}
	if s.texts != nil && !slices.Contains(s.texts, text) || s.texts == nil && s.Enum != nil && !r.inEnum(s, at) {
		ok = r.note(place, "enum", s.enumJSON, s.want)
	}
	if s.format != nil && !s.format(text) {
		ok = r.note(place, "format", "", s.want)
	}
	return ok
}

// checkNumber checks a number.
func (r *run) checkNumber(s *Schema, at uint32) bool {
	tok := &r.tokens[at]
	literal, ok, place := r.data[tok.start:tok.end], true, r.place(at)
	if s.number != nil && !s.number(literal) {
		return r.note(place, "format", "", s.want)
	}
	for i := range s.bounds {
		if b := &s.bounds[i]; !b.holds(literal) {
			ok = r.note(place, b.keyword, b.literal, s.want)
		}
	}
	if s.Enum != nil && !r.inEnum(s, at) {
		ok = r.note(place, "enum", s.enumJSON, s.want)
	}
	for i := range s.multiple {
		if m := &s.multiple[i]; !m.Divides(literal) {
			ok = r.note(place, "multipleOf", m.literal, s.want)
		}
	}
	return ok
}

func (b *numberBound) holds(literal []byte) bool {
	order := b.compare(literal)
	if !b.least {
		order = -order
	}
	return order > 0 || order == 0 && !b.exclusive
}

// compare compares a number with the bound and returns -1, 0 or 1.
func (b *numberBound) compare(literal []byte) int {
	n, places, ok := small(literal)
	if !ok || !b.integral {
		return parseDecimal(literal).compare(b.value)
	}
	whole, rest := n/tens[places], n%tens[places]
	if order := cmp.Compare(whole, b.small); order != 0 {
		return order
	}
	return cmp.Compare(rest, 0)
}

// takes reports whether a number with a fraction or an exponent has the type integer. If the format restricts the notation,
// the fault is the format's.
func (s *Schema) takes(literal []byte) bool { return s.Format == "edm-int32" || isIntegral(literal) }

// isIntegral reports whether a number is an integer, such as 1.0 and 1e3.
func isIntegral(literal []byte) bool { return parseDecimal(literal).exp >= 0 }

// holds checks a schema without reporting its faults.
func (r *run) holds(s *Schema, at uint32, e *evaluated) bool {
	r.quiet++
	r.branches++
	ok := r.check(s, at, e)
	r.quiet--
	r.branches--
	return ok
}

// unevaluated checks the members or items that no other keyword has evaluated.
func (r *run) unevaluated(s *Schema, at uint32, e *evaluated) bool {
	ok, n, tok := true, 0, r.tokens[at]
	next, keyword := s.UnevaluatedItems, "unevaluatedItems"
	if tok.kind == objectToken {
		next, keyword = s.UnevaluatedProperties, "unevaluatedProperties"
	}
	if next == nil || tok.kind < arrayToken {
		return true
	}
	for i := at + 1; i < tok.next; n++ {
		v := i
		if tok.kind == objectToken {
			v++
		}
		if !e.has(n) {
			ok = r.checkChild(next, v, keyword, s.want) && ok
		}
		i = r.tokens[v].next
	}
	e.all = true
	return ok
}

// small returns a literal with few digits and no exponent as mantissa·10^-places. It reports false for another literal.
func small(literal []byte) (mantissa int64, places int, ok bool) {
	if len(literal) > 18 {
		return 0, 0, false
	}
	point := -1
	for i, c := range literal {
		switch {
		case c-'0' <= 9:
			mantissa = mantissa*10 + int64(c-'0')
		case c == '.':
			point = i
		case c != '-':
			return 0, 0, false
		}
	}
	if literal[0] == '-' {
		mantissa = -mantissa
	}
	if point >= 0 {
		places = len(literal) - point - 1
	}
	return mantissa, places, true
}

// tens has the powers of ten that fit into an int64.
var tens = func() (t [19]int64) {
	t[0] = 1
	for i := 1; i < len(t); i++ {
		t[i] = 10 * t[i-1]
	}
	return t
}()
