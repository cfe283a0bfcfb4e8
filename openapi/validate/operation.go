package validate

import "sync/atomic"

// Operation is an operation of a contract.
type Operation struct {
	// ID is the operationId; if the document has none or a duplicate, the method and the path.
	ID     string
	Method string
	Path   string // the template, relative to the server's base path
	// BasePaths are the paths of the operation's own servers; nil means those of the contract.
	BasePaths []BasePath
	// Security has the alternatives, of which one must be satisfied. If it is empty, no credentials are required.
	Security []Alternative
	// Parameters are the parameters of the operation and of its path, in the document's order.
	Parameters []*Parameter
	// BodyRequired reports whether a request must have a body.
	BodyRequired bool
	// Request has the request bodies by media type, most specific first; it is empty if there is no body.
	Request []*Body
	// Responses are the responses in the document's order.
	Responses []*Response
	// Spots are the places of the operation, except its bodies, that cannot be checked.
	Spots []Spot

	// CheckParams is the generated check of the parameters; nil means that Parameters are used. path has the values of the
	// template's parameters in its order. They and the query are still escaped. The keys of header have the form of
	// [net/http.Header].
	CheckParams func(path []string, query string, header map[string][]string) *Faults
	// DecodeBody checks a body and decodes it into the value that into points at. It reports false if into does not have the
	// type of the operation's body. It is nil if there is no body, or if its media types have different schemas.
	DecodeBody func(data []byte, into any) (*Faults, bool)

	plan atomic.Pointer[plan] // set by the first CheckParameters
}

// BasePath is the path of a server's URL. Its segments are text or variables.
type BasePath struct {
	// Segments are the parts between slashes; the root has none.
	Segments []BaseSegment
}

// BaseSegment is one segment of a base path.
type BaseSegment struct {
	// Text is the segment, or the default of its variable.
	Text string
	// Values are the allowed values of a variable; nil for text.
	Values []string
	// Open reports a variable without an enum, which may have any value.
	Open bool
}

// Alternative is a set of requirements that must all be satisfied. The empty one needs no credentials.
type Alternative []Requirement

// Requirement is a security scheme and the scopes that it must grant.
type Requirement struct {
	Scheme string
	Scopes []string
	// Type is the type of the scheme: apiKey, http, mutualTLS, oauth2 or openIdConnect; "" if the document does not define
	// it.
	Type string
	// In and Name are the place of an apiKey. For http, Name is the HTTP authentication scheme in lower case.
	In, Name string
}

// Parameter is a parameter of an operation.
type Parameter struct {
	Pointer  string
	In, Name string // path, query, header or cookie
	Required bool
	Style    string // form, simple, label, matrix, spaceDelimited, pipeDelimited or deepObject
	Explode  bool
	// AllowEmpty reports that a query parameter may have no value, AllowReserved that it may have unescaped reserved
	// characters (RFC 3986 §2.2).
	AllowEmpty, AllowReserved bool
	// Content is the media type of a parameter that is described by content; "" for one with a style.
	Content string
	// Schema is the schema of the value; nil accepts any.
	Schema *Schema
	// System reports that requests may write the name case-insensitively and without its $ (OData 4.01 §5.1).
	System bool
	// Spot is the reason why the parameter cannot be checked; nil if it can.
	Spot *Spot
}

// Response describes the responses with a status.
type Response struct {
	Status  string       // such as 200, 4XX or default
	Headers []*Parameter // the header fields, in the document's order
	Bodies  []*Body      // most specific first; empty if the response has no body

	plan atomic.Pointer[plan] // set by the first CheckHeader
}

// Body is a body of one media type.
type Body struct {
	// Type is a media type or a range, in lower case and without parameters.
	Type string
	// Parameters are the parameters of the media type, with names in lower case; nil for none.
	Parameters map[string]string
	// Schema is the schema of the content; nil accepts any.
	Schema *Schema
	// Encoding has the encoding of a form's members, by name.
	Encoding map[string]*Encoding
	// Spots are the places of the body that cannot be checked.
	Spots []Spot
	// Check is the generated check of the body; nil means that Schema is used.
	Check func(data []byte) *Faults
	// Decode is generated. It checks JSON and decodes it into the value that into points at. It reports false if into does
	// not have the type of the body. For a form it is nil, or gets the result of [Body.ReadContent].
	Decode func(data []byte, into any) (*Faults, bool)

	shaped atomic.Pointer[parameter] // set by the first CheckContent of a form or a text
}

// Encoding is an Encoding Object: the form of a member.
type Encoding struct {
	// Types are the media types and ranges of a part, in lower case; nil for the default of the member's type.
	Types []string
	// Style and Explode are as for a query parameter. Style is "" if Types or the default apply.
	Style         string
	Explode       bool
	AllowReserved bool
	// Headers are the header fields of a part.
	Headers []*Parameter

	plan atomic.Pointer[plan] // for Headers, set by the first part
}

// Spot is a place of a document that cannot be checked, with the reason.
type Spot struct {
	Pointer string // JSON Pointer
	Reason  string
}
