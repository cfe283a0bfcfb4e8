package openapi

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
)

// maxFaults bounds what one request can make us write, as in generated code.
const maxFaults = 32

// fault is one rule of the contract that was broken; see [gateway.Report].
type fault struct {
	in, name, keyword string
	path              []string // the tokens of the JSON Pointer
	want
	value string
	// after reports that the fault is one of an object or an array as a whole: it stands where that ends.
	after bool
}

func (f *fault) pointer() string {
	var b strings.Builder
	for _, token := range f.path {
		b.WriteString("/" + escapeToken(token))
	}
	return b.String()
}

// guarded reports the faults that check finds, and one of the keyword internal if it panics: what cannot be judged is
// refused, and one hostile request must not end the process. It is the only place that recovers.
func guarded(report gateway.Report, check func() []fault) {
	faults := func() []fault {
		list := []fault{{keyword: "internal"}}
		func() {
			defer func() { _ = recover() }()
			list = check()
		}()
		return list
	}()
	for i := range faults[:min(len(faults), maxFaults)] {
		f := &faults[i]
		report(f.in, f.pointer(), f.name, f.keyword, f.typ, f.format, f.value)
	}
}

// check returns the faults of a value that was decoded with its numbers kept as literals. They are in the order of their
// pointers.
func (s *schema) check(value any) []fault {
	if s == nil {
		return nil
	}
	if faults := unfit(value, nil, nil); faults != nil {
		return faults
	}
	err := s.compiled.Validate(value)
	if err == nil {
		return nil
	}
	invalid, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return []fault{{keyword: "internal"}}
	}
	faults := s.bundle.flatten(invalid, nil)
	if len(faults) == 0 { // an error that says nothing is one all the same
		return []fault{{keyword: "internal"}}
	}
	slices.SortStableFunc(faults, func(a, b fault) int {
		return cmp.Or(slices.Compare(a.path, b.path), cmp.Compare(a.keyword, b.keyword))
	})
	// allOf finds a fault once for each schema that has the rule
	faults = slices.CompactFunc(faults, func(a, b fault) bool { return a.keyword == b.keyword && slices.Equal(a.path, b.path) })
	for i := range faults {
		faults[i].name = memberName(value, faults[i].path)
	}
	return faults
}

// unfit returns the numbers that no float64 can hold. RFC 7493 §2.2 asks for no others, and comparing 1e999999 exactly
// would take megabytes.
func unfit(value any, path []string, faults []fault) []fault {
	if len(faults) == maxFaults {
		return faults
	}
	switch value := value.(type) {
	case json.Number:
		if !double(string(value)) {
			return append(faults, fault{path: slices.Clone(path), name: "", keyword: "format", want: want{"number", "double"}})
		}
	case []any:
		for i, v := range value {
			switch v.(type) {
			case json.Number, []any, map[string]any:
				faults = unfit(v, append(path, strconv.Itoa(i)), faults)
			}
		}
	case map[string]any:
		for k, v := range value {
			switch v.(type) {
			case json.Number, []any, map[string]any:
				faults = unfit(v, append(path, k), faults)
			}
		}
	}
	return faults
}

func double(literal string) bool {
	if len(literal) < 16 && strings.IndexByte(literal, 'e') < 0 && strings.IndexByte(literal, 'E') < 0 {
		return true
	}
	if len(literal) > 512 {
		return false
	}
	if i := strings.IndexAny(literal, "eE"); i >= 0 {
		if e, err := strconv.Atoi(literal[i+1:]); err != nil || e < -400 {
			return false
		}
	}
	f, err := strconv.ParseFloat(literal, 64)
	return err == nil && !math.IsInf(f, 0)
}

// memberName returns the name of the member that path leads to; an item of an array has the name of the member it is in.
func memberName(value any, path []string) string {
	name := ""
	for _, token := range path {
		switch v := value.(type) {
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(v) {
				return name
			}
			value = v[i]
		case map[string]any:
			name, value = token, v[token]
		}
	}
	return name
}

// flatten appends the faults that an error of the validator stands for. Alternatives are one fault: which of them was meant
// is not known.
func (b *bundle) flatten(e *jsonschema.ValidationError, faults []fault) []fault {
	if len(faults) > 32*maxFaults { // there are enough to find the first
		return faults
	}
	schema := b.at(e.SchemaURL)
	object, _ := schema.(map[string]any)
	f := fault{path: e.InstanceLocation, want: wantIn(schema)}
	missing := func(names []string) []fault {
		for _, name := range names {
			properties, _ := object["properties"].(map[string]any)
			faults = append(faults, fault{path: append(slices.Clone(f.path), name), keyword: "required", want: wantIn(b.follow(properties[name])), after: true})
		}
		return faults
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Schema, *kind.Group, *kind.Reference, *kind.AllOf:
		for _, cause := range e.Causes {
			if _, ok := cause.ErrorKind.(*kind.PropertyNames); ok {
				// The validator writes the next value's path over that of this error, and of no other. A schema that has
				// propertyNames has nothing else, so that the error around it is at the same value.
				cause.InstanceLocation = e.InstanceLocation
			}
			faults = b.flatten(cause, faults)
		}
		return faults
	case *kind.Required:
		return missing(k.Missing)
	case *kind.DependentRequired:
		return missing(k.Missing)
	case *kind.AdditionalProperties:
		slices.Sort(k.Properties)
		for _, name := range k.Properties[:min(len(k.Properties), 32*maxFaults)] {
			faults = append(faults, fault{path: append(slices.Clone(f.path), name), keyword: "additionalProperties"})
		}
		return faults
	case *kind.PropertyNames:
		f.path = append(slices.Clone(f.path), k.Property)
		f.keyword, f.want = "propertyNames", want{}
	case *kind.FalseSchema:
		f.keyword, f.want = b.forbidden(e.SchemaURL)
	case *kind.Not:
		f.keyword = "not"
	default:
		f.keyword = "internal"
		if path := k.KeywordPath(); len(path) > 0 {
			f.keyword = path[0]
		}
	}
	f.after = slices.Contains([]string{"minProperties", "maxProperties", "minItems", "maxItems", "uniqueItems", "contains", "minContains", "maxContains"}, f.keyword)
	if v, ok := object[f.keyword]; ok && slices.Contains(plain, f.keyword) && f.keyword != "type" && f.keyword != "format" || f.keyword == "const" {
		if text, err := json.Marshal(v); err == nil {
			f.value = string(text)
		}
	}
	return append(faults, f)
}

// forbidden returns the keyword that a false schema stands for.
func (b *bundle) forbidden(location string) (string, want) {
	place := placeOf(location)
	if w, ok := b.refused[place]; ok {
		return string(b.hides), w
	}
	switch last := place[strings.LastIndexByte(place, '/')+1:]; last {
	case "items", "unevaluatedItems", "not", "contains":
		return last, want{}
	}
	return "additionalProperties", want{} // by whatever name the schema forbids it, the member is unknown
}

// at returns the schema of the bundle that the validator calls location.
func (b *bundle) at(location string) any {
	place := placeOf(location)
	n, err := (&document{root: map[string]any{"$defs": b.defs}}).lookup(place)
	if err != nil {
		return nil
	}
	return n.v
}

// placeOf returns the place in the bundle that a URL of the validator means.
func placeOf(u string) string {
	_, fragment, _ := strings.Cut(u, "#")
	if place, err := url.PathUnescape(fragment); err == nil {
		return place
	}
	return fragment
}

// follow follows the references of the bundle to a schema that has a type.
func (b *bundle) follow(schema any) any {
	for range 8 {
		object, _ := schema.(map[string]any)
		ref, ok := object["$ref"].(string)
		if !ok || object["type"] != nil {
			break
		}
		schema = b.at(bundleURL + ref)
	}
	return schema
}

// inOrder sorts faults of a JSON text by where they stand. It reads the text once more, and only what leads to a fault.
func inOrder(data []byte, faults []fault) []fault {
	root := &step{}
	for i := range faults {
		s := root
		path := faults[i].path
		if faults[i].after && faults[i].keyword == "required" {
			path = path[:len(path)-1]
		}
		for _, token := range path {
			if s.next == nil {
				s.next = map[string]*step{}
			}
			if s.next[token] == nil {
				s.next[token] = &step{}
			}
			s = s.next[token]
		}
		s.faults = append(s.faults, i)
	}
	order := make([]fault, 0, len(faults))
	take := func(s *step, after bool) {
		for _, i := range s.faults {
			if faults[i].after == after {
				order = append(order, faults[i])
			}
		}
	}
	d := jsontext.NewDecoder(bytes.NewReader(data))
	var walk func(s *step) error
	walk = func(s *step) error {
		take(s, false)
		defer take(s, true)
		open := d.PeekKind()
		if s.next == nil || open != '{' && open != '[' {
			return d.SkipValue()
		}
		if _, err := d.ReadToken(); err != nil {
			return err
		}
		for i := 0; d.PeekKind() != '}' && d.PeekKind() != ']'; i++ {
			token := strconv.Itoa(i)
			if open == '{' {
				t, err := d.ReadToken()
				if err != nil {
					return err
				}
				token = t.String()
			}
			next := s.next[token]
			if next == nil {
				if err := d.SkipValue(); err != nil {
					return err
				}
				continue
			}
			if err := walk(next); err != nil {
				return err
			}
		}
		_, err := d.ReadToken()
		return err
	}
	if err := walk(root); err != nil || len(order) != len(faults) {
		return faults // no order is worth losing a fault
	}
	return order
}

// step is a token on the way to faults.
type step struct {
	next   map[string]*step
	faults []int
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
