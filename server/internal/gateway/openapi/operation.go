package openapi

import (
	"strconv"

	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
)

// Operation is an operation of a document. It is never changed after it was loaded.
type Operation struct {
	id, method, path string
	token            bool
	permissions      []string
	params           []*parameter
	options          options
	headers          []string
	request          []*body
	required         bool
	responses        map[string][]*body // by status, class such as 2XX, or default
}

var _ gateway.Operation = (*Operation)(nil)

// Route returns the operation's name, its method, and the template of its path below the base path.
func (o *Operation) Route() (id, method, path string) { return o.id, o.method, o.path }

// TokenRequired reports whether there are security requirements and none of them is empty.
func (o *Operation) TokenRequired() bool { return o.token }

// Permissions returns the scopes of all security requirements, sorted.
func (o *Operation) Permissions() []string { return o.permissions }

// RequestBody returns the media types of the request's body, and whether there must be one. Ranges stand behind the types.
func (o *Operation) RequestBody() (types []string, required bool) {
	return names(o.request), o.required
}

// QueryOption returns the name itself, which is how it is forwarded, or "" if it belongs to no parameter.
func (o *Operation) QueryOption(name string) string {
	if p, _ := o.options.find(name); p != nil {
		return name
	}
	return ""
}

// Headers returns the header fields that are parameters; Cookie is one if there are cookie parameters.
func (o *Operation) Headers() []string { return o.headers }

// CheckParameters reports the faults of the parameters: unknown query options, then the rest in the document's order.
func (o *Operation) CheckParameters(path []string, query string, header map[string][]string, report gateway.Report) {
	guarded(report, func() []fault { return o.checkParameters(path, query, header) })
}

// CheckRequestBody reports the faults of a body. mediaType is what the body was sent as, or the type or range of
// RequestBody that it matched; what the contract has neither way is a fault.
func (o *Operation) CheckRequestBody(mediaType string, data []byte, report gateway.Report) {
	guarded(report, func() []fault { return checkBody(o.request, mediaType, data) })
}

// Response returns the media types of the body of answers with a status, and whether the document has the status.
func (o *Operation) Response(status int) (types []string, documented bool) {
	bodies, documented := o.response(status)
	return names(bodies), documented
}

// CheckResponseBody reports the faults of the body of an answer.
func (o *Operation) CheckResponseBody(status int, mediaType string, data []byte, report gateway.Report) {
	guarded(report, func() []fault {
		bodies, _ := o.response(status)
		return checkBody(bodies, mediaType, data)
	})
}

func checkBody(bodies []*body, mediaType string, data []byte) []fault {
	b := find(bodies, mediaType)
	if b == nil {
		return []fault{{keyword: "internal"}} // the caller knows the media types: a body of no kind has not been checked
	}
	return b.check(mediaType, data)
}

// response finds a status by itself, then by its class, then by default (OpenAPI 3.0.3, Responses Object).
func (o *Operation) response(status int) ([]*body, bool) {
	for _, name := range []string{strconv.Itoa(status), strconv.Itoa(status/100) + "XX", "default"} {
		if bodies, ok := o.responses[name]; ok {
			return bodies, true
		}
	}
	return nil, false
}

func names(bodies []*body) []string {
	var types []string
	for _, b := range bodies {
		types = append(types, b.mediaType)
	}
	return types
}
