package spec

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// document returns a document with the paths and other members.
func document(paths, rest string) string {
	return "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths: " + paths + "\n" + rest
}

func TestParameters(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, parameter, want string }{
		{"a query parameter", "{name: a, in: query, schema: {type: string}}", "query a form explode: string"},
		{"a path parameter is required", "{name: id, in: path, schema: {type: string}}", "path id required simple: string"},
		{"a header parameter", "{name: A, in: header, required: true, schema: {type: array, items: {type: integer}}}", "header A required simple: array items:integer"},
		{"a cookie", "{name: a, in: cookie, explode: false, schema: {type: string}}", "cookie a form: string"},
		{"of any value", "{name: a, in: query}", "query a form explode: nil"},
		{"styles", "{name: a, in: query, style: pipeDelimited, schema: {type: array}}", "query a pipeDelimited: array"},
		{"explode", "{name: id, in: path, style: matrix, explode: true, schema: {type: object}}", "path id required matrix explode: object"},
		{"nested deepObject", "{name: a, in: query, style: deepObject, schema: {type: object, properties: {b: {type: object}}}}", "query a deepObject: object b:object"},
		{"flags", "{name: a, in: query, allowReserved: true, allowEmptyValue: true, schema: {}}", "query a form explode reserved empty: any"},
		{"content", "{name: a, in: query, content: {application/json: {schema: {type: object}}}}", "query a form explode application/json: object"},
		{"a system query option", "{name: $top, in: query, x-odata-option: true, schema: {type: integer}}", "query $top form explode system: integer"},
		{"headers that OpenAPI describes elsewhere", "{name: content-type, in: header, schema: {type: string}}", ""},
		{"a style of another place", "{name: a, in: header, style: form, schema: {type: string}}", "header A form explode: string! style"},
		{"an unknown place", "{name: a, in: body}", ""},
		{"an exploded object or another type", "{name: a, in: query, schema: {type: [object, string]}}", "query a form explode: object|string"},
		{"an object or another type", "{name: a, in: query, explode: false, schema: {type: [object, string]}}", "! cannot be an object or something else"},
		{"an object or null", "{name: a, in: query, explode: false, schema: {type: [object, 'null']}}", "query a form: null|object"},
		{"objects in lists", "{name: a, in: query, schema: {type: array, items: {type: object}}}", "! no text for objects and arrays"},
		{"lists in an object of the query", "{name: a, in: query, schema: {properties: {b: {items: {type: string}}}}}", "query a form explode: b:items:string"},
		{"lists in an object of the path", "{name: id, in: path, schema: {properties: {b: {items: {type: string}}}}}", "! no text for objects and arrays"},
		{"deepObject of a string", "{name: a, in: query, style: deepObject, schema: {type: string}}", "! deepObject is for objects"},
		{"deepObject of a list", "{name: a, in: query, style: deepObject, schema: {type: array, items: {type: object}}}", "query a deepObject: array items:object"},
		{"deepObject or a number", "{name: a, in: query, style: deepObject, schema: {type: [integer, object]}}", "query a deepObject: integer|object"},
		{"content in XML", "{name: a, in: query, content: {application/xml: {schema: {}}}}", "! media type application/xml"},
		{"a system option without a dollar sign", "{name: top, in: query, x-odata-option: true}", "! begin with $"},
		{"an unsupported pattern", "{name: a, in: query, schema: {items: {pattern: '('}}}", "! pattern"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := load(t, document("{'/x/{id}': {get: {parameters: ["+tt.parameter+"]}}}", ""))
			got := ""
			for _, p := range d.Operations[0].Parameters {
				if p.Name != "id" || strings.Contains(tt.parameter, "path") {
					got = parameterText(p)
				}
			}
			want, spot, spotted := strings.Cut(tt.want, "!")
			if spotted && want == "" {
				want = got[:max(strings.Index(got, "!"), 0)]
			}
			if text, reason, _ := strings.Cut(got, "!"); !strings.EqualFold(text, want) || !strings.Contains(reason, strings.TrimSpace(spot)) || spotted != (reason != "") {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func parameterText(p *validate.Parameter) string {
	text := p.In + " " + p.Name
	for _, flag := range []struct {
		on   bool
		name string
	}{
		{p.Required, "required"}, {true, p.Style}, {p.Explode, "explode"}, {p.AllowReserved, "reserved"}, {p.AllowEmpty, "empty"},
		{p.Content != "", p.Content}, {p.System, "system"},
	} {
		if flag.on {
			text += " " + flag.name
		}
	}
	text += ": " + show(p.Schema)
	if p.Spot != nil {
		text += "! " + p.Spot.Reason
	}
	return text
}

func TestParametersOverrideThoseOfThePath(t *testing.T) {
	t.Parallel()
	d := load(t, document("{'/x/{id}.{ext}': {parameters: [{$ref: '#/components/parameters/A'}, {name: id, in: path}, {name: b, in: header}], get: {parameters: [{name: a, in: query, required: true}, {name: B, in: header}, {name: other, in: path}]}}}",
		"components: {parameters: {A: {name: a, in: query}}}"))
	var got []string
	for _, p := range d.Operations[0].Parameters {
		got = append(got, fmt.Sprint(p.In, " ", p.Name, " ", p.Required))
	}
	if got, want := strings.Join(got, ", "), "query a true, path id true, header B false, path ext true"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if len(d.Spots) != 0 || len(d.Warnings) == 0 {
		t.Errorf("got spots %v, warnings %v; want warnings about an unused parameter and an undescribed one", d.Spots, d.Warnings)
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, content, want string }{
		{"the most specific first", "{'*/*': {}, 'text/*': {}, application/json: {}, 'application/*+json': {}, 'application/json;stream=watch': {}}", "application/json[stream=watch] application/json application/*+json text/* */*"},
		{"media types are case-insensitive", "{'Application/JSON; Charset=utf-8': {schema: {type: object}}}", "application/json[charset=utf-8]"},
		{"forms", "{multipart/form-data: {schema: {type: object}}, application/x-www-form-urlencoded: {schema: {properties: {a: {type: object}}}}}", "multipart/form-data application/x-www-form-urlencoded"},
		{"texts and bytes", "{text/plain: {schema: {type: string}}, image/png: {schema: {type: string, format: binary}}, application/xml: {schema: {type: string}}, text/csv: {}}", "text/plain image/png application/xml text/csv"},
		{"objects in media types other than JSON", "{application/xml: {schema: {properties: {a: {}}}}, application/yaml: {schema: {type: object}}, text/event-stream: {schema: {items: {}}}}", "application/xml! application/yaml! text/event-stream!"},
		{"a string or an object is a text", "{text/plain: {schema: {type: [string, object]}}}", "text/plain"},
		{"ranges may match JSON", "{'*/*': {schema: {type: object}}}", "*/*"},
		{"other kinds of multipart", "{multipart/mixed: {schema: {type: object}}, multipart/related: {}}", "multipart/mixed! multipart/related"},
		{"a form that is not an object", "{multipart/form-data: {schema: {type: array}}}", "multipart/form-data!"},
		{"a schema with a spot", "{application/json: {schema: {items: {pattern: '('}}}, text/json: {}}", "application/json! text/json"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := load(t, document("{/x: {post: {requestBody: {required: true, content: "+tt.content+"}}}}", ""))
			var got []string
			spots := 0
			for _, b := range d.Operations[0].Request {
				text := b.Type
				for name, value := range b.Parameters {
					text += "[" + name + "=" + value + "]"
				}
				text += strings.Repeat("!", len(b.Spots))
				spots += len(b.Spots)
				got = append(got, text)
			}
			if got := strings.Join(got, " "); got != tt.want || len(d.Spots) != spots || !d.Operations[0].BodyRequired {
				t.Errorf("got  %s with %d spots\nwant %s", got, len(d.Spots), tt.want)
			}
		})
	}
}

func TestEncoding(t *testing.T) {
	t.Parallel()
	d := load(t, document(`{/x: {post: {requestBody: {content: {multipart/form-data: {schema: {type: object},
		encoding: {a: {contentType: 'image/*, Text/Plain'}, b: {style: deepObject}, c: {explode: false}, d: {allowReserved: true}}}}}}}}`, ""))
	want := map[string]*validate.Encoding{
		"a": {Types: []string{"image/*", "text/plain"}}, "b": {Style: "deepObject"}, "c": {Style: "form"}, "d": {Style: "form", Explode: true, AllowReserved: true},
	}
	for name, e := range d.Operations[0].Request[0].Encoding {
		if fmt.Sprintf("%+v", e) != fmt.Sprintf("%+v", want[name]) {
			t.Errorf("%s: got %+v, want %+v", name, e, want[name])
		}
	}
}

func TestServers(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, servers, want string }{
		{"none", "[]", "/"},
		{"a path", "[{url: /v1/}]", "/v1"},
		{"a URL", "[{url: 'https://a.example:8080/v1/b'}, {url: 'https://a.example'}, {url: //b.example/c}]", "/v1/b /c /"},
		{"relative URLs", "[{url: ./v1}, {url: ''}]", "/v1 /"},
		{"a duplicate path", "[{url: /v1}, {url: 'https://a.example/v1'}]", "/v1"},
		{"characters that need escapes", "[{url: /größe/a b}]", "/gr%C3%B6%C3%9Fe/a%20b"},
		{"a variable with values", "[{url: '/{v}/x', variables: {v: {default: v1, enum: [v1, v2]}}}]", "/v1[v1 v2]/x"},
		{"a variable without values", "[{url: '/t/{tenant}', variables: {tenant: {default: acme}}}]", "/t/acme*"},
		{"variables outside the path", "[{url: '{scheme}://{host}/v1', variables: {scheme: {default: https}, host: {default: a.example, enum: [a.example, b.example]}}}]", "/v1"},
		{"a variable that is part of a segment", "[{url: '/v{n}', variables: {n: {default: '1', enum: ['1', '2']}}}]", "/v1 /v2"},
		{"values of several segments", "[{url: '/{base}', variables: {base: {default: a/b, enum: [a/b, c]}}}]", "/a/b /c"},
		{"a variable that is the whole URL", "[{url: '{server}/v1', variables: {server: {default: 'https://a.example/b'}}}]", "/b/v1"},
		{"a query", "[{url: '/v1?a=b'}]", "/v1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := load(t, document("{}", "servers: "+tt.servers))
			if got := basePathsText(d.BasePaths); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func basePathsText(list []validate.BasePath) string {
	var paths []string
	for _, b := range list {
		text := ""
		for _, s := range b.Segments {
			text += "/" + s.Text
			if s.Values != nil {
				text += fmt.Sprint(s.Values)
			}
			if s.Open {
				text += "*"
			}
		}
		if text == "" {
			text = "/"
		}
		paths = append(paths, text)
	}
	return strings.Join(paths, " ")
}

func TestOperations(t *testing.T) {
	t.Parallel()
	d := load(t, document(`{
		/b: {servers: [{url: /p}], post: {operationId: one, servers: [{url: /o}]}, get: {operationId: one}},
		/a: {$ref: '#/components/pathItems/A', get: {operationId: own}},
		'/c?x=1': {get: {}},
		'/d/{x}': {get: {}}, '/d/{y}': {get: {}},
		x-note: {}}`, "components: {pathItems: {A: {get: {operationId: other}, put: {}, parameters: [{name: q, in: query}]}}}\nservers: [{url: /root}]"))
	var got []string
	for _, o := range d.Operations {
		text := o.ID + " at " + d.Pointer(o)
		if o.BasePaths != nil {
			text += " on " + basePathsText(o.BasePaths)
		}
		got = append(got, text)
	}
	want := []string{
		"one at /paths/~1b/post on /o", "GET /b at /paths/~1b/get on /p", "own at /paths/~1a/get", "PUT /a at /components/pathItems/A/put",
		"GET /c?x=1 at /paths/~1c?x=1/get", "GET /d/{x} at /paths/~1d~1{x}/get", "GET /d/{y} at /paths/~1d~1{y}/get",
	}
	if got, want := strings.Join(got, "\n"), strings.Join(want, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if len(d.Operations[2].Parameters) != 1 {
		t.Error("the parameters of the path item by reference are missing")
	}
	for _, text := range []string{"no request has this path", "same paths as another"} {
		if !warns(d, text) {
			t.Errorf("no warning with %q in %v", text, d.Warnings)
		}
	}
}

func warns(d *Document, text string) bool {
	for _, w := range d.Warnings {
		if strings.Contains(w.Text, text) {
			return true
		}
	}
	return false
}

func TestSecurity(t *testing.T) {
	t.Parallel()
	const schemes = "security: [{k: []}]\ncomponents: {securitySchemes: {k: {type: apiKey, in: query, name: key}, h: {$ref: '#/components/securitySchemes/b'}, b: {type: http, scheme: Bearer}, o: {type: oauth2}}}"
	tests := []struct{ name, operation, want string }{
		{"the document's default", "{}", "[[{k [] apiKey query key}]]"},
		{"none", "{security: []}", "[]"},
		{"optional", "{security: [{}, {h: []}]}", "[[] [{h [] http  bearer}]]"},
		{"all of several, with scopes", "{security: [{o: [a, b], k: []}]}", "[[{o [a b] oauth2  } {k [] apiKey query key}]]"},
		{"an undefined scheme", "{security: [{nope: []}]}", "[[{nope []   }]]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := load(t, document("{/x: {get: "+tt.operation+"}}", schemes))
			if got := fmt.Sprint(d.Operations[0].Security); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// TestHeaders: header fields of responses and parts are read like parameters.
func TestHeaders(t *testing.T) {
	t.Parallel()
	d := load(t, document(`{/x: {post: {
		requestBody: {content: {multipart/form-data: {schema: {type: object}, encoding: {f: {headers: {X-Part: {schema: {type: integer}}}}}}}},
		responses: {200: {headers: {X-Left: {required: true, schema: {type: integer}}, Content-Type: {schema: {type: string}}, X-Ids: {explode: true, schema: {type: array}},
			Link: {$ref: '#/components/headers/Link'}, X-JSON: {content: {application/json: {schema: {type: object}}}},
			X-Style: {style: form, schema: {type: string}}, X-Gone: {$ref: '#/nope'}}}}}}}`,
		"components: {headers: {Link: {schema: {type: string, readOnly: true, minLength: 2}}}}"))
	var got []string
	for _, h := range append(d.Operations[0].Responses[0].Headers, d.Operations[0].Request[0].Encoding["f"].Headers...) {
		text := h.In + " " + h.Name + " " + h.Style
		for word, set := range map[string]bool{" required": h.Required, " explode": h.Explode, " " + h.Content: h.Content != "", " spot": h.Spot != nil} {
			if set {
				text += word
			}
		}
		got = append(got, text)
		if (h.Schema == nil) != (h.Name == "X-Gone") {
			t.Errorf("%s has the schema %v", h.Name, h.Schema)
		}
	}
	want := []string{
		"header X-Left simple required", "header X-Ids simple explode", "header Link simple", "header X-JSON simple application/json",
		"header X-Style simple spot", "header X-Gone simple spot", "header X-Part simple",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(d.Spots) != 2 {
		t.Errorf("got spots %v", d.Spots)
	}
}

func TestResponses(t *testing.T) {
	t.Parallel()
	d := load(t, document("{/x: {get: {responses: {200: {content: {application/json: {}}}, 4xx: {description: a}, default: {$ref: '#/components/responses/R'}, '20': {}, x-a: {}, '500': {$ref: '#/nope'}}}}}", "components: {responses: {R: {content: {text/plain: {}}}}}"))
	var got []string
	for _, r := range d.Operations[0].Responses {
		got = append(got, fmt.Sprint(r.Status, " ", len(r.Bodies)))
	}
	if got, want := strings.Join(got, ", "), "200 1, 4XX 0, default 1, 500 0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if len(d.Spots) != 1 || len(d.Operations[0].Spots) != 1 || !warns(d, "20 is not a status") {
		t.Errorf("got spots %v, warnings %v", d.Spots, d.Warnings)
	}
}

// TestHeadersOfResponsesAndParts: header fields of responses and of parts are read in the same way.
func TestHeadersOfResponsesAndParts(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, headers, want string }{
		{"a schema", "{A: {required: true, schema: {type: integer}}}", "header A required simple: integer"},
		{"of any value", "{A: {description: any}}", "header A simple: nil"},
		{"exploded", "{A: {explode: true, schema: {type: object}}}", "header A simple explode: object"},
		{"content", "{A: {content: {application/json: {schema: {type: object}}}}}", "header A simple application/json: object"},
		{"by reference", "{A: {$ref: '#/components/headers/R'}}", "header A required simple: string"},
		{"in the document's order", "{B: {}, A: {}}", "header B simple: nil, header A simple: nil"},
		{"a name that begins like an extension", "{x-a: {schema: {type: string}}, x-note: text}", "header x-a simple: string"},
		{"Content-Type, which the media type describes", "{content-type: {required: true}, Content-Length: {}}", "header Content-Length simple: nil"},
		{"an unresolvable reference", "{A: {$ref: '#/nope'}}", "header A simple: nil! the reference"},
		{"a style of another place", "{A: {style: form, schema: {type: string}}}", "header A simple: string! the style"},
		{"an unsupported pattern", "{A: {schema: {type: string, pattern: '('}}}", "header A simple: string! pattern"},
		{"lists in lists", "{A: {schema: {type: array, items: {type: array}}}}", "header A simple: array items:array! no text"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := load(t, document("{/x: {post: {requestBody: {content: {multipart/form-data: {schema: {type: object}, encoding: {f: {headers: "+tt.headers+"}}}}}, responses: {200: {headers: "+tt.headers+"}}}}}",
				"components: {headers: {R: {required: true, schema: {type: string}}}}"))
			part := d.Operations[0].Request[0]
			for _, list := range [][]*validate.Parameter{d.Operations[0].Responses[0].Headers, part.Encoding["f"].Headers} {
				var all []string
				for _, h := range list {
					all = append(all, parameterText(h))
				}
				got, reason, _ := strings.Cut(strings.Join(all, ", "), "! ")
				want, spot, spotted := strings.Cut(tt.want, "! ")
				if !strings.HasPrefix(got, want) || !spotted && got != want || !strings.Contains(reason, spot) || spotted != (reason != "") || spotted != (len(part.Spots) == 1) || spotted != (len(d.Spots) > 0) {
					t.Errorf("got  %s! %s, and the body's spots %v\nwant %s", got, reason, part.Spots, tt.want)
				}
			}
		})
	}
}
