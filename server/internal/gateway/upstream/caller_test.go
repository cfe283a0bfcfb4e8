package upstream

import (
	"net/http"
	"testing"
)

// TestCaller: only a trusted proxy can name its client, and only the one that connected to it.
func TestCaller(t *testing.T) {
	t.Parallel()
	trusting, plain := client(t, Config{URL: "http://127.0.0.1:1", Trusted: prefixes("10.0.0.0/8")}), client(t, Config{URL: "http://127.0.0.1:1"})
	for name, tt := range map[string]struct {
		c    *Client
		peer string
		list []string
		want string
	}{
		"no proxy":                  {plain, "192.0.2.1:5", []string{"198.51.100.7"}, "192.0.2.1"},
		"an untrusted proxy":        {trusting, "192.0.2.1:5", []string{"198.51.100.7"}, "192.0.2.1"},
		"a proxy":                   {trusting, "10.0.0.1:5", []string{"198.51.100.7"}, "198.51.100.7"},
		"a proxy without the field": {trusting, "10.0.0.1:5", nil, "10.0.0.1"},
		"two proxies":               {trusting, "10.0.0.1:5", []string{"198.51.100.7, 10.0.0.2"}, "198.51.100.7"},
		"only proxies":              {trusting, "10.0.0.1:5", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		"a client's false claim":    {trusting, "10.0.0.1:5", []string{"203.0.113.9", "198.51.100.7"}, "198.51.100.7"},
		"an invalid address":        {trusting, "10.0.0.1:5", []string{"198.51.100.7, evil"}, "10.0.0.1"},
		"an IPv6 address":           {trusting, "10.0.0.1:5", []string{"2001:DB8::1"}, "2001:db8::1"},
		"an IPv6 peer":              {plain, "[2001:db8::1]:5", nil, "2001:db8::1"},
		"no port":                   {plain, "@", nil, "@"},
	} {
		r := &http.Request{RemoteAddr: tt.peer, Header: http.Header{"X-Forwarded-For": tt.list}}
		if tt.list == nil {
			r.Header = http.Header{}
		}
		if got := tt.c.Caller(r); got != tt.want {
			t.Errorf("%s: got %s, want %s", name, got, tt.want)
		}
	}
}
