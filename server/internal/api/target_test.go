package api

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// stranger verifies no token.
type stranger struct{}

func (stranger) Verify(context.Context, []string) (*auth.Principal, error) {
	return nil, &auth.Error{Reason: auth.Missing, Msg: "Access token is empty."}
}

// TestRequestLines: what HTTP does not allow in a request line is 400 before anything else is looked at; the rest gets to
// the token. No second request follows on a connection whose framing is in doubt.
func TestRequestLines(t *testing.T) {
	t.Parallel()
	handler, err := New(Config{Service: &pfx.Service{}, Verifier: stranger{}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	const path = "/beta/pfxRecryptionRequests/sample"
	for name, tt := range map[string]struct {
		request string
		status  int
		closes  bool
	}{
		"origin form":                         {"GET " + path + " HTTP/1.1\nHost: a:1", 401, false},
		"absolute form":                       {"GET http://a" + path + " HTTP/1.1\nHost: b", 401, false},
		"a delimiter in an authority":         {"GET http://a<b>" + path + " HTTP/1.1\nHost: a", 400, false},
		"a quote in an authority":             {`GET http://a"b` + path + " HTTP/1.1\nHost: a", 400, false},
		"a user":                              {"GET http://u@a" + path + " HTTP/1.1\nHost: a", 400, false},
		"a port that is none":                 {"GET " + path + " HTTP/1.1\nHost: a:b", 400, false},
		"a fragment":                          {"GET " + path + "#a HTTP/1.1\nHost: a", 400, false},
		"a byte beyond ASCII":                 {"GET " + path + "\xe9 HTTP/1.1\nHost: a", 400, false},
		"HTTP/1.0":                            {"GET " + path + " HTTP/1.0\nConnection: keep-alive", 401, true},
		"HTTP/1.0 with Transfer-Encoding":     {"GET " + path + " HTTP/1.0\nTransfer-Encoding: chunked\nConnection: keep-alive", 401, true},
		"chunks":                              {"GET " + path + " HTTP/1.1\nHost: a\nTransfer-Encoding: chunked", 401, true},
		"HTTP/1.0, which is refused, as well": {"GET http://a<b>" + path + " HTTP/1.0\nConnection: keep-alive", 400, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := io.WriteString(c, strings.ReplaceAll(tt.request, "\n", "\r\n")+"\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != tt.status || resp.Close != tt.closes || !strings.HasPrefix(string(body), `{"error":`) {
				t.Errorf("got %d, closes: %t, %s; want %d, closes: %t", resp.StatusCode, resp.Close, body, tt.status, tt.closes)
			}
		})
	}
}
