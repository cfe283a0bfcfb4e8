package validate

// Types is a set of JSON types.
type Types uint8

// The types of JSON Schema. A number that is an integer, such as 1.0, has both Integer and Number.
const (
	Null Types = 1 << iota
	Boolean
	Integer
	Number
	String
	Array
	Object

	// AnyType is every type: Number includes Integer.
	AnyType = Null | Boolean | Integer | Number | String | Array | Object
)

// Schema is what a contract demands of a value, in one direction. It is the normal form of a Schema Object: references
// are pointers, and may be cycles; what nullable, readOnly, siblings of $ref and the version of the document mean has
// been decided. A Schema is immutable once [Compile] has returned.
//
// A value has to satisfy every field. A field says something of the values of its own type alone.
type Schema struct {
	// Pointer is the JSON Pointer of the place in the document.
	Pointer string
	// Name is the name of the component, "" for a schema within another.
	Name string
	// Expected is what faults say of the value: its type and format.
	Expected Expected
	// Unjudged says why the schema cannot be judged, "" if it can. Such a schema takes every value.
	Unjudged string

	Types Types   // none: no value satisfies the schema
	Enum  []Value // nil for none; const is an enum of one value

	Format string // a format that is checked; "" for none, and for formats that are annotations

	Minimum, Maximum *Bound
	MultipleOf       []string // numbers as JSON writes them

	MinLength, MaxLength, MaxBytes *int // in characters, and in bytes of UTF-8 (x-maxBytes)
	Patterns                       []*Pattern

	MinItems, MaxItems       *int
	UniqueItems              bool
	PrefixItems              []*Schema
	Items                    *Schema // of the items behind PrefixItems; nil for any
	Contains                 *Schema
	MinContains, MaxContains *int // next to Contains; no minimum is 1
	UnevaluatedItems         *Schema

	Properties                   []Property // in the document's order
	Required                     []string
	PatternProperties            []PatternProperty
	AdditionalProperties         *Schema  // of members that neither of the two names; nil for any
	IgnoreMembers                *Pattern // x-ignore-members: members with such names are not checked
	IgnoreMaxDepth               int      // x-ignore-maxDepth: how deep their values may nest; 0 leaves it to the body
	PropertyNames                *Schema
	MinProperties, MaxProperties *int
	DependentRequired            []DependentRequired
	DependentSchemas             []Property
	UnevaluatedProperties        *Schema

	AllOf, AnyOf, OneOf []*Schema
	Not, If, Then, Else *Schema
	Discriminator       *Discriminator

	compiled
}

// Property is a member and its schema.
type Property struct {
	Name string
	// Schema is nil for a member of any value.
	Schema *Schema
	// Hidden is the keyword that refuses the member in this direction, whatever its value: readOnly or writeOnly. "" for
	// none.
	Hidden string
}

// PatternProperty is the schema of members whose names match.
type PatternProperty struct {
	Pattern *Pattern
	Schema  *Schema
}

// DependentRequired lists the members that have to be there if Name is.
type DependentRequired struct {
	Name     string
	Required []string
}

// Bound is a minimum or a maximum, as JSON writes it.
type Bound struct {
	Literal   string
	Exclusive bool
}

// Pattern is a regular expression of ECMA-262 with what matches it.
type Pattern struct {
	Text    string
	Matcher Matcher
}

// Matcher tells whether a string has a match of a pattern. It is safe for concurrent use.
type Matcher interface {
	MatchString(s string) bool
	Match(b []byte) bool
}

// Value is a JSON value of the document.
type Value struct {
	// JSON is the value as JSON, without white space.
	JSON string
}

// Discriminator chooses among the alternatives of AnyOf or OneOf by a member.
type Discriminator struct {
	Property string
	// Explicit reports that the document has a mapping. Then the discriminator decides: the value has to satisfy the
	// alternative that it names, and no other counts. Without a mapping it says which alternative to try first, and whose
	// faults to report; it never changes the verdict (OpenAPI 3.0.4, 3.1.1).
	Explicit bool
	// Alternatives has the alternative of each value of Property.
	Alternatives map[string]*Schema
}
