package runtime

import (
	"slices"
	"strconv"
	"strings"
)

// The methods below speak of basic types alone, so that one program can serve the operations of many generated packages:
// each package's *Operation satisfies the same interface.

// Route returns what the operation is called and where it is.
func (o *Operation) Route() (id, method, path string) { return o.ID, o.Method, o.Path }

// Permissions returns the scopes of all security requirements, sorted. One of them must be granted; without any,
// everybody may call.
func (o *Operation) Permissions() []string {
	var all []string
	for _, alternative := range o.Security {
		for _, requirement := range alternative {
			all = append(all, requirement.Scopes...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// TokenRequired reports whether a caller must say who it is: there are alternatives, and none of them is empty.
func (o *Operation) TokenRequired() bool {
	return len(o.Security) > 0 && !slices.ContainsFunc(o.Security, func(a Alternative) bool { return len(a) == 0 })
}

// RequestBody returns the media types of the request's body, none if there is no body, and whether there must be one.
func (o *Operation) RequestBody() (types []string, required bool) {
	return o.RequestTypes, o.BodyRequired
}

// QueryOption returns the declared name of what a request calls name, which is decoded, or "" if there is no such option.
func (o *Operation) QueryOption(name string) string {
	for _, option := range o.Options {
		if name == option.Name || option.System && systemOption(name, option.Name) == option.Name {
			return option.Name
		}
	}
	return ""
}

// Headers returns the names of the header fields that are parameters, in the form of [net/http.Header].
func (o *Operation) Headers() []string { return o.HeaderFields }

// CheckParameters reports each fault of the parameters; see CheckParams.
func (o *Operation) CheckParameters(path []string, query string, header map[string][]string, report func(in, pointer, name, keyword, typ, format, value string)) {
	o.CheckParams(path, query, header).report(report)
}

// CheckRequestBody reports each fault of a body of one of the request's media types, which is in lower case and has no
// parameters.
func (o *Operation) CheckRequestBody(mediaType string, data []byte, report func(in, pointer, name, keyword, typ, format, value string)) {
	checkBody(o.Request, mediaType, data, report)
}

// Response returns the media types of the body of the answers with a status, none if there is no body, and whether the
// document has the status.
func (o *Operation) Response(status int) (types []string, documented bool) {
	r := o.response(status)
	if r == nil {
		return nil, false
	}
	for _, b := range r.Bodies {
		types = append(types, b.Type)
	}
	return types, true
}

// CheckResponseBody reports each fault of a body of a documented status and media type.
func (o *Operation) CheckResponseBody(status int, mediaType string, data []byte, report func(in, pointer, name, keyword, typ, format, value string)) {
	if r := o.response(status); r != nil {
		checkBody(r.Bodies, mediaType, data, report)
	}
}

// response finds a status by itself, then by its class, then by default (OpenAPI 3.0.3, Responses Object).
func (o *Operation) response(status int) *Response {
	var class, rest *Response
	for i := range o.Responses {
		r := &o.Responses[i]
		switch {
		case r.Status == "default":
			rest = r
		case len(r.Status) == 3 && r.Status[0] == byte('0'+status/100):
			if n, err := strconv.Atoi(r.Status); n == status {
				return r
			} else if err != nil && strings.EqualFold(r.Status[1:], "xx") {
				class = r
			}
		}
	}
	if class != nil {
		return class
	}
	return rest
}

func checkBody(bodies []Body, mediaType string, data []byte, report func(in, pointer, name, keyword, typ, format, value string)) {
	for i := range bodies {
		if b := &bodies[i]; b.Type == mediaType {
			if b.Check != nil {
				b.Check(data).report(report)
			}
			return
		}
	}
}

func (f *Faults) report(report func(in, pointer, name, keyword, typ, format, value string)) {
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

// CheckJSON checks that data is one I-JSON text (RFC 7493): UTF-8, no name twice, numbers as RFC 8259 has them, nothing
// behind it, and objects and arrays nested at most depth levels, of which 64 is the most.
func CheckJSON(data []byte, depth int) *Faults {
	l := open(data)
	l.skip(min(depth, maxDepth))
	return l.close()
}
