package gateway

import (
	"context"
	"mime"
	"net/textproto"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// Generated returns the operations of a package that validategen has written:
//
//	gateway.Generated(pfxvalid.Operations)
func Generated(list []*validate.Operation) []Operation {
	operations := make([]Operation, len(list))
	for i, o := range list {
		operations[i] = generated{o}
	}
	return operations
}

// generated is an operation whose checks are generated code.
type generated struct{ operation *validate.Operation }

func (g generated) Route() (id, method, path string) {
	return g.operation.ID, g.operation.Method, g.operation.Path
}

func (g generated) TokenRequired() bool { return g.operation.TokenRequired() }

func (g generated) Permissions() []string { return g.operation.Permissions() }

func (g generated) RequestBody() (types []string, required bool) {
	return mediaTypes(g.operation.Request), g.operation.BodyRequired
}

func mediaTypes(bodies []*validate.Body) []string {
	var types []string
	for _, b := range bodies {
		text := b.Type
		if len(b.Parameters) > 0 {
			text = mime.FormatMediaType(b.Type, b.Parameters)
		}
		types = append(types, text)
	}
	return types
}

func (g generated) QueryOption(name string) string {
	for _, p := range g.operation.Parameters {
		if p.In == "query" && (name == p.Name || p.System && validate.SystemOption(name, p.Name) == p.Name) {
			return p.Name
		}
	}
	return ""
}

func (g generated) Headers() []string {
	var names []string
	for _, p := range g.operation.Parameters {
		if p.In == "header" {
			names = append(names, textproto.CanonicalMIMEHeaderKey(p.Name))
		}
	}
	return names
}

func (g generated) CheckParameters(path []string, query string, header map[string][]string, report Report) {
	tell(g.operation.CheckParameters(context.Background(), path, query, header), report)
}

func (g generated) CheckRequestBody(mediaType string, data []byte, report Report) {
	tell(checkBody(g.operation.Request, mediaType, data), report)
}

func (g generated) Response(status int) (types []string, documented bool) {
	r := g.operation.Response(status)
	if r == nil {
		return nil, false
	}
	return mediaTypes(r.Bodies), true
}

func (g generated) CheckResponseBody(status int, mediaType string, data []byte, report Report) {
	if r := g.operation.Response(status); r != nil {
		tell(checkBody(r.Bodies, mediaType, data), report)
	}
}

// checkBody checks a body of a media type; one of a type that the operation does not have has no faults.
func checkBody(bodies []*validate.Body, mediaType string, data []byte) *validate.Faults {
	for _, b := range bodies {
		if b.Type == mediaType {
			return b.CheckContent(context.Background(), mediaType, data)
		}
	}
	return nil
}

func tell(f *validate.Faults, report Report) {
	switch {
	case f == nil:
	case f.Empty:
		report("", "", "", "empty", "", "", "")
	case f.Malformed:
		report("", "", "", "malformed", "", "", "")
	default:
		for _, e := range f.List {
			report(e.In, e.Pointer, e.Name, e.Keyword, e.Expected.Type, e.Expected.Format, e.Expected.Value)
		}
	}
}
