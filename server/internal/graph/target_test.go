package graph

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestCheckTarget(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		method, target, host string
		message              string // "" if it passes
	}{
		"origin form":                   {"GET", "/a?b=c", "a", ""},
		"asterisk form":                 {"OPTIONS", "*", "a", ""},
		"no authority":                  {"GET", "/a", "", ""},
		"absolute form":                 {"GET", "http://a:1/b", "a:1", ""},
		"a method of one's own":         {"M-SEARCH", "/a", "a", ""},
		"a method with a space":         {"GET /b", "/a", "a", "method"},
		"no method":                     {"", "/a", "a", "method"},
		"a method beyond ASCII":         {"G\xc3\x89T", "/a", "a", "method"},
		"a space":                       {"GET", "/a b", "a", "target"},
		"a fragment":                    {"GET", "/a#b", "a", "target"},
		"a fragment of the query":       {"GET", "/a?b#c", "a", "target"},
		"a byte beyond ASCII":           {"GET", "/caf\xc3\xa9", "a", "target"},
		"a byte beyond ASCII in query":  {"GET", "/a?b=\xe9", "a", "target"},
		"absolute form, a user":         {"GET", "http://u@a/b", "a", "Host"},
		"absolute form, no authority":   {"GET", "http:///b", "a", "Host"},
		"absolute form, no host at all": {"GET", "http:///b", "", "Host"},
		"a quote":                       {"GET", "/a", `a"b`, "Host"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u, err := url.ParseRequestURI(tt.target)
			if err != nil {
				t.Fatal(err)
			}
			err = CheckTarget(&http.Request{Method: tt.method, RequestURI: tt.target, URL: u, Host: tt.host})
			if (err == nil) != (tt.message == "") || err != nil && !strings.Contains(err.Error(), tt.message) {
				t.Errorf("got %v, want %q", err, tt.message)
			}
		})
	}
}

// TestCheckTargetIsFree: it stands on the way of every request.
func TestCheckTargetIsFree(t *testing.T) {
	r := &http.Request{Method: http.MethodPatch, RequestURI: "/a/b?c=d", URL: &url.URL{Path: "/a/b", RawQuery: "c=d"}, Host: "api.example:8080"}
	if n := testing.AllocsPerRun(100, func() { _ = CheckTarget(r) }); n > 0 {
		t.Errorf("it allocates %v times", n)
	}
}
