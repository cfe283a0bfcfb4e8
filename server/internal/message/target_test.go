package message

import (
	"errors"
	"net/http"
	"net/url"
	"testing"
)

func TestCheckTarget(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		method, target, host string
		want                 error // nil if it is valid
	}{
		"origin form":                  {"GET", "/a?b=c", "a", nil},
		"asterisk form":                {"OPTIONS", "*", "a", nil},
		"no authority":                 {"GET", "/a", "", nil},
		"absolute form":                {"GET", "http://a:1/b", "a:1", nil},
		"an extension method":          {"M-SEARCH", "/a", "a", nil},
		"a method with a space":        {"GET /b", "/a", "a", ErrMethod},
		"no method":                    {"", "/a", "a", ErrMethod},
		"a method beyond ASCII":        {"G\xc3\x89T", "/a", "a", ErrMethod},
		"a space":                      {"GET", "/a b", "a", ErrTarget},
		"a fragment":                   {"GET", "/a#b", "a", ErrTarget},
		"a fragment of the query":      {"GET", "/a?b#c", "a", ErrTarget},
		"a byte beyond ASCII":          {"GET", "/caf\xc3\xa9", "a", ErrTarget},
		"a byte beyond ASCII in query": {"GET", "/a?b=\xe9", "a", ErrTarget},
		"absolute form, a user":        {"GET", "http://u@a/b", "a", ErrHost},
		"absolute form, no authority":  {"GET", "http:///b", "a", ErrHost},
		"absolute form, no host":       {"GET", "http:///b", "", ErrHost},
		"a quote":                      {"GET", "/a", `a"b`, ErrHost},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u, err := url.ParseRequestURI(tt.target)
			if err != nil {
				t.Fatal(err)
			}
			err = CheckTarget(&http.Request{Method: tt.method, RequestURI: tt.target, URL: u, Host: tt.host})
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

// TestCheckTargetIsFree: CheckTarget allocates nothing, because every request passes it.
func TestCheckTargetIsFree(t *testing.T) {
	r := &http.Request{Method: http.MethodPatch, RequestURI: "/a/b?c=d", URL: &url.URL{Path: "/a/b", RawQuery: "c=d"}, Host: "api.example:8080"}
	if n := testing.AllocsPerRun(100, func() { _ = CheckTarget(r) }); n > 0 {
		t.Errorf("it allocates %v times", n)
	}
}
