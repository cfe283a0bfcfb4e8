package spectest

import "fmt"

// NewRecursive returns a random OpenAPI 3.1 document whose schemas refer to each other in every way and have few other
// rules, so that the references determine the cost of a body.
func NewRecursive(s *Source) *Document {
	d := &Document{V31: true, Components: object{}, Schema: object{"$ref": "#/components/schemas/R0"}}
	for i := range recursive {
		r := recurser{Source: s, after: i}
		d.Components[fmt.Sprint("R", i)] = r.schema(2)
	}
	return d
}

const recursive = 10

type recurser struct {
	*Source
	after int // the current component
}

func (r *recurser) any() any {
	return object{"$ref": fmt.Sprint("#/components/schemas/R", r.IntN(recursive))}
}

// inPlace writes a schema for the same value.
func (r *recurser) inPlace(depth int) any {
	if later := recursive - r.after - 1; later > 0 && r.IntN(4) > 0 || depth == 0 {
		if later == 0 {
			return object{"properties": object{"a": r.any()}}
		}
		return object{"$ref": fmt.Sprint("#/components/schemas/R", r.after+1+r.IntN(min(later, 2)))}
	}
	return r.schema(depth - 1)
}

func (r *recurser) schema(depth int) any {
	s := object{}
	if r.Chance(2) {
		s["properties"] = object{"a": r.any(), "b": r.any()}
	}
	for _, keyword := range []string{"items", "additionalProperties", "contains", "unevaluatedProperties", "unevaluatedItems"} {
		if r.Chance(4) {
			s[keyword] = r.any()
		}
	}
	for _, keyword := range []string{"allOf", "anyOf", "oneOf"} {
		if r.Chance(3) {
			s[keyword] = []any{r.inPlace(depth), r.inPlace(depth)}
		}
	}
	for _, keyword := range []string{"not", "if", "then", "else"} {
		if r.Chance(5) {
			s[keyword] = r.inPlace(depth)
		}
	}
	if r.Chance(6) {
		s["dependentSchemas"] = object{"a": r.inPlace(depth), "b": r.inPlace(depth)}
	}
	if r.Chance(6) {
		s["required"] = []any{pick(r.Source, []string{"a", "b", "c"})}
	}
	return s
}
