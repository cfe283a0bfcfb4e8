package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
)

// TestAddressesInBodies: in bodies of the built-in contract, addresses in control information become the client's, and
// nothing else changes, with any policy.
func TestAddressesInBodies(t *testing.T) {
	t.Parallel()
	config := func(c *gateway.Config) {
		c.Address = func(r *http.Request, address string) string {
			return strings.Replace(address, "http://upstream.test", "https://"+r.Host, 1)
		}
	}
	for name, tt := range map[string]struct{ from, to string }{
		"next page":      {`{"value":[],"@odata.nextLink":"http://upstream.test/beta/pfxRecryptionRequests?$skiptoken=x"}`, `{"value":[],"@odata.nextLink":"https://caller.test/beta/pfxRecryptionRequests?$skiptoken=x"}`},
		"space":          {`{"value" : [ ] , "@odata.nextLink" : "http://upstream.test/b&c" }`, `{"value" : [ ] , "@odata.nextLink" : "https://caller.test/b&c" }`},
		"escaped":        {`{"value":[],"@odata.\u006eextLink":"http:\/\/upstream.test\/b"}`, `{"value":[],"@odata.\u006eextLink":"https://caller.test/b"}`},
		"context":        {`{"@odata.context":"http://upstream.test/beta/$metadata#x","value":[]}`, `{"@odata.context":"https://caller.test/beta/$metadata#x","value":[]}`},
		"without odata.": {`{"@nextLink":"http://upstream.test/","value":[]}`, `{"@nextLink":"https://caller.test/","value":[]}`},
		"of a member":    {`{"value":[],"a@odata.navigationLink":"http://upstream.test/"}`, `{"value":[],"a@odata.navigationLink":"https://caller.test/"}`},
		"other member":   {`{"value":[],"x":"http://upstream.test/","y@odata.type":"http://upstream.test/"}`, ""},
		"in a list":      {`{"value":[],"@odata.id":["http://upstream.test/"]}`, ""},
		"value as name":  {`{"value":["@odata.id","http://upstream.test/"]}`, ""},
		"another's":      {`{"value":[],"@odata.nextLink":"http://other.test/"}`, ""},
		"not JSON":       {`"@odata.id":"http://upstream.test`, ""},
		"broken escape":  {`{"@odata.id":"http://upstream.test\x"`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.to == "" {
				tt.to = tt.from
			}
			for _, mode := range []string{"monitor", "off"} {
				s := newStand(t, "requests: enforce\nresponses: "+mode+"\n", reply(200, tt.from, "Content-Type: application/json"), config)
				if got := s.send("GET /beta/pfxRecryptionRequests\nX: y", ""); got.status != 200 || got.body != tt.to {
					t.Errorf("%s: got %d %s", mode, got.status, got.body)
				}
			}
		})
	}
}

// TestAddressesInZippedBodies: a body with replaced addresses loses its coding; any other keeps it.
func TestAddressesInZippedBodies(t *testing.T) {
	t.Parallel()
	config := func(c *gateway.Config) { c.Address = func(*http.Request, string) string { return "/there" } }
	for from, want := range map[string]string{`{"value":[],"@odata.nextLink":"/here"}`: `{"value":[],"@odata.nextLink":"/there"}`, `{"value":[]}`: ""} {
		s := newStand(t, "responses: monitor\n", reply(200, zipped(from), "Content-Type: application/json", "Content-Encoding: gzip"), config)
		got := s.send("GET /beta/pfxRecryptionRequests\nX: y", "")
		if coding := got.header.Get("Content-Encoding"); want == "" && (got.body != zipped(from) || coding != "gzip") || want != "" && (got.body != want || coding != "") {
			t.Errorf("got %q in %q", got.body, coding)
		}
	}
}

// TestLongAddressedBodies: a response above MaxResponse passes unchanged.
func TestLongAddressedBodies(t *testing.T) {
	t.Parallel()
	body := `{"value":[],"@odata.nextLink":"/here","x":"` + strings.Repeat("x", 5000) + `"}`
	for _, mode := range []string{"monitor", "off"} {
		s := newStand(t, "responses: "+mode+"\n", reply(200, body, "Content-Type: application/json"), func(c *gateway.Config) {
			c.MaxResponse = 4096
			c.Address = func(*http.Request, string) string { return "/there" }
		})
		if got := s.send("GET /beta/pfxRecryptionRequests\nX: y", ""); got.status != 200 || got.body != body {
			t.Errorf("%s: got %d, %d bytes", mode, got.status, len(got.body))
		}
	}
}
