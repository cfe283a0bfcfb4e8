package docs_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pfxrecryption/pfxrecryption/server/docs"
)

const document = "openapi: 3.0.3\ninfo: {title: 'Tea & <cake>', version: '1', description: \"What `one` drinks.\\n\\nMore.\"}\n" +
	"paths: {}\ncomponents: {examples: {cup: {externalValue: cup.json}}}\n"

// html is what a browser accepts.
const html = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

// newSite returns the site in front of an API that responds with 404 and "the API".
func newSite(t *testing.T, change func(*docs.Config)) http.Handler {
	t.Helper()
	c := docs.Config{Document: []byte(document), Files: fstest.MapFS{"cup.json": {Data: []byte(`{"full":true}`)}}}
	if change != nil {
		change(&c)
	}
	site, err := docs.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return site.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, "the API")
	}))
}

// send sends a request with header fields, each name followed by its value.
func send(h http.Handler, method, target string, fields ...string) *http.Response {
	r := httptest.NewRequest(method, "/", nil)
	r.URL, _ = url.Parse(target)
	r.Host = "api.example:8080"
	for i := 0; i < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func read(t *testing.T, resp *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// TestRequestsOfTheSite: the site responds to its own paths, with pages only for browsers, and to nothing else.
func TestRequestsOfTheSite(t *testing.T) {
	t.Parallel()
	h := newSite(t, nil)
	for request, want := range map[string]string{
		"GET / " + html:                             "text/html; charset=utf-8",
		"HEAD / " + html:                            "text/html; charset=utf-8",
		"GET /?from=mail text/html":                 "text/html; charset=utf-8",
		"GET /docs " + html:                         "text/html; charset=utf-8",
		"GET /docs application/json, TEXT/HTML;q=1": "text/html; charset=utf-8",
		"GET /docs/style.css text/css":              "text/css; charset=utf-8",
		"GET /docs/swagger-ui-bundle.js */*":        "text/javascript; charset=utf-8",
		"GET /docs/icon.svg ":                       "image/svg+xml",
		"GET /openapi.yaml ":                        "application/yaml",
		"GET /openapi.json application/json":        "application/json",
		"HEAD /openapi.json?bundle */*":             "application/json",

		"GET / ":                            "",
		"GET / */*":                         "",
		"GET / text/*":                      "",
		"GET / application/json":            "",
		"GET / text/html;q=0":               "",
		"GET / text/html;q=high":            "",
		"GET / text/htmlx":                  "",
		"POST / text/html":                  "",
		"OPTIONS /docs text/html":           "",
		"DELETE /openapi.yaml */*":          "",
		"GET /docs/ text/html":              "",
		"GET /docs/landing.html text/html":  "",
		"GET /docs/../docs text/html":       "",
		"GET /%64ocs text/html":             "",
		"GET //docs text/html":              "",
		"GET /Docs text/html":               "",
		"GET /openapi.yml */*":              "",
		"GET http://x.example/docs " + html: "",
		"GET * text/html":                   "",
	} {
		method, rest, _ := strings.Cut(request, " ")
		target, accept, _ := strings.Cut(rest, " ")
		var fields []string
		if accept != "" {
			fields = []string{"Accept", accept}
		}
		resp := send(h, method, target, fields...)
		body := read(t, resp)
		switch {
		case want == "" && (resp.StatusCode != http.StatusNotFound || body != "the API" || resp.Header.Get("Vary") != ""):
			t.Errorf("%s: the API did not respond by itself: %d %v", request, resp.StatusCode, resp.Header)
		case want != "" && (resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != want || (body == "") != (method == http.MethodHead)):
			t.Errorf("%s: got %d %v with %d bytes, want %s", request, resp.StatusCode, resp.Header, len(body), want)
		}
	}
}

// TestDocument: the author's file is served byte for byte, the other form has the same content, and ?bundle refers to no file.
func TestDocument(t *testing.T) {
	t.Parallel()
	h := newSite(t, nil)
	if got := read(t, send(h, "GET", "/openapi.yaml")); got != document {
		t.Errorf("/openapi.yaml: got %q", got)
	}
	for target, want := range map[string]string{
		"/openapi.json": `"externalValue": "cup.json"`, "/openapi.json?bundle": `"full": true`, "/openapi.yaml?bundle": `value: {"full": true}`,
	} {
		if got := read(t, send(h, "GET", target)); !strings.Contains(got, want) {
			t.Errorf("%s: got %s", target, got)
		}
	}
	const compact = `{"openapi":"3.1.0","info":{"title":"T"}}`
	h = newSite(t, func(c *docs.Config) { c.Document = []byte(compact) })
	if got := read(t, send(h, "GET", "/openapi.json")); got != compact {
		t.Errorf("a document in JSON is served as %q", got)
	}
}

// TestUnchanged: a response has an entity tag for each encoding, and a request that has the tag gets 304.
func TestUnchanged(t *testing.T) {
	t.Parallel()
	h := newSite(t, nil)
	for _, target := range []string{"/openapi.yaml", "/docs/swagger-ui.css", "/docs", "/"} {
		plain := send(h, "GET", target, "Accept", "text/html")
		packed := send(h, "GET", target, "Accept", "text/html", "Accept-Encoding", "br, gzip;q=0.5")
		if packed.Header.Get("Content-Encoding") != "gzip" || plain.Header.Get("Content-Encoding") != "" || plain.Header.Get("ETag") == packed.Header.Get("ETag") {
			t.Errorf("%s: got %v and %v", target, plain.Header, packed.Header)
		}
		if !strings.Contains(plain.Header.Get("Vary"), "Accept-Encoding") {
			t.Errorf("%s: Vary is %q", target, plain.Header.Get("Vary"))
		}
		again := send(h, "GET", target, "Accept", "text/html", "If-None-Match", plain.Header.Get("ETag"))
		if again.StatusCode != http.StatusNotModified || read(t, again) != "" {
			t.Errorf("%s: got %d for a current entity tag", target, again.StatusCode)
		}
	}
}

// TestPages: pages show the content of the document and the configuration, load nothing from other origins and have
// nothing inline.
func TestPages(t *testing.T) {
	t.Parallel()
	h := newSite(t, func(c *docs.Config) {
		c.Uses = []docs.Use{{Title: "Drink", Text: "Sip.", Command: "sip <cup>", Link: "/docs"}}
		c.Token = &docs.Token{Path: "/token", Form: url.Values{"a": {"b&c"}}}
	})
	landing := read(t, send(h, "GET", "/", "Accept", html))
	for _, want := range []string{"Tea &amp; &lt;cake&gt;", "<p>What one drinks.</p>", "curl -sS http://api.example:8080/openapi.yaml", "sip &lt;cup&gt;"} {
		if !strings.Contains(landing, want) {
			t.Errorf("the landing page lacks %q", want)
		}
	}
	reference := read(t, send(h, "GET", "/docs", "Accept", html))
	if !strings.Contains(reference, `data-token-path="/token" data-token-form="a=b%26c"`) {
		t.Error("the reference does not say where to get tokens")
	}
	for _, page := range []string{landing, reference} {
		if found := regexp.MustCompile(`<script[^>]*>[^<]|<style| style=| on[a-z]+=|(src|href)="[^/#]|="//`).FindString(page); found != "" {
			t.Errorf("a page has %q", found)
		}
		for _, m := range regexp.MustCompile(`(?:src|href)="(/docs/[^"]*)"`).FindAllStringSubmatch(page, -1) {
			if resp := send(h, "GET", m[1]); resp.StatusCode != http.StatusOK {
				t.Errorf("%s: %d", m[1], resp.StatusCode)
			}
		}
	}
	policy := send(h, "GET", "/docs", "Accept", html).Header.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'; script-src 'self'; style-src 'self';") || strings.Contains(policy, "unsafe") {
		t.Errorf("the policy is %q", policy)
	}
}

// TestOrigin: the command has the address that the browser used, unless it contains characters that a shell would
// interpret.
func TestOrigin(t *testing.T) {
	t.Parallel()
	for origin, want := range map[string]string{"": "http://api.example:8080/openapi", "https://tea.example": "https://tea.example/openapi"} {
		h := newSite(t, func(c *docs.Config) { c.Origin = origin })
		if got := read(t, send(h, "GET", "/", "Accept", html)); !strings.Contains(got, want) {
			t.Errorf("%q: the page lacks %s", origin, want)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Host = "x';reboot'"
	r.Header.Set("Accept", html)
	w := httptest.NewRecorder()
	newSite(t, nil).ServeHTTP(w, r)
	if strings.Contains(w.Body.String(), "reboot") {
		t.Error("the command has a host that a shell would run")
	}
}

// TestLog: each request for the site has a line, and other requests have none.
func TestLog(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h := newSite(t, func(c *docs.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	send(h, "GET", "/openapi.yaml?key=secret", "If-None-Match", "*")
	send(h, "GET", "/none")
	if got := log.String(); !strings.HasSuffix(got, "msg=request method=GET status=304 path=/openapi.yaml\n") || strings.Count(got, "\n") != 1 {
		t.Errorf("the log is %q", got)
	}
}

// TestUnreadable: New returns an error for an unreadable document.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]docs.Config{
		"no document": {}, "not YAML": {Document: []byte("a: [")}, "a missing file": {Document: []byte(document), Files: fstest.MapFS{}},
	} {
		if _, err := docs.New(c); err == nil || !strings.HasPrefix(err.Error(), "docs: ") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
