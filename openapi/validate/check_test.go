package validate

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func count(n int) *int { return &n }

// of returns a schema of types, modified by change.
func of(types Types, change ...func(*Schema)) *Schema {
	s := &Schema{Types: types}
	for _, c := range change {
		c(s)
	}
	return s
}

func values(list ...string) []Value {
	var all []Value
	for _, v := range list {
		all = append(all, Value{v})
	}
	return all
}

// recursive returns a schema with two alternatives at each level of a value, both of which lead to the same schema.
func recursive() *Schema {
	s := of(AnyType)
	branch := func(name string) *Schema {
		return of(Object, func(b *Schema) {
			b.Properties = []Property{{Name: "x", Schema: s}, {Name: name, Schema: of(AnyType)}}
		})
	}
	s.OneOf = []*Schema{branch("a"), branch("b"), of(Integer)}
	return s
}

func TestCheck(t *testing.T) {
	t.Parallel()
	pet := func(kind string, own string, typ Types) *Schema {
		return of(Object, func(s *Schema) {
			s.Properties = []Property{{Name: "kind", Schema: of(String, func(s *Schema) { s.Enum = values(kind) })}, {Name: own, Schema: of(typ)}}
			s.Required = []string{"kind", own}
		})
	}
	cat, dog := pet(`"cat"`, "lives", Integer), pet(`"dog"`, "bark", Boolean)
	pets := func(explicit bool) *Schema {
		return of(AnyType, func(s *Schema) {
			s.OneOf = []*Schema{cat, dog}
			s.Discriminator = &Discriminator{Property: "kind", Explicit: explicit, Alternatives: map[string]*Schema{"cat": cat, "dog": dog}}
		})
	}
	among := func(others ...*Schema) *Schema {
		return of(AnyType, func(s *Schema) {
			s.OneOf = append([]*Schema{cat, dog}, others...)
			s.Discriminator = &Discriminator{Property: "kind", Alternatives: map[string]*Schema{"cat": cat, "dog": dog}}
		})
	}
	person := of(Object, func(s *Schema) {
		s.Properties = []Property{
			{Name: "name", Schema: of(String, func(s *Schema) { s.MinLength, s.MaxLength = count(1), count(3) })},
			{Name: "id", Schema: of(String), Hidden: "readOnly"},
		}
		s.Required = []string{"name", "other"}
		s.AdditionalProperties = of(Integer)
		s.MaxProperties = count(3)
	})
	tests := []struct {
		name   string
		schema *Schema
		data   string
		want   string // pointer and keyword of each fault
	}{
		{"valid members", person, `{"name":"ab","other":1}`, ""},
		{"faults in document order", person, `{"z":"x","name":"","id":null}`, "/z type, /name minLength, /id readOnly, /other required"},
		{"too many members, at the end", person, `{"name":"a","other":1,"y":1,"z":1}`, " maxProperties"},
		{"a length in characters", person, `{"name":"äöü","other":1}`, ""},
		{"an escape is one character", person, `{"name":"\u00e4\ud83d\ude00a","other":1}`, ""},
		{"a name with an escape", person, `{"n\u0061me":5,"other":1}`, "/name type"},
		{"not an object", person, `[]`, " type"},
		{"malformed", person, `{"name":"a",}`, "malformed 12"},
		{"a duplicate name", person, `{"name":"a","name":"a"}`, "malformed 19"},

		{"1.0 is an integer", of(Integer), `1.0`, ""},
		{"1.5 is not an integer", of(Integer), `1.5`, " type"},
		{"an integer is a number", of(Number), `1`, ""},
		{"a large bound is exact", of(Number, func(s *Schema) { s.Maximum = &Bound{Literal: "9007199254740993"} }), `9007199254740993.5`, " maximum"},
		{"an exclusive bound", of(Integer, func(s *Schema) { s.Minimum = &Bound{"3", true} }), `3`, " exclusiveMinimum"},
		{"a multiple", of(Number, func(s *Schema) { s.MultipleOf = []string{"0.01"} }), `19.99`, ""},
		{"not a multiple", of(Number, func(s *Schema) { s.MultipleOf = []string{"0.01"} }), `19.999`, " multipleOf"},

		{"an enum of anything", of(AnyType, func(s *Schema) { s.Enum = values(`{"a":[1,null]}`, `2`) }), `{"a":[1.0,null]}`, ""},
		{"an enum's number by value", of(AnyType, func(s *Schema) { s.Enum = values(`2`) }), `20e-1`, ""},
		{"an enum's number with fewer digits", of(AnyType, func(s *Schema) { s.Enum = values(`2.50`) }), `2.5`, ""},
		{"an enum's number with another decimal point", of(AnyType, func(s *Schema) { s.Enum = values(`2.50`, `-2.5`, `25`) }), `0.25`, " enum"},
		{"not in the enum", of(AnyType, func(s *Schema) { s.Enum = values(`{"a":[1,null]}`) }), `{"a":[null,1]}`, " enum"},

		{"unique items", of(Array, func(s *Schema) { s.UniqueItems = true }), `[1,"1",[1],{"a":1,"b":2},true]`, ""},
		{"equal items", of(Array, func(s *Schema) { s.UniqueItems = true }), `[{"a":1,"b":2},{"b":2.0,"a":1}]`, " uniqueItems"},
		{"one item too many", of(Array, func(s *Schema) { s.PrefixItems, s.Items = []*Schema{of(String)}, of(0) }), `["a",1]`, "/1 items"},
		{"contains", of(Array, func(s *Schema) { s.Contains, s.MaxContains = of(Integer), count(1) }), `["a",1]`, ""},
		{"too many contained items", of(Array, func(s *Schema) { s.Contains, s.MaxContains = of(Integer), count(1) }), `[2,1]`, " maxContains"},
		{"no contained item", of(Array, func(s *Schema) { s.Contains = of(Integer) }), `["a"]`, " contains"},

		{"one alternative", of(AnyType, func(s *Schema) { s.OneOf = []*Schema{of(Integer), of(Number)} }), `1.5`, ""},
		{"two of oneOf", of(AnyType, func(s *Schema) { s.OneOf = []*Schema{of(Integer), of(Number)} }), `1`, " oneOf"},
		{"none of anyOf", of(AnyType, func(s *Schema) { s.AnyOf = []*Schema{of(Integer), of(String)} }), `null`, " anyOf"},
		{"not", of(AnyType, func(s *Schema) { s.Not = of(String) }), `"a"`, " not"},
		{"if then", of(AnyType, func(s *Schema) { s.If, s.Then, s.Else = of(String), of(0), of(Integer) }), `"a"`, " false"},
		{"if else", of(AnyType, func(s *Schema) { s.If, s.Then, s.Else = of(String), of(0), of(Integer) }), `true`, " type"},

		{"a discriminator reports the faults of its alternative", pets(false), `{"kind":"cat","lives":"nine"}`, "/lives type"},
		{"a discriminator without mapping for an unknown value", pets(false), `{"kind":"cow"}`, " oneOf"},
		{"a discriminator with mapping for an unknown value", pets(true), `{"kind":"cow"}`, "/kind discriminator"},
		{"a discriminator with mapping without its member", pets(true), `{}`, "/kind required"},
		{"a discriminator, and an alternative that accepts all its values", among(of(Object)), `{"kind":"cat","lives":9}`, " oneOf"},
		{"a discriminator, and an alternative with the same value", among(pet(`"cat"`, "lives", Integer)), `{"kind":"cat","lives":9}`, " oneOf"},
		{"a discriminator, and an alternative that cannot be checked", among(&Schema{Unjudged: "xml"}), `{"kind":"cat","lives":9}`, " oneOf"},
		{"a discriminator, and another alternative that accepts the value", among(of(Object)), `{"kind":"cat","lives":"nine"}`, ""},
		{"a discriminator with mapping", pets(true), `{"kind":"dog","bark":true}`, ""},

		{"unevaluated members", of(Object, func(s *Schema) {
			s.AllOf = []*Schema{of(Object, func(s *Schema) { s.Properties = []Property{{Name: "a"}} })}
			s.AnyOf = []*Schema{of(Object, func(s *Schema) { s.Properties, s.Required = []Property{{Name: "b"}}, []string{"b"} }), of(Object)}
			s.UnevaluatedProperties = of(0)
		}), `{"a":1,"b":2,"c":3}`, "/c unevaluatedProperties"},
		{"members evaluated by a failed alternative", of(Object, func(s *Schema) {
			s.AnyOf = []*Schema{of(Object, func(s *Schema) { s.Properties, s.Required = []Property{{Name: "b"}}, []string{"x"} }), of(Object)}
			s.UnevaluatedProperties = of(0)
		}), `{"b":2}`, "/b unevaluatedProperties"},
		{"names", of(Object, func(s *Schema) { s.PropertyNames = of(String, func(s *Schema) { s.MaxLength = count(1) }) }), `{"a":1,"bb":2}`, "/bb propertyNames"},
		{"dependent members", of(Object, func(s *Schema) { s.DependentRequired = []DependentRequired{{"a", []string{"b", "c"}}} }), `{"a":1,"b":2}`, "/c dependentRequired"},
		{"recursion", recursive(), `{"x":{"x":{"a":1,"x":1},"b":2},"b":1}`, " oneOf"},
	}
	for _, tt := range tests {
		schema := tt.schema
		if err := Compile(schema); err != nil { // not in parallel: some share parts
			t.Fatal(err)
		}
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := told(schema.Check(context.Background(), []byte(tt.data))); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// told returns faults in short form.
func told(f *Faults) string {
	switch {
	case f == nil:
		return ""
	case f.Malformed:
		return fmt.Sprint("malformed ", f.Offset)
	case f.Interrupted:
		return "interrupted"
	}
	var list []string
	for _, fault := range f.List {
		list = append(list, fault.Pointer+" "+fault.Keyword)
	}
	return strings.Join(list, ", ")
}

// TestStepsAreLinear: another level of a value must not double the steps.
func TestStepsAreLinear(t *testing.T) {
	t.Parallel()
	steps := func(s *Schema, depth int) int {
		data := strings.Repeat(`{"x":`, depth) + "1" + strings.Repeat("}", depth)
		r := begin(context.Background())
		defer r.end()
		if _, ok := r.scan([]byte(data), 0, maxDepth); !ok {
			t.Fatal("the value is not JSON")
		}
		r.check(s, 0, nil)
		return r.steps
	}
	schemas := map[string]func() *Schema{
		"oneOf": recursive,
		"anyOf": func() *Schema {
			s := recursive()
			s.AnyOf, s.OneOf = s.OneOf[:2], nil
			s.AnyOf[0].Required = []string{"zz"}
			return s
		},
		"allOf": func() *Schema { s := recursive(); s.AllOf, s.OneOf = s.OneOf[:2], nil; return s },
		"not": func() *Schema {
			s := recursive()
			s.Not, s.AllOf, s.OneOf = s.OneOf[0], s.OneOf[1:2], nil
			return s
		},
		"unevaluated": func() *Schema { s := recursive(); s.UnevaluatedProperties = of(0); return s },
	}
	for name, schema := range schemas {
		s := schema()
		if err := Compile(s); err != nil {
			t.Fatal(err)
		}
		if shallow, deep := steps(s, 16), steps(s, 60); deep > 8*shallow {
			t.Errorf("%s: %d steps for 16 levels, %d for 60", name, shallow, deep)
		}
	}
	// allOf: [X, X], twenty deep
	s := of(Object, func(s *Schema) { s.Properties = []Property{{Name: "x", Schema: of(Object)}} })
	for range 20 {
		inner := s
		s = of(AnyType, func(s *Schema) { s.AllOf = []*Schema{inner, inner} })
	}
	if err := Compile(s); err != nil {
		t.Fatal(err)
	}
	if n := steps(s, 3); n > 200 {
		t.Errorf("%d steps for twenty levels of allOf", n)
	}
}

func TestFaultsKeepNothingOfTheData(t *testing.T) {
	t.Parallel()
	s := of(Object, func(s *Schema) { s.AdditionalProperties = of(0) })
	if err := Compile(s); err != nil {
		t.Fatal(err)
	}
	data := []byte(`{"name":1,"other":[2]}`)
	faults := s.Check(context.Background(), data)
	clear(data)
	if got := fmt.Sprint(faults.List[0].Name, faults.List[1].Name, faults.List[1].Pointer); got != "nameother/other" {
		t.Errorf("got %q", got)
	}
}

func TestCheckEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s := of(Array, func(s *Schema) { s.Items = of(Array, func(s *Schema) { s.MaxItems = count(1) }) })
	if err := Compile(s); err != nil {
		t.Fatal(err)
	}
	data := "[[1]" + strings.Repeat(",[1]", 2*stepsBetweenLooks) + "]"
	if diff := cmp.Diff(&Faults{Interrupted: true}, s.Check(ctx, []byte(data))); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkCheck(b *testing.B) {
	text := func(most int) *Schema { return of(String, func(s *Schema) { s.MaxLength = count(most) }) }
	line := of(Object, func(s *Schema) {
		s.Properties = []Property{{Name: "sku", Schema: text(20)}, {Name: "quantity", Schema: of(Integer, func(s *Schema) { s.Minimum = &Bound{"1", false} })},
			{Name: "price", Schema: of(Number, func(s *Schema) { s.Minimum = &Bound{"0", false} })}, {Name: "currency", Schema: of(String, func(s *Schema) { s.Enum = values(`"EUR"`, `"USD"`) })},
			{Name: "gift", Schema: of(Boolean)}, {Name: "note", Schema: text(200)}, {Name: "tags", Schema: of(Array, func(s *Schema) { s.Items = text(20) })}}
		s.Required = []string{"sku", "quantity", "price"}
		s.AdditionalProperties = of(0)
	})
	s := of(Object, func(s *Schema) {
		s.Properties = []Property{{Name: "id", Schema: text(36)}, {Name: "customer", Schema: of(Object)}, {Name: "created", Schema: text(30)}, {Name: "lines", Schema: of(Array, func(s *Schema) { s.Items = line })},
			{Name: "total", Schema: of(Number)}, {Name: "status", Schema: of(String)}}
		s.AdditionalProperties = of(0)
	})
	if err := Compile(s); err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	b.SetBytes(int64(len(order)))
	b.ReportAllocs()
	for b.Loop() {
		if f := s.Check(ctx, order); f != nil {
			b.Fatal(f)
		}
	}
}
