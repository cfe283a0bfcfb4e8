package runtime

// Operation is what a server has to know of an operation of the document before it reads a request.
type Operation struct {
	ID     string
	Method string
	Path   string // the template, below the server's base path
	// Security has the alternatives of which one must hold. Without any, everybody may call.
	Security []Alternative
	// RequestTypes are the media types of the request's body, in the document's order; none if there is no body.
	RequestTypes []string
	// BodyRequired reports whether a request must have a body.
	BodyRequired bool
	// Request has the body by media type, as RequestTypes.
	Request []Body
	// Responses are the operation's responses, in the document's order.
	Responses []Response
	// Options are the query options that the operation has, in the document's order.
	Options []Option
	// HeaderFields are the names of the header fields that are parameters, in the form of [net/http.Header].
	HeaderFields []string
	// CheckParams checks the parameters. path has the segments that the template's parameters stand for, in the
	// template's order; they and the query are as they stand on the wire. The keys of header have the form of
	// [net/http.Header].
	CheckParams func(path []string, query string, header map[string][]string) *Faults
	// DecodeBody checks a body and decodes it into the value that into points at. It reports false if into is not of the
	// type of the operation's body. It is nil if there is no body, or if its media types have different schemas.
	DecodeBody func(data []byte, into any) (*Faults, bool)
}

// Option is a query option.
type Option struct {
	Name string
	// System reports that requests may write the name in any letter case and without its $ (OData 4.01 §5.1).
	System bool
}

// Alternative is a set of requirements that hold together. The empty one needs no token.
type Alternative []Requirement

// Requirement is a security scheme and the scopes that it must grant.
type Requirement struct {
	Scheme string
	Scopes []string
}

// Response is what the document says of the answers with a status.
type Response struct {
	Status string // such as 200, 4XX or default
	Bodies []Body // in the document's order; none if the answer has no body
}

// Body is a body of one media type.
type Body struct {
	Type string // a media type or a range of them, in lower case
	// Check checks the body's bytes; nil if the document has no schema for them.
	Check func(data []byte) *Faults
}
