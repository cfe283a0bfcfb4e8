package spec

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReferences(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, schema, components, want string }{
		{"into $defs", "{$ref: '#/components/schemas/A/$defs/b'}", "{A: {$defs: {b: {type: string}}}}", "string"},
		{"into the paths", "{$ref: '#/components/schemas/A'}", "{A: {properties: {a: {items: {type: string}}, b: {$ref: '#/components/schemas/A/properties/a/items'}}}}", "a:items:string b:string"},
		{"escaped names", "{$ref: '#/components/schemas/a~1b%20%7Ec~0'}", "{'a/b ~c~': {type: string}}", "string"},
		{"an anchor", "{$ref: '#here'}", "{A: {properties: {x: {$anchor: here, type: string}}}}", "string"},
		{"an $id", "{$ref: 'https://a.example/s'}", "{A: {$id: 'https://a.example/s', type: string}}", "string"},
		{"relative to an $id", "{$ref: 'https://a.example/dir/s'}", "{A: {$id: 'https://a.example/dir/s', items: {$ref: t}}, B: {$id: 'https://a.example/dir/t', type: string}}", "items:string"},
		{"within an $id", "{$ref: 'https://a.example/s'}", "{A: {$id: 'https://a.example/s', items: {$ref: '#/$defs/t'}, $defs: {t: {type: string}}}}", "items:string"},
		{"out of an $id to the document", "{$ref: '#/components/schemas/A'}", "{A: {$id: 'https://a.example/s', items: {$ref: '#/components/schemas/B'}}, B: {type: string}}", "items:string"},
		{"an anchor of an $id", "{$ref: 'https://a.example/s#here'}", "{A: {$id: 'https://a.example/s', $defs: {t: {$anchor: here, type: string}}}}", "string"},
		{"an $id that is a URN", "{$ref: 'urn:example:s'}", "{A: {$id: 'urn:example:s', type: string}}", "string"},
		{"an $id that is not in a schema", "{$ref: 'https://a.example/s'}", "{A: {const: {$id: 'https://a.example/s'}, unknown: {$id: 'https://a.example/s'}}}", "unjudged schema"},
		{
			"a dynamic reference takes the outermost anchor", "{$ref: '#/components/schemas/Strings'}",
			"{List: {$id: 'https://a.example/list', items: {$dynamicRef: '#item'}, $defs: {item: {$dynamicAnchor: item}}}, Strings: {$id: 'https://a.example/strings', $ref: list, $defs: {item: {$dynamicAnchor: item, type: string}}}}",
			"items:string",
		},
		{
			"a resource with another anchor does not replace it", "{$ref: '#/components/schemas/Strings'}",
			"{List: {$id: 'https://a.example/list', items: {$dynamicRef: '#item'}, $defs: {item: {$dynamicAnchor: item}, more: {$dynamicAnchor: more}}}, Strings: {$id: 'https://a.example/strings', $ref: list, $defs: {item: {$dynamicAnchor: item, type: string}}}}",
			"items:string",
		},
		{
			"one place in two dynamic scopes", "{properties: {a: {$ref: 'https://a.example/strings'}, b: {$ref: 'https://a.example/list'}}}",
			"{List: {$id: 'https://a.example/list', items: {$dynamicRef: '#item'}, $defs: {item: {$dynamicAnchor: item}}}, Strings: {$id: 'https://a.example/strings', $ref: list, $defs: {item: {$dynamicAnchor: item, type: string}}}}",
			"a:items:string b:items:any",
		},
		{
			"a dynamic reference to a plain anchor is a reference", "{$ref: '#/components/schemas/Strings'}",
			"{List: {$id: 'https://a.example/list', items: {$dynamicRef: '#item'}, $defs: {item: {$anchor: item}}}, Strings: {$id: 'https://a.example/strings', $ref: list, $defs: {item: {$dynamicAnchor: item, type: string}}}}",
			"items:any",
		},
		{"a missing schema", "{items: {$ref: '#/components/schemas/No'}, maxItems: 1}", "", "maxItems 1 items:{unjudged items}"},
		{"a URL", "{$ref: 'https://a.example/s.json'}", "", "unjudged schema"},
		{"a file, without a folder", "{$ref: 'a.yaml'}", "", "unjudged schema"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := requestOf(t, body31(tt.schema, tt.components))
			if got = lastTokens(got); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// lastTokens shortens the pointers of spots.
func lastTokens(text string) string {
	words := strings.Split(text, " ")
	for i, word := range words {
		if at, end := strings.LastIndexByte(word, '/'), strings.TrimRight(word, "}],"); strings.HasPrefix(word, "/") {
			words[i] = word[at+1:len(end)] + word[len(end):]
		}
	}
	return strings.Join(words, " ")
}

func TestFiles(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	files := map[string]string{
		"above.yaml":            "type: string",
		"api/shared.yaml":       "A: {type: array, items: {$ref: 'schemas/b.json'}}\nBack: {$ref: 'openapi.yaml#/components/schemas/Own'}\nParameter: {name: q, in: query, schema: {$ref: '#/Text'}}\nText: {type: string}",
		"api/schemas/b.json":    `{"type": "object", "properties": {"up": {"$ref": "../shared.yaml#/A"}, "id": {"readOnly": true}}}`,
		"api/paths/x.yaml":      "get: {$ref: get.yaml}",
		"api/paths/get.yaml":    "operationId: getX\nparameters: [{$ref: '../shared.yaml#/Parameter'}]\nresponses: {'200': {$ref: '../shared.yaml#/No'}}",
		"api/broken.yaml":       "a: [",
		"api/dir.yaml/file":     "",
		"api/schemas/deep.yaml": "{$ref: ../../above.yaml}",
	}
	for name, text := range files {
		name = filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(folder, "above.yaml"), filepath.Join(folder, "api/link.yaml")); err != nil {
		t.Fatal(err)
	}
	t.Run("followed", func(t *testing.T) { followFiles(t, filepath.Join(folder, "api")) })
	tests := []struct{ name, ref, want string }{
		{"above the folder", "../above.yaml", "out of the document's folder"},
		{"above the folder from below", "schemas/deep.yaml", "out of the document's folder"},
		{"a path from the root", "/etc/passwd", "out of the document's folder"},
		{"a file URL", "file:///etc/passwd", "out of the document"},
		{"a URL", "https://a.example/b.yaml", "out of the document"},
		{"a symbolic link that leads out", "link.yaml", "escapes"},
		{"a missing file", "no.yaml", "no such file"},
		{"a folder", "dir.yaml", "not a file"},
		{"a malformed file", "broken.yaml", "line 1"},
		{"a missing place", "shared.yaml#/No", "leads nowhere"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := document("{/x: {post: {requestBody: {content: {application/json: {schema: {$ref: '"+tt.ref+"'}}}}}}}", "")
			d, err := Load(t.Context(), []byte(text), Options{Folder: filepath.Join(folder, "api"), Name: "openapi.yaml"})
			if err != nil || len(d.Spots) != 1 || !strings.Contains(d.Spots[0].Reason, tt.want) {
				t.Fatalf("got %v, %v; want a spot with %q", d, err, tt.want)
			}
			if strings.Contains(d.Spots[0].Reason, folder) {
				t.Errorf("%q reveals the path of the folder", d.Spots[0].Reason)
			}
		})
	}
}

func followFiles(t *testing.T, folder string) {
	text := `openapi: 3.0.3
info: {title: t, version: '1'}
paths:
  /x: {$ref: paths/x.yaml}
  /y: {post: {requestBody: {content: {application/json: {schema: {$ref: 'shared.yaml#/A'}}, text/json: {schema: {$ref: 'shared.yaml#/Back'}}}}}}
components: {schemas: {Own: {type: integer}}}
`
	d, err := Load(t.Context(), []byte(text), Options{Folder: folder, Name: "openapi.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	x, y := d.Operations[0], d.Operations[1]
	if x.ID != "getX" || len(x.Parameters) != 1 || show(x.Parameters[0].Schema) != "string" {
		t.Errorf("got %s with %d parameters", x.ID, len(x.Parameters))
	}
	if got, want := show(y.Request[0].Schema), "array items:{object up:^A id:readOnly}"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if s := y.Request[1].Schema; show(s) != "integer" || s.Name != "Own" {
		t.Errorf("got %s, which is %q; want the component of the document", show(s), s.Name)
	}
	if got, want := y.Request[0].Schema.Items.Pointer, "schemas/b.json#"; got != want {
		t.Errorf("got the pointer %s, want %s", got, want)
	}
	if got, want := strings.Join(d.Files, " "), "paths/x.yaml paths/get.yaml shared.yaml schemas/b.json"; got != want {
		t.Errorf("got the files %s, want %s", got, want)
	}
	if len(d.Spots) != 1 || d.Spots[0].Pointer != "paths/get.yaml#/responses/200" {
		t.Errorf("got the spots %v", d.Spots)
	}
}
