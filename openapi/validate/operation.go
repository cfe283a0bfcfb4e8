package validate

import "sync/atomic"

// Operation is an operation of a contract.
type Operation struct {
	// ID is the operationId; where the document has none or repeats one, the method and the path.
	ID     string
	Method string
	Path   string // the template, below the server's base path
	// BasePaths are the paths of the operation's own servers; nil leaves it to the contract.
	BasePaths []BasePath
	// Security has the alternatives of which one must hold. Without any, everybody may call.
	Security []Alternative
	// Parameters are those of the operation and of its path, in the document's order.
	Parameters []*Parameter
	// BodyRequired reports whether a request must have a body.
	BodyRequired bool
	// Request has the bodies of requests by media type, the most specific first; none if there is no body.
	Request []*Body
	// Responses are in the document's order.
	Responses []*Response
	// Spots are the places of the operation, outside of its bodies, that cannot be judged.
	Spots []Spot

	// CheckParams checks the parameters in generated code; nil leaves it to Parameters. path has the values of the
	// template's parameters, in the template's order; they and the query are as they stand on the wire. The keys of header
	// have the form of [net/http.Header].
	CheckParams func(path []string, query string, header map[string][]string) *Faults
	// DecodeBody checks a body and decodes it into the value that into points at. It reports false if into is not of the
	// type of the operation's body. It is nil if there is no body, or if its media types have different schemas.
	DecodeBody func(data []byte, into any) (*Faults, bool)

	plan atomic.Pointer[plan] // what CheckParameters needs to know, from the first call on
}

// BasePath is the path of a server's URL. Its segments are texts or variables.
type BasePath struct {
	// Segments are between slashes; the empty list is the root.
	Segments []BaseSegment
}

// BaseSegment is one segment of a base path.
type BaseSegment struct {
	// Text is the segment, or the default of its variable.
	Text string
	// Values are those that a variable may have; nil for a text.
	Values []string
	// Open reports a variable without an enum: it may have any value.
	Open bool
}

// Alternative is a set of requirements that hold together. The empty one needs no credentials.
type Alternative []Requirement

// Requirement is a security scheme and the scopes that it must grant.
type Requirement struct {
	Scheme string
	Scopes []string
	// Type is the scheme's: apiKey, http, mutualTLS, oauth2 or openIdConnect; "" if the document does not define it.
	Type string
	// In and Name are where an apiKey is; Name is the HTTP authentication scheme of http, in lower case.
	In, Name string
}

// Parameter is a parameter of an operation.
type Parameter struct {
	Pointer  string
	In, Name string // path, query, header or cookie
	Required bool
	Style    string // form, simple, label, matrix, spaceDelimited, pipeDelimited or deepObject
	Explode  bool
	// AllowEmpty reports that a query parameter may be there without a value, AllowReserved that it may hold reserved
	// characters of RFC 3986 §2.2 as they are.
	AllowEmpty, AllowReserved bool
	// Content is the media type of a parameter that is described by content, "" for one with a style.
	Content string
	// Schema is that of the value; nil for any.
	Schema *Schema
	// System reports that requests may write the name case-insensitively and without its $ (OData 4.01 §5.1).
	System bool
	// Spot is why the parameter cannot be judged; nil if it can.
	Spot *Spot
}

// Response is what the document says of the responses with a status.
type Response struct {
	Status  string       // such as 200, 4XX or default
	Headers []*Parameter // the header fields, in the document's order
	Bodies  []*Body      // the most specific first; none if the response has no body

	plan atomic.Pointer[plan] // what CheckHeader needs to know, from the first call on
}

// Body is a body of one media type.
type Body struct {
	// Type is a media type or a range of them, in lower case and without parameters.
	Type string
	// Parameters are those of the media type, with names in lower case; nil for none.
	Parameters map[string]string
	// Schema is that of the content; nil for any.
	Schema *Schema
	// Encoding has that of the members of a form, by name.
	Encoding map[string]*Encoding
	// Spots are why the body cannot be judged, or not wholly; none if it can.
	Spots []Spot
	// Check checks the body in generated code; nil leaves it to Schema.
	Check func(data []byte) *Faults
	// Decode checks JSON in generated code, and decodes it into the value that into points at. It reports false if into is not
	// of the type of the body. For a form it is nil or gets what [Body.ReadContent] returns.
	Decode func(data []byte, into any) (*Faults, bool)

	shaped atomic.Pointer[parameter] // what CheckContent needs to know of a form or a text, from the first one on
}

// Encoding is an Encoding Object: how a member of a form is written.
type Encoding struct {
	// Types are media types and ranges of a part, in lower case; nil for the default of the member's type.
	Types []string
	// Style and Explode are those of a parameter in the query; Style is "" where Types or the default hold.
	Style         string
	Explode       bool
	AllowReserved bool
	// Headers are the header fields of a part.
	Headers []*Parameter

	plan atomic.Pointer[plan] // of Headers, from the first part on
}

// Spot is a place of a document that cannot be judged, and why.
type Spot struct {
	Pointer string // JSON Pointer
	Reason  string
}
