package sample

import (
	"context"
	"math/rand/v2"
	"slices"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// Options say what kind of value is made.
type Options struct {
	// Given returns the values that a document gives for a schema, as JSON, the best first. Those that are valid are used.
	// Nil gives none.
	Given func(s *validate.Schema) []string
	// Vary chooses among alternatives and lengths at random. Otherwise the first alternative is taken and all members are there.
	Vary bool
	// Lean leaves out of objects what is not required.
	Lean bool
}

const (
	// maxTries is how often a value is made before its place is given up.
	maxTries = 12
	// maxValues is how many values one that is asked for has, and maxRetries how many of them are made again.
	maxValues  = 50_000
	maxRetries = 2_000
	// softDepth is how deep values nest before only what is required is made.
	softDepth = 6
	// maxDepth is how deep they nest at all.
	maxDepth = 40
)

// Maker makes values. It is safe for concurrent use.
type Maker struct{ heights map[*validate.Schema]int }

// New returns a maker for schemas and all that they lead to.
func New(schemas ...*validate.Schema) *Maker { return &Maker{heightsOf(schemas)} }

// Make returns a JSON value that satisfies the schema, nil for any, and reports whether it has found one.
func (m *Maker) Make(ctx context.Context, random *rand.Rand, s *validate.Schema, o Options) ([]byte, bool) {
	return m.MakeAll(ctx, random, []*validate.Schema{s}, o)
}

// MakeAll is Make for a value that satisfies all schemas.
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
	// left and retries are how many values may still be made, and made again.
	left, retries int
	path          []*validate.Schema // that the value being made is within
	depth         int
}

// value makes a value for schemas that apply to it together.
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
				return nil, false // no other way of making it has a type
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

// may reports whether a value may be made, for the nth time.
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

// given returns a value of the document's that all schemas of the demand take.
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

// within makes a value of a type that is demanded.
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

// pick returns a number below n: 0 unless values vary.
func (t *try) pick(n int) int {
	if !t.Vary || n < 2 {
		return 0
	}
	return t.random.IntN(n)
}

// order are the types in the order in which they are preferred.
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

// isDeep reports whether only what is required should be made.
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
		return seen > 1 // itself, and once around it
	})
}
