package upstream

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

// TestAddress: an address of the upstream's, in each of its spellings, becomes one of the gateway's.
func TestAddress(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ upstream, address, want string }{
		{"http://up.test:8080", "http://up.test:8080/a?b#c", "https://gate.test/a?b#c"},
		{"http://up.test:8080", "HTTP://UP.test:8080/a", "https://gate.test/a"},
		{"http://up.test:8080", "http://up.test:8080", "https://gate.test"},
		{"http://up.test:8080", "http://up.test:8080?q", "https://gate.test?q"},
		{"http://up.test:8080", "https://up.test:8080/a", "https://gate.test/a"}, // the authority is the upstream's
		{"http://up.test", "http://up.test:80/a", "https://gate.test/a"},
		{"https://up.test:443", "https://up.test/a", "https://gate.test/a"},
		{"http://[::1]:80", "http://[::1]/a", "https://gate.test/a"},
		{"http://up.test", "//up.test/a", "//gate.test/a"},
		{"http://up.test", "http://gate.test/a", "https://gate.test/a"}, // made of Host and the upstream's own scheme
		{"http://up.test", "https://gate.test/a", "https://gate.test/a"},
		{"https://up.test", "http://gate.test/a", "http://gate.test/a"},
		{"http://up.test:8080", "http://up.test/a", "http://up.test/a"},
		{"http://up.test", "http://up.test.example/a", "http://up.test.example/a"},
		{"http://up.test", "http://other.test/http://up.test/", "http://other.test/http://up.test/"},
		{"http://up.test", "/a//up.test/b", "/a//up.test/b"},
		{"http://up.test", "/a", "/a"},
		{"http://up.test", "a", "a"},
		{"http://up.test", "", ""},
		{"http://up.test", "urn:a:b", "urn:a:b"},
		{"http://up.test/base", "http://up.test/base/a", "https://gate.test/a"},
		{"http://up.test/base", "http://up.test/base?q", "https://gate.test/?q"},
		{"http://up.test/base", "http://up.test/baseless", "https://gate.test/baseless"},
		{"http://up.test/base", "/base/a", "/a"},
		{"http://up.test/base", "/base", "/"},
		{"http://up.test/base", "/a", "/a"},
		{"http://up.test/base", "http://gate.test/base/a", "https://gate.test/a"},
	} {
		c, err := New(Config{URL: tt.upstream})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, "https://gate.test/", nil)
		if got := c.Address(r, tt.address); got != tt.want {
			t.Errorf("of %s, %q: got %q, want %q", tt.upstream, tt.address, got, tt.want)
		}
	}
}

// TestAddressBehindProxy: only a trusted proxy can set the client's address.
func TestAddressBehindProxy(t *testing.T) {
	t.Parallel()
	c, err := New(Config{URL: "http://up.test", Trusted: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "http://gate.test/", nil)
	r.Header.Set("X-Forwarded-Proto", "https")
	r.Header.Set("X-Forwarded-Host", "api.test")
	for peer, want := range map[string]string{"192.0.2.1:1": "https://api.test/a", "198.51.100.1:1": "http://gate.test/a"} {
		r.RemoteAddr = peer
		if got := c.Address(r, "http://up.test/a"); got != want {
			t.Errorf("from %s: got %q, want %q", peer, got, want)
		}
	}
	r.Host, r.TLS = "", &tls.ConnectionState{}
	r.RemoteAddr = "198.51.100.1:1"
	if got := c.Address(r, "http://up.test/a"); got != "http://up.test/a" {
		t.Errorf("HTTP/1.0 without Host: got %q", got)
	}
}

// TestReaddress: no header field of a response leads past the gateway.
func TestReaddress(t *testing.T) {
	t.Parallel()
	c, err := New(Config{URL: "http://up.test"})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "http://gate.test/", nil)
	for name, tt := range map[string]struct{ value, want string }{
		"Location":         {"http://up.test/a", "http://gate.test/a"},
		"Content-Location": {"http://up.test/a", "http://gate.test/a"},
		"OData-EntityId":   {"http://up.test/a", "http://gate.test/a"},
		"Link":             {`<http://up.test/a>; rel="next", </b>; rel=prev, <http://other.test/>; rel=x`, `<http://gate.test/a>; rel="next", </b>; rel=prev, <http://other.test/>; rel=x`},
		"Refresh":          {`5; URL='http://up.test/a'`, `5; URL='http://gate.test/a'`},
		"Alt-Svc":          {`h3="up.test:443"`, ""},
		"Server":           {"http://up.test/", "http://up.test/"},
	} {
		h := http.Header{name: {tt.value}}
		if c.readdress(h, r); h[name] == nil && tt.want != "" || h[name] != nil && h[name][0] != tt.want {
			t.Errorf("%s: got %q, want %q", name, h[name], tt.want)
		}
	}
	h := http.Header{"Refresh": {"5"}}
	if c.readdress(h, r); h["Refresh"][0] != "5" {
		t.Errorf("got %q", h)
	}
}
