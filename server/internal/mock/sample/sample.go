package sample

import (
	"context"
	"math/rand/v2"
	"slices"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// Options control which value is generated.
type Options struct {
	// Given returns the document's values for a schema, as JSON, the best first. Only valid ones are used. It may be nil.
	Given func(s *validate.Schema) []string
	// Vary chooses alternatives and lengths at random. Otherwise the first alternative is used and all members are present.
	Vary bool
	// Lean omits optional members of objects.
	Lean bool
}

const (
	// maxTries is how many times a value is generated for one place.
	maxTries = 12
	// maxValues bounds the values in one result, and maxRetries how many of them are generated again.
	maxValues  = 50_000
	maxRetries = 2_000
	// softDepth is the nesting depth below which only required members are generated.
	softDepth = 6
	// maxDepth is the greatest nesting depth.
	maxDepth = 40
)

// Maker generates values. It is safe for concurrent use.
type Maker struct{ heights map[*validate.Schema]int }

// New returns a maker for schemas and all schemas that they refer to.
func New(schemas ...*validate.Schema) *Maker { return &Maker{heightsOf(schemas)} }

// Make returns a JSON value that satisfies the schema, and reports whether it found one. A nil schema allows any value.
func (m *Maker) Make(ctx context.Context, random *rand.Rand, s *validate.Schema, o Options) ([]byte, bool) {
	return m.MakeAll(ctx, random, []*validate.Schema{s}, o)
}

// MakeAll is like Make for a value that satisfies all schemas.
func (m *Maker) MakeAll(ctx context.Context, random *rand.Rand, schemas []*validate.Schema, o Options) ([]byte, bool) {
	t := &try{Maker: m, Options: o, ctx: ctx, random: random, left: maxValues, retries: maxRetries}
	return t.value(schemas)
}

// try is one call of Make.
type try struct {
	*Maker
	Options
	ctx    context.Context
	random *rand.Rand
	// left and retries are how many more values may be generated, and generated again.
	left, retries int
	path          []*validate.Schema // the schemas around the current value
	depth         int
}

// value generates a value that satisfies all schemas.
func (t *try) value(schemas []*validate.Schema) ([]byte, bool) {
	if t.depth >= maxDepth {
		return nil, false
	}
	for n := range maxTries {
		if !t.may(n) {
			return nil, false
		}
		d := t.collect(schemas, n)
		if d.types == 0 {
			if !d.chose {
				return nil, false // no other try has a type
			}
			continue
		}
		if v, ok := t.given(d, n); ok && t.fit(schemas, v) {
			return v, true
		}
		if v, ok := t.within(d, n); ok && t.fit(schemas, v) {
			return v, true
		}
	}
	return nil, false
}

// may reports whether a value may be generated, for the nth time.
func (t *try) may(n int) bool {
	t.left--
	if n > 0 {
		t.retries--
	}
	return t.left >= 0 && t.retries >= 0 && t.ctx.Err() == nil
}

// fit reports whether a value satisfies all schemas.
func (t *try) fit(schemas []*validate.Schema, v []byte) bool {
	return !slices.ContainsFunc(schemas, func(s *validate.Schema) bool { return s != nil && s.Check(t.ctx, v) != nil })
}

// given returns one of the document's values that satisfies all schemas of the demand.
func (t *try) given(d *demand, n int) ([]byte, bool) {
	if t.Given == nil || n > 0 && !d.chose {
		return nil, false
	}
	for _, s := range d.all {
		for _, text := range t.Given(s) {
			if t.fit(d.all, []byte(text)) {
				return []byte(text), true
			}
		}
	}
	return nil, false
}

// within generates a value of a demanded type.
func (t *try) within(d *demand, n int) ([]byte, bool) {
	if d.enum != nil {
		return t.enumerated(d)
	}
	before := len(t.path)
	t.path = append(t.path, d.all...)
	t.depth++
	defer func() { t.path, t.depth = t.path[:before], t.depth-1 }()
	switch t.typeOf(d, n) {
	case validate.Object:
		return t.object(d, n)
	case validate.Array:
		return t.array(d, n)
	case validate.String:
		return t.text(d)
	case validate.Integer:
		return t.number(d, true)
	case validate.Number:
		return t.number(d, false)
	case validate.Boolean:
		return []byte([]string{"true", "false"}[(n+t.pick(2))%2]), true
	}
	return []byte("null"), true
}

// enumerated returns a value of the enum that satisfies the rest of the demand.
func (t *try) enumerated(d *demand) ([]byte, bool) {
	first := t.pick(len(d.enum))
	for i := range d.enum {
		v := []byte(d.enum[(first+i)%len(d.enum)].JSON)
		if t.fit(d.all, v) {
			return v, true
		}
	}
	return nil, false
}

// pick returns a number below n; without Vary it is 0.
func (t *try) pick(n int) int {
	if !t.Vary || n < 2 {
		return 0
	}
	return t.random.IntN(n)
}

// order lists the types by preference.
var order = []validate.Types{validate.Object, validate.Array, validate.String, validate.Number, validate.Integer, validate.Boolean, validate.Null}

// typeOf chooses a type.
func (t *try) typeOf(d *demand, n int) validate.Types {
	types := slices.DeleteFunc(slices.Clone(order), func(k validate.Types) bool { return d.types&k == 0 })
	if types[0] != validate.Null && len(types) > 1 && n < maxTries/2 && types[len(types)-1] == validate.Null && t.pick(8) < 7 {
		types = types[:len(types)-1]
	}
	if likely := d.likely(); d.types == validate.AnyType && n < maxTries/2 {
		return likely
	}
	if t.isDeep(d) && n < maxTries/2 {
		return types[len(types)-1-t.pick(len(types))]
	}
	if n < 3 {
		return types[t.pick(len(types))]
	}
	return types[(n-3)%len(types)]
}

// isDeep reports whether to generate only what is required.
func (t *try) isDeep(d *demand) bool {
	if t.depth > softDepth || t.left < maxValues/2 {
		return true
	}
	return slices.ContainsFunc(d.all, func(s *validate.Schema) bool {
		seen := 0
		for _, outer := range t.path {
			if outer == s {
				seen++
			}
		}
		return seen > 1 // itself, and once more through a cycle
	})
}
