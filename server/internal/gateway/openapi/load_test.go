package openapi

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
)

// small returns a document of one operation, POST /a, with the given rest.
func small(version, operation, rest string) string {
	return fmt.Sprintf("openapi: %s\ninfo: {title: t, version: '1'}\npaths: {/a: {post: {%s responses: {'204': {description: d}}}}}\n%s", version, operation, rest)
}

// schemaIn returns a document whose operation has a body of the schema.
func schemaIn(version, schema string) string {
	return small(version, "requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/S'}}}},", "components: {schemas: {S: "+schema+"}}")
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "secret.yaml")
	if err := os.WriteFile(secret, []byte("type: string"), 0o600); err != nil {
		t.Fatal(err)
	}
	parameter := func(p string) string { return small("3.0.3", "parameters: ["+p+"],", "") }
	content := func(c string) string { return small("3.0.3", "requestBody: {content: {"+c+"}},", "") }
	paths := func(p string) string {
		return "openapi: 3.0.3\ninfo: {title: t, version: '1'}\npaths: {" + p + "}"
	}
	const ok, op = "{responses: {'204': {description: d}}}", "responses: {'204': {description: d}}"
	for name, tt := range map[string]struct{ doc, want string }{
		"nothing":                    {"", "EOF"},
		"no object":                  {"[1]", "not an object"},
		"no YAML":                    {"a: [", "reading the document"},
		"two documents":              {"openapi: 3.0.3\n---\na: 1", "more than one"},
		"a member twice":             {"openapi: 3.0.3\nopenapi: 3.1.0", `line 2: "openapi" stands twice`},
		"a JSON member twice":        {`{"openapi":"3.0.3","openapi":"3.1.0"}`, `"openapi" stands twice`},
		"merge keys":                 {"a: &a {b: 1}\nc: {<<: *a}", "merge keys"},
		"aliases that multiply":      {bomb(), "too large"},
		"infinity":                   {"a: .inf", "no form in JSON"},
		"Swagger":                    {"swagger: '2.0'\ninfo: {title: t, version: '1'}\npaths: {}", "this is Swagger 2.0"},
		"no version":                 {"info: {title: t, version: '1'}", `openapi is ""`},
		"a version to come":          {small("3.2.0", "", ""), `openapi is "3.2.0"`},
		"another dialect":            {small("3.1.0", "", "jsonSchemaDialect: https://json-schema.org/draft-07/schema"), "/jsonSchemaDialect"},
		"no info":                    {"openapi: 3.0.3\npaths: {}", "info"},
		"unknown members":            {small("3.0.3", "operationID: x,", ""), "operationID"},
		"a file":                     {schemaIn("3.0.3", "{$ref: '"+secret+"'}"), "leads out of the document"},
		"a URL":                      {schemaIn("3.1.0", "{$ref: 'http://127.0.0.1:1/x#/a'}"), "leads out of the document"},
		"a file of a path":           {paths("/a: {$ref: 'other.yaml'}"), "leads out of the document"},
		"a loose end":                {schemaIn("3.0.3", "{$ref: '#/components/schemas/None'}"), "None"},
		"a reference to itself":      {schemaIn("3.0.3", "{allOf: [{$ref: '#/components/schemas/S'}]}"), "contains itself"},
		"nothing but itself":         {schemaIn("3.1.0", "{$ref: '#/components/schemas/S'}"), "S"},
		"alternatives to itself":     {schemaIn("3.1.0", "{type: object, anyOf: [{type: string}, {$ref: '#/components/schemas/S'}]}"), "at /components/schemas/S: the schema contains itself without"},
		"not itself":                 {schemaIn("3.0.3", "{not: {$ref: '#/components/schemas/S'}}"), "contains itself without"},
		"lookahead":                  {schemaIn("3.0.3", "{type: object, properties: {a/b: {type: string, pattern: '^(?=a)'}}}"), "at /components/schemas/S/properties/a~1b/pattern: the pattern cannot be compiled"},
		"a pattern of names":         {schemaIn("3.1.0", `{patternProperties: {'(?!x)': {}}}`), "at /components/schemas/S/patternProperties/(?!x): the pattern"},
		"half a surrogate":           {schemaIn("3.0.3", `{type: string, pattern: '\ud83d'}`), "surrogate"},
		"keywords of 3.1 in 3.0":     {schemaIn("3.0.3", "{const: 1}"), "const"},
		"types of 3.1 in 3.0":        {schemaIn("3.0.3", "{type: [string, 'null']}"), "at"},
		"nullable in 3.1":            {schemaIn("3.1.0", "{type: string, nullable: true}"), "nullable"},
		"$id":                        {schemaIn("3.1.0", "{$id: 'https://a.example/s', type: string}"), `the keyword "$id" is not understood`},
		"$dynamicRef":                {schemaIn("3.1.0", "{$dynamicRef: '#a'}"), `at /components/schemas/S: the keyword "$dynamicRef" is not understood`},
		"old bounds in 3.1":          {schemaIn("3.1.0", "{type: number, minimum: 1, exclusiveMinimum: true}"), "exclusiveMinimum"},
		"a schema against the rules": {schemaIn("3.1.0", "{type: object, properties: {a: {dependentRequired: {b: [c, c]}}}}"), "at /components/schemas/S/properties/a/dependentRequired/b: the schema is not valid"},
		"a schema's dialect":         {schemaIn("3.1.0", "{$schema: 'http://json-schema.org/draft-04/schema#'}"), "/components/schemas/S/$schema"},
		"no such type":               {schemaIn("3.1.0", "{type: text}"), "text"},
		"inline alternatives":        {schemaIn("3.0.3", "{oneOf: [{type: object}], discriminator: {propertyName: a}}"), "must be a $ref"},
		"a mapping to nothing":       {schemaIn("3.0.3", "{oneOf: [{$ref: '#/components/schemas/T'}], discriminator: {propertyName: a, mapping: {x: None}}}, T: {type: object}"), "nothing is at /components/schemas/None"},
		"one template twice":         {paths("'/a/{x}': {get: {parameters: [{name: x, in: path, required: true, schema: {}}], " + op + "}}, '/a/{y}': {put: {parameters: [{name: y, in: path, required: true, schema: {}}], " + op + "}}"), "/a/{"},
		"one name twice":             {paths("/a: {get: {operationId: x, " + op + "}}, /b: {get: {operationId: x, " + op + "}}"), `"x"`},
		"a name that is made":        {paths("/a: {get: " + ok + "}, /b: {get: {operationId: GET /a, " + op + "}}"), `"GET /a" is also that of GET /a`},
		"part of a segment":          {paths("'/a.{x}': {get: {parameters: [{name: x, in: path, required: true, schema: {}}], " + op + "}}"), "whole segment"},
		"an undescribed segment":     {paths("'/a/{x}': {get: " + ok + "}"), "x"},
		"servers in error":           {small("3.0.3", "", "servers: [{url: 'https://a.example/x?y=z'}]"), "at /servers/0"},
		"a server's variable":        {small("3.0.3", "", "servers: [{url: 'https://{a}.example'}]"), "variable"},
		"no style":                   {parameter("{name: a, in: query, style: simple, schema: {type: string}}"), "simple"},
		"deep strings":               {parameter("{name: a, in: query, style: deepObject, schema: {type: string}}"), "deepObject is for exploded objects"},
		"deep objects":               {parameter("{name: a, in: query, style: deepObject, schema: {type: object, properties: {b: {type: object}}}}"), "no text for objects"},
		"lists of lists":             {parameter("{name: a, in: query, schema: {type: array, items: {type: array, items: {type: string}}}}"), "no text for objects"},
		"one option twice":           {parameter("{name: b, in: query, schema: {type: string}}, {name: a, in: query, schema: {type: object, properties: {b: {type: string}}}}"), `two parameters are called "b"`},
		"any option twice":           {parameter("{name: b, in: query, schema: {type: object}}, {name: a, in: query, schema: {type: object}}"), "members of any name"},
		"objects or strings":         {parameter("{name: a, in: header, schema: {anyOf: [{type: string}, {type: object}]}}"), "cannot be an object or something else"},
		"a recursive parameter":      {small("3.0.3", "parameters: [{name: a, in: query, schema: {$ref: '#/components/schemas/S'}}],", "components: {schemas: {S: {type: array, items: {$ref: '#/components/schemas/S'}}}}"), "contain itself"},
		"content of XML":             {parameter("{name: a, in: query, content: {application/xml: {schema: {}}}}"), "JSON media type"},
		"exploded cookies":           {parameter("{name: a, in: cookie, schema: {type: array, items: {type: string}}}"), "no form in a cookie"},
		"XML":                        {content("application/xml: {schema: {type: object}}"), "at /paths/~1a/post/requestBody/content/application~1xml/schema: objects and arrays"},
		"multipart":                  {content("multipart/form-data: {schema: {type: object}}"), "multipart/form-data cannot be checked"},
		"encoding":                   {content(form + ": {schema: {type: object, properties: {a: {type: string}}}, encoding: {a: {style: form}}}"), "encoding"},
		"objects in forms":           {content(form + ": {schema: {type: object, properties: {a: {type: object}}}}"), "no text for objects"},
		"a media type twice":         {content("application/json: {}, Application/JSON;v=1: {}"), "application/json is there twice"},
		"no status":                  {paths("/a: {get: {responses: {good: {description: d}}}}"), "good"},
		"unknown security":           {small("3.0.3", "security: [{none: []}],", ""), "none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Load([]byte(tt.doc))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in\n%s", err, tt.want, tt.doc)
			}
		})
	}
}

// bomb is a document whose aliases stand for ten to the eighth power.
func bomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x]\n")
	for i := range 8 {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i), 10), ","))
	}
	return b.String()
}

// TestTextJSONIsJSON: documents that ASP.NET makes have it beside application/json, with the same schema.
func TestTextJSONIsJSON(t *testing.T) {
	t.Parallel()
	c, err := Load([]byte(small("3.0.3", "requestBody: {content: {text/json: {schema: {type: object}}}},", "")))
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	c.Operations[0].CheckRequestBody("text/json", []byte(`{"a":1,"a":2}`), func(_, _, _, keyword, _, _, _ string) { got += keyword })
	if got != "malformed" {
		t.Errorf("got %q, want malformed", got)
	}
}

func TestBasePaths(t *testing.T) {
	t.Parallel()
	for servers, want := range map[string]string{
		"":            `[""]`,
		"{url: /}":    `[""]`,
		"{url: /v1/}": `["/v1"]`,
		"{url: v1}":   `["/v1"]`,
		"{url: '.'}":  `[""]`,
		"{url: 'https://a.example'}, {url: 'https://b.example/v1'}, {url: 'https://c.example/v1/'}":                                   `["/v1" ""]`,
		"{url: '{scheme}://a.example:{port}/{v}/x', variables: {scheme: {default: http}, port: {default: '80'}, v: {default: beta}}}": `["/beta/x"]`,
		"{url: '//a.example/a%20b'}": `["/a%20b"]`,
	} {
		rest := "servers: [" + servers + "]"
		if servers == "" {
			rest = ""
		}
		c, err := Load([]byte(small("3.0.3", "", rest)))
		if err != nil {
			t.Errorf("%s: %v", servers, err)
		} else if got := fmt.Sprintf("%q", c.BasePaths); got != want {
			t.Errorf("%s: got %s, want %s", servers, got, want)
		}
	}
}

// TestSchemasMeanTheSame: what both versions can say gets the same verdict.
func TestSchemasMeanTheSame(t *testing.T) {
	t.Parallel()
	both := []string{"3.0.3", "3.1.0"}
	for _, tt := range []struct {
		versions   []string
		schema     string
		body, want string
	}{
		{both, "{}", `null`, ""},
		{both, "{type: integer, format: int64}", `9223372036854775808`, "format "},
		{both, "{type: integer, format: int64}", `-9223372036854775808.0`, ""},
		{both, "{type: number, format: int32}", `1.5`, "format "},
		{both, "{type: integer, format: uint8}", `256`, "format "},
		{both, "{type: number, maximum: 9007199254740992}", `9007199254740993`, "maximum "},
		{both, "{enum: [9007199254740992]}", `9007199254740993`, "enum "},
		{both, "{type: array, uniqueItems: true, items: {}}", `[1,1.0]`, "uniqueItems "},
		{both, "{type: string, maxLength: 1}", `"\ud83d\ude00"`, ""},
		{both, "{type: string, pattern: '^\\u00e9$'}", `"é"`, ""},
		{both, "{type: string, pattern: '^\\\\u$'}", `"\\u"`, ""},
		{both, "{type: string, format: unheard-of}", `"x"`, ""},
		{both, "{type: string, format: byte}", `"YWJj\n"`, "format "},
		{both, "{type: string, format: ipv4}", `"1.2.3.256"`, "format "},
		{both, "{type: object, default: {a: 1}, required: [a], properties: {a: {default: 1}}}", `{}`, "required /a"},
		// required in one schema, hidden by its sibling
		{both, "{allOf: [{$ref: '#/components/schemas/T'}, {properties: {id: {readOnly: true}}}]}, T: {required: [id, name]}", `{}`, "required /name"},
		{both, "{allOf: [{$ref: '#/components/schemas/T'}, {properties: {id: {readOnly: true}}}]}, T: {required: [id, name]}", `{"name":1,"id":1}`, "readOnly /id"},
		{both, "{type: object, properties: {t: {$ref: '#/components/schemas/T'}}}, T: {type: string, readOnly: true}", `{"t":"x"}`, "readOnly /t"},
		{both, "{type: object, required: [w], properties: {w: {writeOnly: true}}}", `{}`, "required /w"},
		{both, "{anyOf: [{$ref: '#/components/schemas/T'}], discriminator: {propertyName: k}}, T: {required: [x], properties: {k: {}}}", `{"k":"T"}`, "required /x"},
		{both, "{anyOf: [{$ref: '#/components/schemas/T'}], discriminator: {propertyName: k}}, T: {required: [x], properties: {k: {}}}", `{"k":"t"}`, "enum /k"},
		{both, "{discriminator: {propertyName: k}, type: object}", `{"k":"anything"}`, ""},
		{both, "{type: object, properties: {s: {$ref: '#/components/schemas/S'}}, additionalProperties: false}", `{"s":{"s":{"x":1}}}`, "additionalProperties /s/s/x"},
		{both[:1], "{$ref: '#/components/schemas/T', maxLength: 1}, T: {type: string}", `"xx"`, ""},
		{both[1:], "{$ref: '#/components/schemas/T', maxLength: 1}, T: {type: string}", `"xx"`, "maxLength "},
		{both[:1], "{type: number, minimum: 1, exclusiveMinimum: true}", `1`, "exclusiveMinimum "},
		{both[:1], "{type: number, minimum: 1, exclusiveMinimum: false}", `1`, ""},
		{both[:1], "{type: string, nullable: true, enum: [a]}", `null`, ""},
		{both[:1], "{type: object, nullable: true, allOf: [{required: [a]}]}", `null`, ""},
		{both[:1], "{type: object, nullable: true, allOf: [{required: [a]}]}", `1`, "type "},
		{both[:1], "{type: object, nullable: true, properties: {id: {readOnly: true}}, anyOf: [{}]}", `{"id":1}`, "readOnly /id"},
		{both[1:], "{const: null}", `0`, "const "},
		{both[1:], "{type: [string, 'null'], maxLength: 1}", `null`, ""},
		{both[1:], "{type: object, properties: {a: true, b: false}}", `{"a":1,"b":1}`, "additionalProperties /b"},
	} {
		for _, version := range tt.versions {
			c, err := Load([]byte(schemaIn(version, tt.schema)))
			if err != nil {
				t.Errorf("%s %s: %v", version, tt.schema, err)
				continue
			}
			var got []string
			c.Operations[0].CheckRequestBody("application/json", []byte(tt.body), func(_, pointer, _, keyword, _, _, _ string) {
				got = append(got, keyword+" "+pointer)
			})
			if strings.Join(got, "; ") != tt.want {
				t.Errorf("%s %s %s: got %q, want %q", version, tt.schema, tt.body, got, tt.want)
			}
		}
	}
}

func TestFaultsAreBounded(t *testing.T) {
	t.Parallel()
	c := load(t, "shop.yaml")
	for what, check := range map[string]func(gateway.Report){
		"query": func(r gateway.Report) {
			operationOf(c, "listPets").CheckParameters(nil, strings.Repeat("x=1&", 1000), nil, r)
		},
		"body": func(r gateway.Report) {
			operationOf(c, "listPets").CheckResponseBody(200, "application/json", []byte("["+strings.Repeat("{},", 1000)+"1]"), r)
		},
	} {
		n := 0
		check(func(_, _, _, _, _, _, _ string) { n++ })
		if n != maxFaults {
			t.Errorf("%s: got %d faults, want %d", what, n, maxFaults)
		}
	}
}

// TestWrongItemsCostNoMoreThanRightOnes: a megabyte of wrong items made gigabytes of errors once. It counts allocations, so
// that nothing runs beside it.
func TestWrongItemsCostNoMoreThanRightOnes(t *testing.T) {
	c := load(t, "shop.yaml")
	const items = 100_000
	body := []byte("[" + strings.Repeat("{},", items) + "1]")
	got := testing.AllocsPerRun(1, func() {
		operationOf(c, "listPets").CheckResponseBody(200, "application/json", body, func(_, _, _, _, _, _, _ string) {})
	})
	if got > 6*items {
		t.Errorf("%.0f allocations for %d items, want %d at most", got, items, 6*items)
	}
}

func TestAPanicIsAFault(t *testing.T) {
	t.Parallel()
	var got string
	guarded(func(_, _, _, keyword, _, _, _ string) { got = keyword }, func() []fault { panic("planted") })
	if got != "internal" {
		t.Errorf("got %q, want internal", got)
	}
}
