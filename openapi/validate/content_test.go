package validate

import (
	"context"
	"strings"
	"testing"
)

// body returns a body of a media type from its description {schema: …, encoding: …, spot: …}.
func body(t *testing.T, mediaType, text string) *Body {
	t.Helper()
	b := &Body{Type: mediaType}
	write(t, text).each(func(name string, v written) {
		switch name {
		case "schema":
			b.Schema = compile(t, v.schema())
		case "spot":
			b.Spots = []Spot{{Reason: v.n.Value}}
		case "encoding":
			b.Encoding = map[string]*Encoding{}
			v.each(func(member string, e written) { b.Encoding[member] = e.encoding() })
		default:
			t.Fatalf("unknown member %s of a body", name)
		}
	})
	return b
}

func (w written) encoding() *Encoding {
	e := &Encoding{}
	explode := ""
	w.each(func(name string, v written) {
		switch name {
		case "contentType":
			for typ := range strings.SplitSeq(v.n.Value, ",") {
				e.Types = append(e.Types, strings.TrimSpace(typ))
			}
		case "style":
			e.Style = v.n.Value
		case "explode":
			explode = v.n.Value
		case "headers":
			e.Headers = v.headers()
		}
	})
	if e.Style == "" && explode != "" {
		e.Style = "form"
	}
	e.Explode = explode == "true" || explode == "" && e.Style == "form"
	return e
}

func (w written) headers() []*Parameter {
	var list []*Parameter
	w.each(func(name string, v written) {
		h := &Parameter{In: "header", Name: name, Style: "simple"}
		v.each(func(keyword string, value written) {
			switch keyword {
			case "schema":
				h.Schema = compile(w.t, value.schema())
			case "content":
				h.Content = value.n.Value
			case "spot":
				h.Spot = &Spot{Reason: value.n.Value}
			default:
				value.into(map[string]any{"required": &h.Required, "explode": &h.Explode}[keyword])
			}
		})
		list = append(list, h)
	})
	return list
}

type contentCase struct{ contentType, data, want string }

func checkCases(t *testing.T, b *Body, cases []contentCase) {
	t.Helper()
	for _, c := range cases {
		if got := said(b.CheckContent(t.Context(), c.contentType, []byte(c.data))); got != c.want {
			t.Errorf("%s %.200q: got %q, want %q", c.contentType, c.data, got, c.want)
		}
	}
}

// TestContentIsWhatItSays: under a range, content is checked as its own media type.
func TestContentIsWhatItSays(t *testing.T) {
	t.Parallel()
	const jsonType = "application/json"
	const a = "{schema: {type: object, required: [a], properties: {a: {type: string, maxLength: 5}}, additionalProperties: false}}"
	for name, tt := range map[string]struct {
		mediaType, text string
		cases           []contentCase
	}{
		"an object under */*": {"*/*", a, []contentCase{
			{jsonType, `{"a":"b"}`, ""},
			{jsonType, `{"a":"bcdefg"}`, "maxLength a/a"},
			{jsonType, `{"a":"b","a":"c"}`, "malformed"},
			{jsonType, ``, "malformed"},
			{"application/hal+json", `{}`, "required a/a"},
			{"text/json; charset=us-ascii", `{"a":"b"}`, ""},
			{"text/json; charset=us-ascii", `{"a":"ä"}`, "encoding"},
			{"text/json; charset=utf-7", `{"a":"b"}`, "encoding"},
			{formType, `a=b`, ""},
			{formType, `{"a":"1","b":"&a=123456789&admin=true&c="}`, `additionalProperties {"a":"1","b":"/{"a":"1","b":"; maxLength a/a; additionalProperties admin/admin; additionalProperties c/c`},
			{"multipart/form-data; boundary=B", "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--B--", ""},
			{"text/plain", `{"a":"b"}`, "type"},
			{"application/xml", `<a>b</a>`, "type"},
			{"nonsense", `{"a":"b"}`, "contentType"},
		}},
		"a text": {"text/plain", "{schema: {type: string, maxLength: 3}}", []contentCase{
			{"text/plain", "äöü", ""}, {"text/plain", "", ""}, {"text/plain", "abcd", "maxLength"}, {"text/plain", "\xff", "encoding"},
			{"text/plain; charset=us-ascii", "ä", "encoding"}, {"text/plain; charset=iso-8859-1", "a", "encoding"},
		}},
		"a number as text":             {"text/plain", "{schema: {type: integer, maximum: 5}}", []contentCase{{"text/plain", "5", ""}, {"text/plain", "6", "maximum"}, {"text/plain", "five", "type"}}},
		"a number or a word":           {"text/csv", "{schema: {anyOf: [{type: integer, maximum: 5}, {type: string, minLength: 2}]}}", []contentCase{{"text/csv; header=present", "5", ""}, {"text/csv", "66", ""}, {"text/csv", "6", "anyOf"}}},
		"bytes":                        {"application/octet-stream", "{schema: {type: string, format: binary, minLength: 2, maxLength: 4}}", []contentCase{{"application/octet-stream", "\xff\xff", ""}, {"application/octet-stream", "\xff", "minLength"}, {"application/octet-stream", "äöü", "maxLength"}}},
		"bytes without format":         {"image/*", "{schema: {type: string, maxLength: 3}}", []contentCase{{"image/png", "\xff\xff\xff", ""}, {"image/png", "\xff\xff\xff\xff", "maxLength"}}},
		"bytes with a pattern":         {"*/*", "{schema: {type: string, pattern: '^a'}}", []contentCase{{"image/png", "b", "pattern"}, {"image/png", "\xff", "encoding"}, {"image/png", "a", ""}}},
		"bytes that are a number":      {"*/*", "{schema: {type: integer}}", []contentCase{{"image/png", "b", "type"}}},
		"binary as text":               {"text/plain", "{schema: {type: string, format: binary, maxLength: 3}}", []contentCase{{"text/plain", "\xff", ""}, {"text/plain", "äö", "maxLength"}}},
		"no schema":                    {"*/*", "{}", []contentCase{{"text/plain; charset=utf-7", "\xff", ""}, {jsonType, "{", "malformed"}, {jsonType, "1", ""}, {"multipart/form-data", "x", ""}}},
		"a spot":                       {"application/xml", "{schema: {type: object}, spot: why}", []contentCase{{"application/xml", "<a/>", ""}, {"application/xml", "\xff", ""}}},
		"a spot within JSON":           {jsonType, "{schema: {type: object}, spot: why}", []contentCase{{jsonType, "1", "type"}}},
		"a form that is not an object": {formType, "{schema: {type: string}, spot: why}", []contentCase{{formType, "a=b", ""}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkCases(t, body(t, tt.mediaType, tt.text), tt.cases)
		})
	}
}

func TestForms(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text  string
		cases []string
	}{
		"members": {"{schema: {type: object, required: [s], properties: {s: {type: string}, 'a.b': {type: string}, n: {type: integer}, on: {type: boolean}, l: {type: array, maxItems: 2, items: {type: integer}}, 'l[]': {type: array, items: {type: integer}}}, additionalProperties: false}}", []string{
			"s=a%26b+c&n=1&on=true => ", "s=:/?#[]@!$'()*,; => ", "n=1 => required s/s", " => required s/s", "s=a&s=b => repeated s/s", "s=a&n=x => type n/n", "s=a&on=on => type on/on",
			"s=a&l=1&l=2 => ", "s=a&l=1&l=2&l=3 => maxItems l/l", "s=a&l=1,2 => type l/l/0", "s=a&l[]=1&l%5B%5D=2 => ", "s=a&l[0]=1 => additionalProperties l[0]/l[0]", "s=a&x=1 => additionalProperties x/x",
			"s=%zz => encoding s/s", "s=a&%zz=1 => encoding", "s=%ff => encoding s/s", "&&s=a& => ", "a.b=c&s=a => ", "s => ", "=1&s=a => additionalProperties /",
			"n=x&s=a&x=1 => type n/n; additionalProperties x/x", "_charset_=utf-8&s=a => additionalProperties _charset_/_charset_", "_charset_=utf-7&s=a => encoding _charset_/_charset_",
		}},
		"a style": {"{schema: {type: object, properties: {c: {type: array, items: {type: integer}}, p: {type: array, items: {type: string, maxLength: 2}}, o: {type: object, properties: {R: {type: integer}}}}}, encoding: {c: {style: form, explode: false}, p: {style: pipeDelimited}, o: {explode: false}}}", []string{
			"c=1,2 => ", "c=1,x => type c/c/1", "c=1%2C2 => type c/c/0", "c=1&c=2 => repeated c/c", "c=%zz => encoding c/c", "p=a|b%7Cc => ", "p=abc|d => maxLength p/p/0",
			"o=R,1 => ", "o=R,x => type R/o/R", "o=R => type o/o", "o=R,1,R,2 => repeated R/o/R",
		}},
		"objects": {"{schema: {type: object, properties: {o: {type: object, required: [a], properties: {a: {type: integer}}}, l: {type: array, items: {type: object, properties: {a: {type: integer}}}}}}}", []string{
			`o=%7B%22a%22%3A1%7D => `, `o={"a":"x"} => type a/o/a`, "o={} => required a/o/a", "o[a]=1 => ", "o[a]=x => type a/o/a", "o[b]=1 => required a/o/a", "o=x => malformed o/o", "o=1 => type o/o", `o={"a":1}&o[a]=1 => repeated o/o`,
			`l={"a":1}&l={"a":2} => `, `l={"a":1}&l={"a":"x"} => type a/l/1/a`, `l=[{"a":1}] => `, "l[0][a]=1&l[1][a]=2 => ", "l[0][a]=x => type a/l/0/a", "l[1][a]=1 => type l/l",
		}},
		"deepObject": {"{schema: {type: object, properties: {m: {type: object, additionalProperties: {type: string}}, l: {type: array, items: {type: string, maxLength: 2}}, e: {anyOf: [{type: object, properties: {a: {type: integer}}}, {type: string, enum: ['']}]}}}, encoding: {m: {style: deepObject, explode: true}, l: {style: deepObject, explode: true}, e: {style: deepObject, explode: true}}}", []string{
			"m[a]=b&m[c]=d => ", "m[a]=b&m[a]=c => repeated a/m/a", "l[0]=a&l[1]=b => ", "l[]=a&l[]=b => ", "l[0]=abc => maxLength l/l/0", "e[a]=1 => ", "e= => ", "e[a]=x => anyOf e/e",
		}},
		"JSON": {"{schema: {type: object, properties: {r: {type: object, required: [a], properties: {a: {type: integer}, s: {type: string}}}, s: {type: string}}}, encoding: {r: {contentType: application/json}, s: {contentType: application/json}}}", []string{
			`r={"a":1,"s":"\u00e4\n"} => `, `r={"a":1,"a":2} => malformed r/r`, `r={"a":"x"} => type a/r/a`, `s="x" => `, `s=x => malformed s/s`,
		}},
		"anything": {"{schema: {type: object}}", []string{"a=1&b[c]=d&a[]=2 => ", "a=1&a=2 => repeated a/a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := body(t, formType, tt.text)
			for _, line := range tt.cases {
				data, want, _ := strings.Cut(line, " => ")
				checkCases(t, b, []contentCase{{formType, data, want}})
			}
		})
	}
	many := body(t, formType, "{schema: {type: object}}")
	checkCases(t, many, []contentCase{{formType, strings.Repeat("&", 20_000), ""}})
	var b strings.Builder
	for i := range maxTexts + 1 {
		b.WriteString("&a" + strings.Repeat("b", i%5000) + string(rune('a'+i/5000)) + "=1")
	}
	checkCases(t, many, []contentCase{{formType, b.String(), "maxProperties"}})
}

// multipart encodes parts, each given as header, bar and content.
func multipart(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		header, content, _ := strings.Cut(p, "|")
		b.WriteString("--B\r\nContent-Disposition: form-data; " + header + "\r\n\r\n" + content + "\r\n")
	}
	return b.String() + "--B--\r\n"
}

func TestParts(t *testing.T) {
	t.Parallel()
	const octets, text, json = "\r\nContent-Type: application/octet-stream", "\r\nContent-Type: text/plain", "\r\nContent-Type: application/json"
	for name, tt := range map[string]struct {
		text  string
		cases map[string]string
	}{
		"members": {"{schema: {type: object, required: [f], properties: {f: {type: string, format: binary, minLength: 2, maxLength: 4}, n: {type: integer}, s: {type: string, enum: [user]}, o: {type: object, required: [a], properties: {a: {type: string}}}, l: {type: array, maxItems: 2, items: {type: integer}}, fs: {type: array, items: {type: string, format: binary, maxLength: 2}}, b: {type: string, pattern: '^[a-z]*$'}, free: {type: string, maxLength: 3}}, additionalProperties: false}}", map[string]string{
			multipart(`name="n"|5`, `name="f"; filename="a"`+octets+`|`+"\xff\xff"): "",
			multipart(`name=f|abc`):                                                           "",
			multipart(`name="f"|a`):                                                           "minLength f/f",
			multipart(`name="f"|äöü`):                                                         "maxLength f/f",
			multipart(`name="f"|ab`, `name="f"|ab`):                                           "repeated f/f",
			multipart(`name="n"|5`):                                                           "required f/f",
			multipart():                                                                       "required f/f",
			multipart(`name="f"|ab`, `name="n"|x`):                                            "type n/n",
			multipart(`name="f"|ab`, `name="n"`+text+`|5`):                                    "",
			multipart(`name="f"|ab`, `name="s"|user`):                                         "",
			multipart(`name="f"|ab`, `name="s"|admin`):                                        "enum s/s",
			multipart(`name="f"|ab`, `name="s"; filename="x"`+octets+`|admin`):                "enum s/s",
			multipart(`name="f"|ab`, `name="s"`+text+`; charset=utf-7|user`):                  "encoding s/s",
			multipart(`name="f"|ab`, "name=\"s\"|\xff"):                                       "encoding s/s",
			multipart(`name="f"|ab`, `name="s"`+json+`|"user"`):                               "",
			multipart(`name="f"|ab`, `name="o"|{"a":"b"}`):                                    "",
			multipart(`name="f"|ab`, `name="o"`+json+`|{"a":1}`):                              "type a/o/a",
			multipart(`name="f"|ab`, `name="o"`+json+`|{"a":"b","a":"c"}`):                    "malformed o/o",
			multipart(`name="f"|ab`, `name="o"`+text+`|{"a":"b"}`):                            "type o/o",
			multipart(`name="f"|ab`, `name="o[a]"|b`):                                         "",
			multipart(`name="f"|ab`, `name="o[a]"`+json+`|"b"`):                               "contentType o/o",
			multipart(`name="f"|ab`, `name="l"|1`, `name="l"|2`):                              "",
			multipart(`name="f"|ab`, `name="l"|1`, `name="l"|x`):                              "type l/l/1",
			multipart(`name="f"|ab`, `name="l"`+json+`|[1,2]`):                                "",
			multipart(`name="f"|ab`, `name="l"`+json+`|[1,2,3]`):                              "maxItems l/l",
			multipart(`name="f"|ab`, `name="fs"; filename=a|ab`, `name="fs"; filename=b|abc`): "maxLength fs/fs/1",
			multipart(`name="f"` + json + `|{"a`):                                             "",
			multipart(`name="f"|ab`, `name="b"`+octets+`|!!`):                                 "pattern b/b",
			multipart(`name="f"|ab`, "name=\"free\"; filename=x|\xff\xff\xff"):                "",
			multipart(`name="f"|ab`, "name=\"free\"; filename=x|\xff\xff\xff\xff"):            "maxLength free/free",
			multipart(`name="f"|ab`, `name="x"|1`):                                            "additionalProperties x/x",
			multipart(`name="f"|ab`, `name="_charset_"|utf-7`):                                "encoding _charset_/_charset_",
			multipart(`name="f"|ab`, `name="_charset_"`+text+`|utf-16`):                       "encoding _charset_/_charset_",
		}},
		"encoding": {"{schema: {type: object, properties: {i: {type: string}, o: {type: object, properties: {a: {type: integer}}}, l: {type: array, items: {type: integer}}}}, encoding: {i: {contentType: 'image/png, image/jpeg'}, o: {contentType: application/json}, l: {style: form, explode: false}}}", map[string]string{
			multipart("name=i\r\nContent-Type: image/png|\xff"): "",
			multipart("name=i\r\nContent-Type: image/gif|\xff"): "contentType i/i",
			multipart("name=i|\xff"):                            "",
			multipart(`name=o|{"a":1}`):                         "",
			multipart(`name=o` + json + `|{"a":1}`):             "",
			multipart(`name=o` + text + `|{"a":1}`):             "contentType o/o",
			multipart(`name=l|1,2`):                             "",
			multipart(`name=l|1,x`):                             "type l/l/1",
			multipart(`name=l` + text + `|1,x`):                 "type l/l/1",
		}},
		"header fields of files": {"{schema: {type: object}, encoding: {f: {headers: {X-Left: {required: true, schema: {type: integer}}}}}}", map[string]string{
			multipart(`name="f"` + "\r\nx-left: 3" + `|ab`):              "",
			multipart(`name="g"|ab`):                                     "",
			multipart(`name="f"|ab`):                                     "header required X-Left/f",
			multipart(`name="f"` + "\r\nX-Left: b" + `|ab`):              "header type X-Left/f",
			multipart(`name="f"` + "\r\nX-Left: 1\r\nX-Left: 2" + `|ab`): "header repeated X-Left/f",
			multipart(`name="f"`+"\r\nX-Left: 3"+`|ab`, `name="f"|ab`):   "header required X-Left/f; repeated f/f",
		}},
		"header fields": {"{schema: {type: object, required: [a], properties: {n: {type: integer}, fs: {type: array, items: {type: string}}}}, encoding: {a: {headers: {X-Id: {required: true, schema: {type: integer, maximum: 9}}, X-List: {schema: {type: array, items: {type: integer}}}}}, fs: {headers: {x-n: {required: true, schema: {type: integer}}}}, n: {contentType: text/csv, headers: {X-Id: {required: true}}}, j: {headers: {J: {content: application/json, schema: {type: object, required: [k]}}}}, s: {headers: {S: {required: true, spot: why}}}}}", map[string]string{
			multipart("name=a\r\nX-Id: 5|b"):                                         "",
			multipart("name=a\r\nx-ID:5 \r\nX-Other: y|b"):                           "",
			multipart("name=a|b"):                                                    "header required X-Id/a",
			multipart("name=a\r\nX-Id: 10|b"):                                        "header maximum X-Id/a",
			multipart("name=a\r\nX-Id: x\r\nX-List: 1, x|b"):                         "header type X-Id/a; header type X-List/a/1",
			multipart("name=a\r\nX-Id: 5\r\nX-Id: 5|b"):                              "header repeated X-Id/a",
			multipart("name=a\r\nX-Id: 5\r\nX-List: 1\r\nX-List: 2|b"):               "",
			multipart("name=a\r\nX-Id: 5|b", "name=fs\r\nX-N: 1|x", "name=fs|y"):     "header required x-n/fs",
			multipart("name=a\r\nX-Id: 5|b", "name=n\r\nContent-Type: text/plain|1"): "header required X-Id/n; contentType n/n",
			multipart("name=a\r\nX-Id: 5|b", `name=j`+"\r\n"+`J: {"k":1}|x`):         "",
			multipart("name=a\r\nX-Id: 5|b", `name=j`+"\r\n"+`J: {}|x`):              "header required J/j/k",
			multipart("name=a\r\nX-Id: 5|b", "name=s\r\nS: anything|x"):              "",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := body(t, "multipart/form-data", tt.text)
			for data, want := range tt.cases {
				checkCases(t, b, []contentCase{{"multipart/form-data; boundary=B", data, want}})
			}
		})
	}
}

// TestFraming: content that readers can split in different ways is malformed.
func TestFraming(t *testing.T) {
	t.Parallel()
	b := body(t, "multipart/form-data", "{schema: {type: object, properties: {a: {type: string}}, additionalProperties: false}}")
	const contentType = "multipart/form-data; boundary=B"
	const head = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"
	part := func(header string) string { return "--B\r\n" + header + "\r\n\r\nx\r\n--B--\r\n" }
	for data, want := range map[string]string{
		head + "x\r\n--B--\r\n":              "",
		head + "x\r\n--B--":                  "",
		head + "\r\n--B--":                   "",
		head + "x--B--\r\ny\r\n--B--":        "",
		head + "x\r\ny\r\n--B--":             "",
		"--B--":                              "",
		"--B--\r\n":                          "",
		"":                                   "malformed",
		"x":                                  "malformed",
		"--B":                                "malformed",
		"--B\r\n":                            "malformed",
		"--B\r\n--B--":                       "malformed",
		"\r\n" + head + "x\r\n--B--":         "malformed",
		"preamble\r\n" + head + "x\r\n--B--": "malformed",
		head + "x\r\n--B--\r\nepilogue":      "malformed",
		head + "x\r\n--B--x":                 "malformed",
		head + "x\r\n--B-":                   "malformed",
		head + "x\r\n--B":                    "malformed",
		head + "x":                           "malformed",
		head + "x\r\n--B \r\n" + head:        "malformed",
		head + "x\n--B--":                    "malformed",
		head + "x\r--B--":                    "malformed",
		head + "x\n--B\r\ny\r\n--B--":        "malformed",
		head + "x\r\n--Bx\r\ny\r\n--B--":     "malformed",
		head + "--B--":                       "malformed",
		"--B\n" + head[5:] + "x\r\n--B--":    "malformed",
		part("Content-Disposition: form-data; name=a"):                        "",
		part("content-disposition: FORM-DATA; Name=a\r\nX-Other: y"):          "",
		part(`Content-Disposition: form-data; filename="C:\x.txt"; name="a"`): "",
		part("Content-Disposition: form-data;;name=a"):                        "malformed",
		part("X-Other: y"):                                                                              "malformed",
		part("Content-Disposition: form-data"):                                                          "malformed",
		part("Content-Disposition: form-data; name="):                                                   "malformed",
		part(`Content-Disposition: form-data; name=""`):                                                 "malformed",
		part("Content-Disposition: attachment; name=a"):                                                 "malformed",
		part("Content-Disposition: form-data; name=a; name=b"):                                          "malformed",
		part("Content-Disposition: form-data; name=a; NAME=a"):                                          "malformed",
		part("Content-Disposition: form-data; name=a; name*=utf-8''b"):                                  "malformed",
		part("Content-Disposition: form-data; name=a; filename=b; filename*=utf-8''c"):                  "malformed",
		part("Content-Disposition: form-data; name=a; filename=b; filename=c"):                          "malformed",
		part(`Content-Disposition: form-data; name="a\""`):                                              "malformed",
		part(`Content-Disposition: form-data; name=a; filename="b\"; x="`):                              "malformed",
		part(`Content-Disposition: form-data; name="a`):                                                 "malformed",
		part("Content-Disposition: form-data; name=\"\xff\""):                                           "malformed",
		part("Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b"):        "malformed",
		part("Content-Disposition: form-data; name=a\r\nContent-Type: text/plain\r\nContent-Type: x/y"): "malformed",
		part("Content-Disposition: form-data; name=a\r\nContent-Type: nonsense"):                        "malformed",
		part("Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64"):             "malformed",
		part("Content-Disposition: form-data;\r\n name=a"):                                              "malformed",
		part("Content-Disposition : form-data; name=a"):                                                 "malformed",
		part("Content-Disposition: form-data; name=a\rX: y"):                                            "malformed",
		part("Content-Disposition: form-data; name=a\nX: y"):                                            "malformed",
		part("Content-Disposition: form-data; name=a\r\nX: " + strings.Repeat("y", maxPartHeader)):      "malformed",
	} {
		checkCases(t, b, []contentCase{{contentType, data, want}})
	}
	for contentType, want := range map[string]string{
		"multipart/form-data": "contentType", `multipart/form-data; boundary=""`: "contentType", "multipart/form-data; boundary=" + strings.Repeat("b", 71): "contentType",
		`multipart/form-data; boundary="a "`: "contentType", `multipart/form-data; boundary="a;b"`: "contentType", `multipart/form-data; boundary="B"`: "", "multipart/form-data; boundary=B; boundary=C": "contentType",
	} {
		checkCases(t, b, []contentCase{{contentType, "--B--", want}})
	}
	f := b.CheckContent(t.Context(), contentType, []byte(head+"x\r\n--B--\r\nepilogue"))
	if f == nil || f.Empty || f.Offset != len(head+"x\r\n") {
		t.Errorf("got %+v, want the offset of the last boundary", f)
	}
	if f := b.CheckContent(t.Context(), contentType, nil); f == nil || !f.Empty {
		t.Errorf("got %+v, want empty content", f)
	}
}

// TestFilesAreNotCopied: checking a file allocates no memory for its content.
func TestFilesAreNotCopied(t *testing.T) {
	b := body(t, "multipart/form-data", "{schema: {type: object, properties: {f: {type: string, format: binary}, n: {type: integer}}}}")
	data := []byte(multipart("name=n|1", `name="f"; filename="x"|`+strings.Repeat("x", 1<<20)))
	check := func() {
		if f := b.CheckContent(context.Background(), "multipart/form-data; boundary=B", data); f != nil {
			t.Fatal(said(f))
		}
	}
	got := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			check()
		}
	})
	if n := got.AllocedBytesPerOp(); n > 64<<10 {
		t.Errorf("a file of 1 MiB takes %d bytes", n)
	}
}

func TestContentEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := body(t, "text/plain", "{schema: {type: string, maxLength: 1}}")
	if got := said(b.CheckContent(ctx, "text/plain", []byte("x"))); got != "interrupted" {
		t.Errorf("got %q, want interrupted", got)
	}
}

func TestGeneratedChecksOfBodies(t *testing.T) {
	t.Parallel()
	want := &Faults{}
	b := &Body{Type: "application/json", Check: func([]byte) *Faults { return want }}
	if got := b.CheckContent(t.Context(), "application/json", nil); got != want {
		t.Errorf("got %v, want the faults of the generated code", got)
	}
}

func BenchmarkForm(b *testing.B) {
	s := of(Object, func(s *Schema) {
		s.Properties = []Property{{Name: "name", Schema: of(String)}, {Name: "age", Schema: of(Integer)}, {Name: "tags", Schema: of(Array, func(s *Schema) { s.Items = of(String) })}}
	})
	if err := Compile(s); err != nil {
		b.Fatal(err)
	}
	data := []byte("name=Tom+Cat&age=3&tags=a&tags=b")
	form := &Body{Type: "application/x-www-form-urlencoded", Schema: s}
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if f := form.CheckContent(b.Context(), form.Type, data); f != nil {
			b.Fatal(said(f))
		}
	}
}
