package gateway_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
)

var coders = map[string]func(io.Writer) io.WriteCloser{
	"gzip":    func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
	"deflate": func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) },
	"br":      func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) },
	"zstd": func(w io.Writer) io.WriteCloser {
		e, _ := zstd.NewWriter(w) // the options are valid
		return e
	},
}

// coded applies codings in order.
func coded(s, codings string) string {
	for coding := range strings.SplitSeq(codings, ", ") {
		var b bytes.Buffer
		w := coders[coding](&b)
		_, _ = io.WriteString(w, s) // writes to memory
		_ = w.Close()
		s = b.String()
	}
	return s
}

// TestCodings: a response is checked without its codings. If enforced, it is forwarded without them and with a weak
// ETag (RFC 9110 §8.8.1); if watched, unchanged.
func TestCodings(t *testing.T) {
	t.Parallel()
	const wrong = `{"id":"k","status":"x"}`
	limit := func(c *gateway.Config) { c.MaxResponse = 4096 }
	for _, codings := range []string{"gzip", "deflate", "br", "zstd", "gzip, br", "zstd, deflate, gzip"} {
		for name, tt := range map[string]struct {
			body   string
			status int // enforced
			logged string
		}{
			"valid":        {withID(entity), 200, ""},
			"wrong member": {wrong, 502, `"keyword":"type"`},
			"bomb":         {strings.Repeat(" ", 1<<20) + withID(entity), 502, `"keyword":"encoding"`},
		} {
			t.Run(codings+"/"+name, func(t *testing.T) {
				t.Parallel()
				body := coded(tt.body, codings)
				answer := reply(200, body, "Content-Type: application/json", "Content-Encoding: "+codings, `etag: "a"`)
				s := newStand(t, "requests: enforce\nresponses: enforce\n", answer, limit)
				got := s.send(getKey, "")
				if got.status != tt.status || got.status == 200 && (got.body != tt.body || got.header.Get("Content-Encoding") != "" || got.header.Get("ETag") != `W/"a"`) {
					t.Errorf("enforce: got %+v", got)
				}
				s = newStand(t, "requests: enforce\nresponses: monitor\n", answer, limit)
				got = s.send(getKey, "")
				if got.status != 200 || got.body != body || got.header.Get("Content-Encoding") != codings || got.header.Get("ETag") != `"a"` {
					t.Errorf("monitor: got %+v", got)
				}
				if log := s.log.String(); strings.Contains(log, `"msg":"violation"`) != (tt.logged != "") || !strings.Contains(log, tt.logged) {
					t.Errorf("monitor: logged %s", log)
				}
			})
		}
	}
}

// TestTooManyCodings: a response with too many codings is not decoded.
func TestTooManyCodings(t *testing.T) {
	t.Parallel()
	codings := strings.Repeat("gzip, ", 5) + "gzip"
	s := newStand(t, "responses: enforce\n", reply(200, coded(withID(entity), codings), "Content-Type: application/json", "Content-Encoding: "+codings), nil)
	if got := s.send(getKey, ""); got.status != http.StatusBadGateway {
		t.Errorf("got %+v", got)
	}
}

// TestHeadAgreesWithGet: HEAD names no coding that the response to GET loses (RFC 9110 §9.3.2).
func TestHeadAgreesWithGet(t *testing.T) {
	t.Parallel()
	const answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 27\r\nETag: \"a\"\r\n\r\n"
	s := newStand(t, "responses: enforce\n", answer, nil)
	got := s.send("HEAD /beta/pfxRecryptionRequests/k\nX: y", "")
	if h := got.header; got.status != 200 || h.Get("Content-Encoding") != "" || h.Get("Content-Length") != "" || h.Get("ETag") != `W/"a"` {
		t.Errorf("got %+v", got)
	}
}

// TestPart: a partial representation is not checked, in any coding (RFC 9110 §14).
func TestPart(t *testing.T) {
	t.Parallel()
	body := zipped(withID(entity))[:20]
	for _, mode := range []string{"enforce", "monitor"} {
		s := newStand(t, "responses: "+mode+"\n", reply(206, body, "Content-Type: application/json", "Content-Encoding: gzip", "Content-Range: bytes 0-19/300"), nil)
		if got := s.send(getKey, ""); got.status != 206 || got.body != body || got.header.Get("Content-Encoding") != "gzip" || strings.Contains(s.log.String(), `"msg":"violation"`) {
			t.Errorf("%s: got %+v, logged %s", mode, got, s.log)
		}
	}
}
