package gateway

import (
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// Contract is what the gateway validates requests and responses against.
type Contract struct {
	// BasePaths prefix the paths of operations without base paths of their own. If empty, those paths start at the root.
	BasePaths []validate.BasePath
	// Operations are the operations of the document, from a package that validategen writes or from package spec.
	Operations []*validate.Operation
	// Graph applies Microsoft Graph's conventions to every operation. A path may also address an entity as collection('key')
	// or collection(key); it is forwarded as collection/key (OData 4.01 URL Conventions §4.3.1 and §4.3.6). Responses are
	// JSON, so Accept must cover it, and its media type may carry OData's parameters.
	Graph bool
	// MaxBody is the largest request body in bytes, before and after decompression.
	MaxBody int64
	// Further checks a valid body against rules that the document cannot express. It returns the fault and the refusal, or
	// nil. values are the escaped path parameters. If Further is nil, there are no such rules.
	Further func(op *validate.Operation, values []string, body []byte) (validate.Fault, *graph.Problem)
	// Words are the words for refusals.
	Words graph.Words
}
