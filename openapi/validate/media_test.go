package validate

import "testing"

func TestParseMediaType(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{
		"application/json":                       {"application/json", ""},
		" Application/JSON ; Charset=UTF-8":      {"application/json", "UTF-8"},
		`text/plain;charset="utf-8"`:             {"text/plain", "utf-8"},
		`text/plain; a="x;charset=y"; charset=z`: {"text/plain", "z"},
		`text/plain; charset="u\tf-8"`:           {"text/plain", "utf-8"},
		"text/plain;;":                           {},
		"text/plain; a=b; ":                      {"text/plain", ""},
		"text/plain;":                            {"text/plain", ""},
		"text/plain; ;charset=x":                 {},
		"":                                       {},
		"text":                                   {},
		"text/":                                  {},
		"/plain":                                 {},
		"text/plain/x":                           {},
		"text/pl ain":                            {},
		"text/plain, text/html":                  {},
		"text/plain; charset":                    {},
		"text/plain; charset=":                   {},
		"text/plain; charset = x":                {},
		"text/plain; =x":                         {},
		"text/plain; charset=x y":                {},
		`text/plain; charset="x`:                 {},
		`text/plain; charset="x"y`:               {},
		"text/plain; charset=utf-8; charset=utf-7": {},
		"text/plain; charset=utf-8; CHARSET=utf-7": {},
		"text/plain; charset*=utf-8''utf-7":        {},
		"text/plain; charset*0=utf-7":              {},
		"text/plain; a=\"\x00\"":                   {},
	} {
		m, ok := ParseMediaType(text)
		if ok != (want[0] != "") || m.Type != want[0] || m.Charset() != want[1] {
			t.Errorf("%q: got %q %q %t, want %q", text, m.Type, m.Charset(), ok, want)
		}
	}
}

// TestMediaTypeInOneForm: String returns the same text for all spellings of a media type.
func TestMediaTypeInOneForm(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]string{
		"application/json":                         "application/json",
		"Application/JSON":                         "application/json",
		" text/plain ":                             "text/plain",
		"text/plain;charset=UTF-8":                 "text/plain; charset=utf-8",
		`text/plain ; Charset="Utf-8" ;`:           "text/plain; charset=utf-8",
		`text/plain;charset="utf\-8"`:              "text/plain; charset=utf-8",
		`multipart/form-data; Boundary="A b"`:      `multipart/form-data; boundary="A b"`,
		"application/json;odata.metadata=Full;X=Y": "application/json; odata.metadata=Full; x=Y",
		"text/plain;":                              "text/plain",
	} {
		m, ok := ParseMediaType(sent)
		if got := m.String(); !ok || got != want {
			t.Errorf("%q: got %q, want %q", sent, got, want)
		}
		if again, ok := ParseMediaType(want); !ok || again.String() != want {
			t.Errorf("the normal form of %q differs from it", want)
		}
	}
}

func TestIsJSON(t *testing.T) {
	t.Parallel()
	for mediaType, want := range map[string]bool{
		"application/json": true, "text/json": true, "application/hal+json": true, "image/x+json": true,
		"application/jsonx": false, "application/x-json": false, "text/plain": false, "": false,
	} {
		if got := IsJSON(mediaType); got != want {
			t.Errorf("%s: got %t, want %t", mediaType, got, want)
		}
	}
	for charset, want := range map[string]bool{"": true, "utf-8": true, "UTF-8": true, "us-ascii": true, "US-ASCII": true, "utf8": false, "utf-7": false, "utf-16": false, "iso-8859-1": false} {
		if got := ReadsCharset(charset); got != want {
			t.Errorf("%q: got %t, want %t", charset, got, want)
		}
	}
}

func TestBodyOfAContentType(t *testing.T) {
	t.Parallel()
	body := func(mediaType string, parameters map[string]string) *Body {
		return &Body{Type: mediaType, Parameters: parameters, Schema: of(AnyType)}
	}
	version := func(v string) map[string]string { return map[string]string{"version": v} }
	o := &Operation{Request: []*Body{
		body("application/json", version("1")), body("application/json", version("2")), body("text/plain", nil), body("text/csv", map[string]string{"charset": "utf-8"}),
		body("application/vnd.a+json", map[string]string{"charset": "utf-8"}), body("application/*+json", nil), body("application/xml", nil), body("application/xml", map[string]string{"stream": "watch"}),
		body("text/*", nil), {Type: "image/*"},
	}}
	for contentType, want := range map[string]int{
		"application/json; version=1": 0, "application/json;charset=utf-8;VERSION=2": 1, "application/json; version=3": -1, "application/json": -1,
		"text/plain": 2, "text/plain; charset=us-ascii": 2, "text/plain; charset=utf-7": -1, "text/csv": 3, "text/csv; charset=UTF-8; header=present": 3, "text/csv; charset=utf-16": -1,
		"application/vnd.a+json": 4, "application/vnd.b+json": 5, "application/vnd.b+json; charset=iso-8859-1": -1,
		"application/xml": 6, "application/xml; stream=watch": 7, "application/xml; stream=other": 6,
		"text/html": 8, "image/png": 9, "image/png; charset=utf-7": 9, "image/x+json; charset=utf-7": -1, "audio/ogg": -1, "": -1, "nonsense": -1,
	} {
		got := o.RequestBody(contentType)
		if want < 0 && got != nil || want >= 0 && got != o.Request[want] {
			t.Errorf("%q: got %+v, want number %d", contentType, got, want)
		}
	}
	r := &Response{Bodies: []*Body{body("*/*", nil), body("text/html", nil)}}
	if r.Body("text/html") != r.Bodies[1] || r.Body("a/b") != r.Bodies[0] || (&Response{}).Body("a/b") != nil {
		t.Error("a type must precede a range regardless of their order in the document")
	}
}

// TestContentTypesCostNothing: they are parsed for every request.
func TestContentTypesCostNothing(t *testing.T) {
	o := &Operation{Request: []*Body{{Type: "application/json", Schema: of(AnyType)}}}
	if n := testing.AllocsPerRun(100, func() { o.RequestBody("application/json; charset=utf-8") }); n != 0 {
		t.Errorf("got %v allocations, want 0", n)
	}
}
