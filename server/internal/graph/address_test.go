package graph

import (
	"net/url"
	"strings"
	"testing"
)

func TestCanonicalPath(t *testing.T) {
	t.Parallel()
	for escaped, want := range map[string]string{
		"/beta/x/key":            "/beta/x/key",
		"/beta/x('key')":         "/beta/x/key",
		"/beta/x(key)":           "/beta/x/key",
		"/beta/x(%27key%27)":     "/beta/x/key",
		"/beta/x%28%27key%27%29": "/beta/x/key",
		"/beta/x('key')/y('z')":  "/beta/x/key/y/z",
		"/beta/x/%6bey":          "/beta/x/key",
		"/beta/x('%6b%65%79')":   "/beta/x/key",
		"/beta/x()":              "/beta/x()",
		"/beta/x('')":            "/beta/x('')",
		"/beta/x(')":             "/beta/x/'",
		"/beta/x('key":           "/beta/x('key",
		"/beta/('key')":          "/beta/('key')",
		"/beta/x('a')('b')":      "/beta/x/a')('b",
		"/beta/x/a%2Fb":          "/beta/x/a%2Fb",
		"/beta/x('a%2Fb')":       "/beta/x/a%2Fb",
		"/beta/x/%2561":          "/beta/x/%2561",
		"/beta/x/%2e%2E":         "/beta/x/..",
		"/beta/x/%00":            "/beta/x/%00",
		"/beta/x/%C3%A9":         "/beta/x/%C3%A9",
	} {
		if got := CanonicalPath(escaped); got != want {
			t.Errorf("CanonicalPath(%q) = %q, want %q", escaped, got, want)
		}
	}
}

// FuzzCanonicalPath: the canonical form is stable, and never unescapes a slash.
func FuzzCanonicalPath(f *testing.F) {
	f.Add("/beta/x('key')")
	f.Add("/beta/x(%27k%2fey%27)")
	f.Fuzz(func(t *testing.T, path string) {
		u, err := url.Parse("http://host/" + path)
		if err != nil {
			t.Skip("not a path that net/http accepts")
		}
		before := u.EscapedPath()
		got := CanonicalPath(before)
		if strings.Count(got, "/") > strings.Count(before, "/")+strings.Count(before, "(")+strings.Count(before, "%28") {
			t.Fatalf("CanonicalPath(%q) = %q has slashes that do not separate segments", before, got)
		}
		if _, err := url.PathUnescape(got); err != nil {
			t.Fatalf("CanonicalPath(%q) = %q: %v", before, got, err)
		}
	})
}
