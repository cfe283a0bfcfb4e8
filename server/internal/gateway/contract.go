package gateway

import (
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// Contract is what the gateway holds requests and responses against.
type Contract struct {
	// BasePaths are where the paths of operations begin that have none of their own; without any, at the root.
	BasePaths []validate.BasePath
	// Operations are those of the document: from a package that validategen writes, or from package spec.
	Operations []*validate.Operation
	// Graph reports that what Microsoft Graph has for every operation holds: a path may address an entity as
	// collection('key') or collection(key) too, and is forwarded as collection/key (OData 4.01 URL Conventions §4.3.1 and
	// §4.3.6); responses are JSON, so Accept must cover it, and its media type may carry OData's parameters.
	Graph bool
	// MaxBody is the length of a request's body in bytes, before and after decompression.
	MaxBody int64
	// Further checks a body that is valid, for rules that the document cannot say: it returns the fault and the refusal, nil
	// if there is none. values are those of the path, escaped. A nil Further finds nothing.
	Further func(op *validate.Operation, values []string, body []byte) (validate.Fault, *graph.Problem)
	// Words are those of refusals.
	Words graph.Words
}
