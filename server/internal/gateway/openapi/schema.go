package openapi

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// direction is which way a value goes: readOnly members have no place in requests, writeOnly ones none in responses.
type direction string

const (
	request  direction = "readOnly"
	response direction = "writeOnly"
)

const bundleURL = "urn:document"

// bundle has the schemas of one direction as one JSON Schema 2020-12 resource: $defs by number, which stand for places of
// the document. OpenAPI 3.0 and 3.1 differ only until here, so that one validator judges both alike.
type bundle struct {
	doc      *document
	hides    direction
	ids      map[string]int // by JSON Pointer
	pointers []string       // by id
	defs     map[string]any
	queue    []node
	// refused has the type and format of members that have no place in this direction, by the place of the false schema
	// that stands for them.
	refused map[string]want
	schemas []*schema
}

// want is what the contract asks for.
type want struct{ typ, format string }

func newBundle(doc *document, hides direction) *bundle {
	return &bundle{doc: doc, hides: hides, ids: map[string]int{}, defs: map[string]any{}, refused: map[string]want{}}
}

// schema is a schema in one direction, which is compiled when the bundle is complete.
type schema struct {
	bundle   *bundle
	at       string
	compiled *jsonschema.Schema
}

// add puts the schema at n into the bundle.
func (b *bundle) add(n node) *schema {
	b.id(n)
	s := &schema{bundle: b, at: n.at}
	b.schemas = append(b.schemas, s)
	return s
}

func (b *bundle) id(n node) string {
	i, ok := b.ids[n.at]
	if !ok {
		i = len(b.pointers)
		b.ids[n.at] = i
		b.pointers = append(b.pointers, n.at)
		b.queue = append(b.queue, n)
	}
	return strconv.Itoa(i)
}

// compile compiles all schemas of the bundle.
func (b *bundle) compile() error {
	for len(b.queue) > 0 {
		n := b.queue[0]
		b.queue = b.queue[1:]
		id := b.id(n)
		converted, err := b.convert(n, "/$defs/"+id, nil, 0)
		if err != nil {
			return err
		}
		b.defs[id] = converted
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.UseLoader(nowhere{})
	c.UseRegexpEngine(func(p string) (jsonschema.Regexp, error) { return compilePattern(p) })
	c.AssertFormat()
	for _, f := range formats() {
		c.RegisterFormat(f)
	}
	if err := c.AddResource(bundleURL, map[string]any{"$defs": b.defs}); err != nil {
		return err
	}
	for _, s := range b.schemas {
		var err error
		if s.compiled, err = c.Compile(bundleURL + "#/$defs/" + strconv.Itoa(b.ids[s.at])); err != nil {
			return b.explain(err)
		}
	}
	seen, done := map[*jsonschema.Schema]bool{}, map[*jsonschema.Schema]bool{}
	for _, s := range b.schemas {
		bound(s.compiled, seen)
	}
	for _, s := range slices.SortedFunc(maps.Keys(seen), func(a, b *jsonschema.Schema) int { return strings.Compare(a.Location, b.Location) }) {
		if circle := b.circular(s, map[*jsonschema.Schema]bool{}, done); circle != "" {
			return fmt.Errorf("at %s: the schema contains itself without an object or an array between", circle)
		}
	}
	return nil
}

// circular returns where a schema is that would have to judge a value before it can judge it, "" if there is none.
func (b *bundle) circular(s *jsonschema.Schema, open, done map[*jsonschema.Schema]bool) string {
	switch {
	case s == nil || done[s]:
		return ""
	case open[s]:
		return b.origin(strings.Split(placeOf(s.Location), "/")[1:])
	}
	open[s] = true
	next := slices.Concat([]*jsonschema.Schema{s.Ref, s.Not, s.If, s.Then, s.Else}, s.AllOf, s.AnyOf, s.OneOf, slices.Collect(maps.Values(s.DependentSchemas)))
	for _, n := range next {
		if circle := b.circular(n, open, done); circle != "" {
			return circle
		}
	}
	open[s], done[s] = false, true
	return ""
}

// origin returns the place in the document of a place in the bundle.
func (b *bundle) origin(place []string) string {
	if len(place) > 1 && place[0] == "$defs" {
		if i, err := strconv.Atoi(place[1]); err == nil && i < len(b.pointers) {
			at := b.pointers[i]
			for _, token := range place[2:] {
				at += "/" + token
			}
			return at
		}
	}
	return "/" + strings.Join(place, "/")
}

// explain names the place in the document that the compiler does not take.
func (b *bundle) explain(err error) error {
	invalid, ok := errors.AsType[*jsonschema.SchemaValidationError](err)
	if !ok {
		return err
	}
	cause, ok := errors.AsType[*jsonschema.ValidationError](invalid.Err)
	if !ok {
		return err
	}
	for len(cause.Causes) > 0 {
		cause = cause.Causes[0]
	}
	place := slices.Clone(cause.InstanceLocation)
	for i := range place {
		place[i] = escapeToken(place[i])
	}
	return fmt.Errorf("at %s: the schema is not valid: %w", b.origin(place), cause)
}

// nowhere refuses to load anything.
type nowhere struct{}

func (nowhere) Load(url string) (any, error) {
	return nil, fmt.Errorf("%q leads out of the document", url)
}

var (
	// plain are keywords that JSON Schema 2020-12 and OpenAPI 3.0 read alike.
	plain = []string{
		"type", "enum", "format", "multipleOf", "maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "maxLength",
		"minLength", "pattern", "maxItems", "minItems", "uniqueItems", "maxProperties", "minProperties", "required",
	}
	plain31 = []string{"const", "maxContains", "minContains", "dependentRequired"}
	// one, many and named hold schemas.
	one     = []string{"not", "items", "additionalProperties"}
	one31   = []string{"contains", "propertyNames", "if", "then", "else", "unevaluatedItems", "unevaluatedProperties"}
	many    = []string{"allOf", "anyOf", "oneOf"}
	many31  = []string{"prefixItems"}
	named   = []string{"properties"}
	named31 = []string{"patternProperties", "dependentSchemas"}
	// notes do not make a verdict.
	notes   = []string{"title", "description", "default", "example", "deprecated", "readOnly", "writeOnly", "xml", "externalDocs", "discriminator"}
	notes30 = []string{"nullable"}
	notes31 = []string{"examples", "$comment", "$defs", "$schema", "contentEncoding", "contentMediaType", "contentSchema"}
)

// understood reports whether a keyword is in one of the lists of the document's version.
func (d *document) understood(keyword string) bool {
	lists := [][]string{plain, one, many, named, notes, {"$ref"}}
	if d.v31 {
		lists = append(lists, plain31, one31, many31, named31, notes31)
	} else {
		lists = append(lists, notes30)
	}
	return slices.ContainsFunc(lists, func(list []string) bool { return slices.Contains(list, keyword) })
}

// convert returns the schema at n as one of JSON Schema 2020-12, which will stand at place in the bundle. drop are members
// that must not be required, because a schema around this one hides them.
func (b *bundle) convert(n node, place string, drop []string, depth int) (any, error) {
	if always, ok := n.v.(bool); ok {
		return always, nil
	}
	object, ok := n.v.(map[string]any)
	if !ok {
		return nil, n.errorf("a schema must be an object")
	}
	if depth > 64 {
		return nil, n.errorf("schemas are nested too deep, or contain themselves")
	}
	if n.has("$ref") && !b.doc.v31 {
		return b.reference(n, place, drop, depth) // OpenAPI 3.0.3, Reference Object: siblings are ignored
	}
	for _, keyword := range n.members() {
		if !strings.HasPrefix(keyword, "x-") && !b.doc.understood(keyword) {
			return nil, n.errorf("the keyword %q is not understood", keyword)
		}
	}
	if dialect := n.get("$schema"); dialect.v != nil && !slices.Contains(dialects, dialect.string()) {
		return nil, dialect.errorf("the dialect %q is not understood", dialect.string())
	}
	out := map[string]any{}
	for _, keyword := range slices.Concat(plain, plain31) {
		if v, ok := object[keyword]; ok {
			out[keyword] = v
		}
	}
	if n.has("pattern") {
		if _, err := compilePattern(n.get("pattern").string()); err != nil {
			return nil, n.get("pattern").errorf("%w", err)
		}
	}
	for _, p := range n.get("patternProperties").members() {
		if _, err := compilePattern(p); err != nil {
			return nil, n.get("patternProperties").get(p).errorf("%w", err)
		}
	}
	hidden, err := b.hidden(n, 0)
	if err != nil {
		return nil, err
	}
	drop = slices.Concat(drop, hidden)
	b.require(out, drop)
	nullable := !b.doc.v31 && b.adaptTo30(n, out)
	if nullable && out["type"] == nil {
		place += "/else"
	}
	if err := b.children(n, out, place, drop, depth); err != nil {
		return nil, err
	}
	if err := b.discriminate(n, out, place, drop, depth); err != nil {
		return nil, err
	}
	if names, ok := out["propertyNames"]; ok { // by itself: see flatten
		list, _ := out["allOf"].([]any)
		delete(out, "propertyNames")
		out["allOf"] = append(list, map[string]any{"propertyNames": names})
	}
	if nullable && out["type"] == nil {
		// OpenAPI 3.0.3 gives nullable without a type no meaning; who writes it beside allOf or oneOf means this, and
		// kin-openapi takes it so.
		return map[string]any{"if": map[string]any{"type": "null"}, "then": true, "else": out}, nil
	}
	return out, nil
}

// require leaves out of required what is hidden.
func (b *bundle) require(out map[string]any, drop []string) {
	required, ok := out["required"].([]any)
	if !ok || len(drop) == 0 {
		return
	}
	out["required"] = slices.DeleteFunc(slices.Clone(required), func(v any) bool {
		name, _ := v.(string)
		return slices.Contains(drop, name)
	})
}

// adaptTo30 rewrites the keywords that mean something else in OpenAPI 3.0. It reports whether null is a value.
func (b *bundle) adaptTo30(n node, out map[string]any) bool {
	for exclusive, bound := range map[string]string{"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"} {
		delete(out, exclusive)
		if v, ok := out[bound]; ok && n.get(exclusive).bool() {
			delete(out, bound)
			out[exclusive] = v
		}
	}
	if !n.get("nullable").bool() {
		return false
	}
	if typ, ok := out["type"].(string); ok && !slices.ContainsFunc(many, n.has) {
		out["type"] = []any{typ, "null"}
		if enum, ok := out["enum"].([]any); ok && !slices.Contains(enum, nil) {
			out["enum"] = append(slices.Clone(enum), nil)
		}
		return true
	}
	if typ, ok := out["type"]; ok {
		// beside allOf and its like null has to pass those, too: the type goes where the rest goes
		delete(out, "type")
		out["allOf"] = []any{map[string]any{"type": typ}}
	}
	return true
}

func (b *bundle) children(n node, out map[string]any, place string, drop []string, depth int) error {
	if n.has("$ref") {
		ref, err := b.reference(n, place+"/allOf/0", drop, depth)
		if err != nil {
			return err
		}
		if object, ok := ref.(map[string]any); ok && object["$ref"] != nil {
			out["$ref"] = object["$ref"]
		} else {
			out["allOf"] = []any{ref}
		}
	}
	for _, keyword := range slices.Concat(one, one31) {
		if n.has(keyword) {
			var inherited []string
			if keyword == "then" || keyword == "else" || keyword == "if" {
				inherited = drop
			}
			child, err := b.convert(n.get(keyword), place+"/"+keyword, inherited, depth+1)
			if err != nil {
				return err
			}
			out[keyword] = child
		}
	}
	for _, keyword := range slices.Concat(many, many31) {
		list, _ := out[keyword].([]any)
		var inherited []string
		if keyword != "prefixItems" {
			inherited = drop
		}
		for _, item := range n.get(keyword).items() {
			child, err := b.convert(item, place+"/"+keyword+"/"+strconv.Itoa(len(list)), inherited, depth+1)
			if err != nil {
				return err
			}
			list = append(list, child)
		}
		if list != nil {
			out[keyword] = list
		}
	}
	for _, keyword := range slices.Concat(named, named31) {
		if !n.has(keyword) {
			continue
		}
		object := map[string]any{}
		for _, name := range n.get(keyword).members() {
			member, at := n.get(keyword).get(name), place+"/"+keyword+"/"+escapeToken(name)
			if keyword == "properties" {
				if hides, err := b.hidesIt(member, 0); err != nil {
					return err
				} else if hides {
					b.refused[at] = wantOf(member)
					object[name] = false
					continue
				}
			}
			child, err := b.convert(member, at, nil, depth+1)
			if err != nil {
				return err
			}
			object[name] = child
		}
		out[keyword] = object
	}
	return nil
}

// reference returns what stands for the $ref of n: a reference, or the target itself where a member that the target
// requires is hidden from here.
func (b *bundle) reference(n node, place string, drop []string, depth int) (any, error) {
	t, err := n.target(n.get("$ref").string())
	if err != nil {
		return nil, err
	}
	inline, err := b.inlined(t, drop)
	if err != nil {
		return nil, err
	}
	if inline {
		return b.convert(t, place, drop, depth+1)
	}
	return map[string]any{"$ref": "#/$defs/" + b.id(t)}, nil
}

// inlined reports whether a schema cannot be referred to because it requires one of names, which it does not hide itself.
func (b *bundle) inlined(n node, names []string) (bool, error) {
	if len(names) == 0 {
		return false, nil
	}
	own, err := b.hidden(n, 0)
	if err != nil {
		return false, err
	}
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(own, name) })
	return b.requires(n, names, 0), nil
}

// requires reports whether a schema, or one that applies to the same value, requires one of names.
func (b *bundle) requires(n node, names []string, depth int) bool {
	if len(names) == 0 || depth > 16 {
		return false
	}
	for _, r := range n.get("required").items() {
		if slices.Contains(names, r.string()) {
			return true
		}
	}
	if n.has("$ref") {
		if t, err := n.target(n.get("$ref").string()); err == nil && b.requires(t, names, depth+1) {
			return true
		}
	}
	for _, keyword := range many {
		if slices.ContainsFunc(n.get(keyword).items(), func(c node) bool { return b.requires(c, names, depth+1) }) {
			return true
		}
	}
	return false
}

// hidden returns the members that have no place in this direction by a schema or by those that apply with it.
func (b *bundle) hidden(n node, depth int) ([]string, error) {
	if depth > 64 {
		return nil, n.errorf("the schema contains itself")
	}
	var names []string
	for _, name := range n.get("properties").members() {
		hides, err := b.hidesIt(n.get("properties").get(name), 0)
		if err != nil {
			return nil, err
		}
		if hides {
			names = append(names, name)
		}
	}
	applied := n.get("allOf").items()
	if n.has("$ref") {
		t, err := n.target(n.get("$ref").string())
		if err != nil {
			return nil, err
		}
		applied = append(applied, t)
	}
	for _, c := range applied {
		more, err := b.hidden(c, depth+1)
		if err != nil {
			return nil, err
		}
		names = append(names, more...)
	}
	return names, nil
}

// hidesIt reports whether the schema of a member says that it has no place in this direction.
func (b *bundle) hidesIt(n node, depth int) (bool, error) {
	if depth > 64 {
		return false, n.errorf("the schema contains itself")
	}
	ref := n.has("$ref")
	if n.get(string(b.hides)).bool() && (b.doc.v31 || !ref) {
		return true, nil
	}
	applied := n.get("allOf").items()
	if ref {
		t, err := n.target(n.get("$ref").string())
		if err != nil {
			return false, err
		}
		applied = append(applied, t)
	}
	for _, c := range applied {
		if hides, err := b.hidesIt(c, depth+1); hides || err != nil {
			return hides, err
		}
	}
	return false, nil
}

// discriminate lets the discriminator choose the one schema of oneOf or anyOf that an object has to match, as kin-openapi
// does for OpenAPI 3.0. The faults are then those of that schema, where oneOf could only say that none matched. What is no
// object is refused, but for null where it is an alternative.
func (b *bundle) discriminate(n node, out map[string]any, place string, drop []string, depth int) error {
	d := n.get("discriminator")
	keyword := "oneOf"
	if !n.has(keyword) {
		keyword = "anyOf"
	}
	if !n.has("discriminator") || !n.has(keyword) {
		return nil // without alternatives it is a note: it cannot change what is valid
	}
	if n.has("oneOf") && n.has("anyOf") {
		return d.errorf("a discriminator cannot choose from oneOf and anyOf at once")
	}
	property := d.get("propertyName").string()
	chosen := map[string]node{}
	mapped := map[string]bool{}
	for _, value := range d.get("mapping").members() {
		ref := d.get("mapping").get(value)
		t, err := ref.target(mappingRef(ref.string()))
		if err != nil {
			return err
		}
		chosen[value], mapped[t.at] = t, true
	}
	types := []any{"object"}
	for _, alternative := range n.get(keyword).items() {
		if !alternative.has("$ref") {
			if wantOf(alternative).typ == "null" {
				types = append(types, "null")
				continue
			}
			return alternative.errorf("an alternative that a discriminator chooses must be a $ref")
		}
		t, err := alternative.target(alternative.get("$ref").string())
		if err != nil {
			return err
		}
		if !mapped[t.at] {
			chosen[t.at[strings.LastIndexByte(t.at, '/')+1:]] = t
		}
	}
	objects := []any{map[string]any{"required": []any{property}, "properties": map[string]any{property: map[string]any{"type": "string", "enum": values(sortedKeys(chosen))}}}}
	delete(out, keyword)
	list, _ := out["allOf"].([]any)
	for _, value := range sortedKeys(chosen) {
		at := fmt.Sprintf("%s/allOf/%d/then/allOf/%d/then", place, len(list), len(objects))
		inline, err := b.inlined(chosen[value], drop)
		if err != nil {
			return err
		}
		var then any
		if !inline {
			then = map[string]any{"$ref": "#/$defs/" + b.id(chosen[value])}
		} else if then, err = b.convert(chosen[value], at, drop, depth+1); err != nil {
			return err
		}
		objects = append(objects, map[string]any{
			"if":   map[string]any{"required": []any{property}, "properties": map[string]any{property: map[string]any{"const": value}}},
			"then": then,
		})
	}
	out["allOf"] = append(list, map[string]any{
		"if": map[string]any{"type": "object"}, "then": map[string]any{"allOf": objects}, "else": map[string]any{"type": types},
	})
	return nil
}

// mappingRef returns the reference that a discriminator's mapping means: a name stands for the schema of that name.
func mappingRef(s string) string {
	if strings.ContainsAny(s, "/#.") {
		return s
	}
	return "#/components/schemas/" + s
}

// wantOf returns the type and the format of a schema, following references.
func wantOf(n node) want {
	for range 32 {
		if typ := n.get("type"); typ.v != nil || !n.has("$ref") {
			return wantIn(n.v)
		}
		t, err := n.target(n.get("$ref").string())
		if err != nil {
			break
		}
		n = t
	}
	return want{}
}

// wantIn returns the type and the format that a schema names itself; of several types the first that is not null.
func wantIn(schema any) want {
	object, _ := schema.(map[string]any)
	w := want{}
	w.format, _ = object["format"].(string)
	switch typ := object["type"].(type) {
	case string:
		w.typ = typ
	case []any:
		for _, t := range typ {
			if s, _ := t.(string); s != "" && (w.typ == "" || w.typ == "null") {
				w.typ = s
			}
		}
	}
	return w
}

func values(names []string) []any {
	list := make([]any, len(names))
	for i, name := range names {
		list[i] = name
	}
	return list
}

var unicodeEscape = regexp.MustCompile(`\\(\\|u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]+)\})`)

// compilePattern compiles a regular expression of ECMA-262 with Go's engine, whose time is linear. The two agree on what
// both know, but for the code points below; what Go's does not know is an error.
func compilePattern(pattern string) (*regexp.Regexp, error) {
	surrogate := false
	p := unicodeEscape.ReplaceAllStringFunc(pattern, func(s string) string {
		digits := strings.Trim(strings.TrimPrefix(s, `\u`), "{}")
		if s == `\\` {
			return s
		}
		if c, err := strconv.ParseUint(digits, 16, 32); err == nil && c >= 0xd800 && c < 0xe000 {
			surrogate = true
		}
		return `\x{` + digits + `}`
	})
	if surrogate {
		return nil, errors.New("the pattern has half of a surrogate pair; write the character itself")
	}
	re, err := regexp.Compile(p)
	if err != nil {
		return nil, fmt.Errorf("the pattern cannot be compiled (Go's RE2 has no lookaround and no back references): %w", err)
	}
	return re, nil
}

// formats are those of the OpenAPI format registry that JSON Schema does not have.
func formats() []*jsonschema.Format {
	list := []*jsonschema.Format{
		{Name: "byte", Validate: func(v any) error {
			s, ok := v.(string)
			if !ok {
				return nil
			}
			if strings.ContainsAny(s, "\r\n") { // which the decoder would skip
				return errFormat
			}
			_, err := base64.StdEncoding.Strict().DecodeString(s)
			return err
		}},
		{Name: "float", Validate: func(v any) error {
			if n, ok := v.(json.Number); ok {
				_, err := strconv.ParseFloat(string(n), 32)
				return err
			}
			return nil
		}},
	}
	for _, bits := range []uint{8, 16, 32, 64} {
		top := new(big.Int).Lsh(big.NewInt(1), bits)
		half := new(big.Int).Lsh(big.NewInt(1), bits-1)
		list = append(list, between(fmt.Sprintf("int%d", bits), new(big.Int).Neg(half), half), between(fmt.Sprintf("uint%d", bits), new(big.Int), top))
	}
	return list
}

var errFormat = errors.New("format")

// between is the format of the integers from low to below end, compared exactly: 2⁶³ is not an int64, although the nearest
// float64 to the greatest int64 is 2⁶³.
func between(name string, low, end *big.Int) *jsonschema.Format {
	first, last := new(big.Rat).SetInt(low), new(big.Rat).SetInt(end)
	return &jsonschema.Format{Name: name, Validate: func(v any) error {
		n, ok := v.(json.Number)
		if !ok {
			return nil
		}
		if i, err := strconv.ParseInt(string(n), 10, 64); err == nil && name == "int64" || err == nil && name == "int32" && i >= math.MinInt32 && i <= math.MaxInt32 {
			return nil
		}
		r, ok := new(big.Rat).SetString(string(n))
		if !ok || !r.IsInt() || r.Cmp(first) < 0 || r.Cmp(last) >= 0 {
			return errFormat
		}
		return nil
	}}
}
