package upstream

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"testing"
)

// FuzzHead compares accepted response headers with net/http: status, fields, framing and body must be the same for any
// bytes. net/http may accept more.
func FuzzHead(f *testing.F) {
	for _, seed := range []string{
		good("hello"), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n", "HTTP/1.0 200\r\n\r\nhello",
		"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 304 No\r\nContent-Length: 5\r\nETag: \"a\"\r\n\r\n",
		"HTTP/1.1 103 Early\r\nLink: a\r\nlink: b\r\n\r\n", "HTTP/1.1 200 OK\r\nconnection: a,CLOSE\r\nContent-length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", "HTTP/1.1 200 OK\nX: a\n\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\n: a\r\n\r\n", "HTTP/1.1 200 \x80\r\nX-\x80: a\r\nY: \x80\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0005\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nPragma: no-cache\r\nTrailer: X\r\nKeep-Alive: a\r\nContent-Length: 0\r\n\r\n",
	} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, answer string, isHEAD bool) {
		end := strings.Index(answer, "\r\n\r\n")
		if end < 0 || len(answer) > maxHead {
			t.Skip("no head")
		}
		c := &conn{in: bufio.NewReaderSize(strings.NewReader(answer), maxHead)}
		block, err := c.readBlock()
		if err != nil || len(block) != end+4 {
			t.Fatalf("the head of %d bytes: got %d, %v", end+4, len(block), err)
		}
		if c.answer.parse(string(block), isHEAD) != nil {
			return
		}
		_, _ = c.in.Discard(len(block))
		request := &http.Request{Method: http.MethodGet}
		if isHEAD {
			request.Method = http.MethodHead
		}
		resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(withoutSpaces(answer[:end])+answer[end:])), request)
		if err != nil {
			if strings.Contains(err.Error(), "bad trailer key") {
				return // trailers are dropped, whatever Trailer says
			}
			t.Fatalf("net/http rejects an accepted head: %v", err)
		}
		compareHeads(t, &c.answer, resp, isHEAD)
		if !isHEAD && c.answer.status >= 200 {
			compareBodies(t, c, resp)
		}
	})
}

// withoutSpaces returns a head without spaces between names and colons, which a gateway removes (RFC 9112 §5.1). For
// net/http they are a part of the name.
func withoutSpaces(head string) string {
	lines := strings.Split(head, "\r\n")
	for i, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		lines[i+1] = strings.TrimRight(name, " \t") + ":" + value
	}
	return strings.Join(lines, "\r\n")
}

func compareHeads(t *testing.T, h *head, resp *http.Response, isHEAD bool) {
	if h.status != resp.StatusCode {
		t.Fatalf("status %d, net/http has %d", h.status, resp.StatusCode)
	}
	if resp.Close && !h.closes {
		t.Fatal("the connection would be kept, but not by net/http")
	}
	if chunked := slices.Equal(resp.TransferEncoding, []string{"chunked"}); !isHEAD && h.status >= 200 && h.status != 204 && h.status != 304 && (chunked != h.chunked || h.length != resp.ContentLength) {
		t.Fatalf("length %d, chunked %t, net/http has %d, %t", h.length, h.chunked, resp.ContentLength, chunked)
	}
	got := http.Header{}
	for _, f := range h.fields {
		got.Add(f.name, f.value)
	}
	// net/http itself removes or adds these.
	for _, name := range []string{"Connection", "Transfer-Encoding", "Trailer", "Content-Length", "Cache-Control"} {
		got.Del(name)
		resp.Header.Del(name)
	}
	for name, values := range got {
		if !slices.Equal(values, resp.Header[textproto.CanonicalMIMEHeaderKey(name)]) {
			t.Fatalf("%s: %q, net/http has %q", name, values, resp.Header[name])
		}
	}
	if len(got) != len(resp.Header) {
		t.Fatalf("got %v, net/http has %v", got, resp.Header)
	}
}

func compareBodies(t *testing.T, c *conn, resp *http.Response) {
	defer resp.Body.Close()
	want, wantErr := io.ReadAll(resp.Body)
	var got []byte
	var err error
	if c.answer.length != 0 {
		got, err = io.ReadAll(c.body())
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("the body is %q, net/http has %q", got, want)
	}
	if err == nil && wantErr != nil && !strings.Contains(wantErr.Error(), "trailer") { // net/http checks trailers, which we drop
		t.Fatalf("the body is complete, but net/http returns %v", wantErr)
	}
}
