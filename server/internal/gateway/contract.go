package gateway

import "github.com/pfxrecryption/pfxrecryption/server/internal/graph"

// Contract is what the gateway holds requests and responses against.
type Contract struct {
	// BasePaths are where the operations' paths begin, such as /beta; "" is the root. The first that matches counts.
	BasePaths []string
	// Operations are those of the document. A parameter in a path's template stands for a whole segment, or for what is
	// between a prefix and a suffix of one.
	Operations []Operation
	// Graph reports that what Microsoft Graph has for every operation holds: a path may address an entity as
	// collection('key') or collection(key) too, and is forwarded as collection/key (OData 4.01 URL Conventions §4.3.1 and
	// §4.3.6); answers are JSON, so Accept must cover it, and its media type may carry OData's parameters.
	Graph bool
	// MaxBody is the length of a request's body in bytes, before and after decompression.
	MaxBody int64
	// MaxDepth is how deep objects and arrays of a request's JSON body may nest; 0 leaves it to the operation.
	MaxDepth int
	// Words are those of refusals.
	Words graph.Words
}

// Report takes one fault of a request or a response: where it is ("" for a body, else "path", "query" or "header"), the
// JSON Pointer of a member, the name of the member or the parameter, the keyword of the schema that was broken, and
// what the contract asks for. Keywords beside those of JSON Schema are "malformed" and "empty" for a body that is no
// JSON, "additionalProperties" for an unknown query option, "encoding" for bad percent-encoding and "repeated" for a
// parameter that was sent twice. No fault holds a value that somebody sent.
type Report = func(in, pointer, name, keyword, typ, format, value string)

// Operation is an operation of a contract: [Generated] has those of a package that validategen has written, package
// openapi those of any other document. All methods are safe for concurrent use.
type Operation interface {
	// Route returns the operation's name, its method, and the template of its path below the base path.
	Route() (id, method, path string)
	// TokenRequired reports whether a caller needs a token.
	TokenRequired() bool
	// Permissions returns the permissions of which a caller needs one; without any, every caller that has a token, or need
	// not have one, may call.
	Permissions() []string
	// RequestBody returns the media types of the request's body in lower case, none if there is no body, and whether there
	// must be one.
	RequestBody() (types []string, required bool)
	// QueryOption returns the name under which the query option is forwarded that a request calls name, which is decoded;
	// "" if there is no such option.
	QueryOption(name string) string
	// Headers returns the names of the header fields that are parameters, in the form of [net/http.Header].
	Headers() []string
	// CheckParameters reports the faults of the parameters. path has the segments that the template's parameters stand
	// for, they and the query as they stand on the wire; header has the form of [net/http.Header].
	CheckParameters(path []string, query string, header map[string][]string, report Report)
	// CheckRequestBody reports the faults of a body whose media type is one of those that RequestBody has, or of a range
	// among them.
	CheckRequestBody(mediaType string, data []byte, report Report)
	// Response returns the media types of the body of answers with a status, none if they have no body, and whether the
	// contract has the status.
	Response(status int) (types []string, documented bool)
	// CheckResponseBody reports the faults of the body of an answer whose status and media type the contract has.
	CheckResponseBody(status int, mediaType string, data []byte, report Report)
}
