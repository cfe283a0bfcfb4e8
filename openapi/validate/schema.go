package validate

// Types is a set of JSON types.
type Types uint8

// The types of JSON Schema. An integral number, such as 1.0, has both Integer and Number.
const (
	Null Types = 1 << iota
	Boolean
	Integer
	Number
	String
	Array
	Object

	// AnyType is all types: Number includes Integer.
	AnyType = Null | Boolean | Integer | Number | String | Array | Object
)

// Schema is the normal form of a Schema Object for one direction. References are pointers and may be cyclic; nullable,
// readOnly, siblings of $ref and the version of the document are resolved. A Schema is immutable once [Compile] has
// returned.
//
// A value must satisfy every field. A field applies only to values of its own type.
type Schema struct {
	// Pointer is the JSON Pointer of the place in the document.
	Pointer string
	// Name is the name of the component; "" for a subschema.
	Name string
	// Expected is what faults say about the value: its type and format.
	Expected Expected
	// Unjudged is the reason why the schema cannot be checked; "" if it can. Such a schema accepts every value.
	Unjudged string

	Types Types   // none: the schema accepts no value
	Enum  []Value // nil for none; const is an enum with one value

	Format string // a format that is checked; "" for none, and for formats that are annotations

	Minimum, Maximum *Bound
	MultipleOf       []string // JSON numbers

	MinLength, MaxLength, MaxBytes *int // in characters, and in bytes of UTF-8 (x-maxBytes)
	Patterns                       []*Pattern

	MinItems, MaxItems       *int
	UniqueItems              bool
	PrefixItems              []*Schema
	Items                    *Schema // of the items after PrefixItems; nil accepts any
	Contains                 *Schema
	MinContains, MaxContains *int // with Contains; nil MinContains is 1
	UnevaluatedItems         *Schema

	Properties                   []Property // in the document's order
	Required                     []string
	PatternProperties            []PatternProperty
	AdditionalProperties         *Schema  // of members that neither of the two names; nil accepts any
	IgnoreMembers                *Pattern // x-ignore-members: members with matching names are not checked
	IgnoreMaxDepth               int      // x-ignore-maxDepth: how deep their values may nest; 0 leaves it to the limit of the body
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
	// Schema is nil if the member may have any value.
	Schema *Schema
	// Hidden is the keyword that forbids the member in this direction, readOnly or writeOnly; "" if it is allowed.
	Hidden string
}

// PatternProperty is the schema of members with matching names.
type PatternProperty struct {
	Pattern *Pattern
	Schema  *Schema
}

// DependentRequired lists the members that are required if Name is present.
type DependentRequired struct {
	Name     string
	Required []string
}

// Bound is a minimum or a maximum as a JSON number.
type Bound struct {
	Literal   string
	Exclusive bool
}

// Pattern is an ECMA-262 regular expression with its matcher.
type Pattern struct {
	Text    string
	Matcher Matcher
}

// Matcher reports whether a pattern matches in a string. It is safe for concurrent use.
type Matcher interface {
	MatchString(s string) bool
	Match(b []byte) bool
}

// Value is a JSON value of the document.
type Value struct {
	// JSON is the value as JSON, without white space.
	JSON string
}

// Discriminator selects an alternative of AnyOf or OneOf by a member.
type Discriminator struct {
	Property string
	// Explicit reports that the document has a mapping. Then the value must satisfy the alternative that it selects, and the
	// others do not count. Without a mapping, the discriminator only selects which alternative to try first and whose faults
	// to report; it never changes the verdict (OpenAPI 3.0.4, 3.1.1).
	Explicit bool
	// Alternatives maps each value of Property to its alternative.
	Alternatives map[string]*Schema
}
