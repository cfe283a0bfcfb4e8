package gateway_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
)

const getKey = "GET /beta/pfxRecryptionRequests/k\nX: y"

var entity = string(openapi.UpdateResponseExample)

// TestResponses: an enforced violation becomes a 502 that reveals nothing of the upstream's response; a watched one
// passes unchanged.
func TestResponses(t *testing.T) {
	t.Parallel()
	const jsonType, canary = "Content-Type: application/json", "c4n4ry"
	for name, tt := range map[string]struct {
		status        int
		body          string
		fields        []string
		kind, keyword string // "" for a valid response
	}{
		"valid":                   {200, withID(entity), []string{jsonType}, "", ""},
		"valid, gzip":             {200, zipped(withID(entity)), []string{jsonType, "Content-Encoding: gzip"}, "", ""},
		"valid error":             {404, problem, []string{jsonType}, "", ""},
		"not modified":            {304, "", nil, "", ""},
		"undocumented status":     {418, "", nil, "status", "responses"},
		"redirection":             {302, "", []string{"Location: http://" + canary}, "status", "responses"},
		"not JSON":                {200, "<html>" + canary, []string{jsonType}, "malformed", "malformed"},
		"no body":                 {200, "", []string{jsonType}, "malformed", "empty"},
		"missing member":          {200, `{"id":"k","x":"` + canary + `"}`, []string{jsonType}, "required", "required"},
		"wrong type":              {200, `{"id":"k","status":"` + canary + `"}`, []string{jsonType}, "type", "type"},
		"wrong form":              {200, `{"id":"k","userId":"` + canary + `"}`, []string{jsonType}, "format", ""},
		"another shape":           {404, `{"message":"` + canary + `"}`, []string{jsonType}, "", ""},
		"header field":            {200, withID(entity), []string{jsonType, `ETag: "a"`, "Cache-Control: no-store"}, "", ""},
		"wrong header field":      {200, withID(entity), []string{jsonType, "ETag: " + canary}, "header", "pattern"},
		"repeated header field":   {200, withID(entity), []string{jsonType, `ETag: "a"`, `ETag: "b"`}, "header", "repeated"},
		"no media type":           {200, withID(entity), nil, "media-type", "mediaType"},
		"another media type":      {200, withID(entity), []string{"Content-Type: text/other"}, "media-type", "mediaType"},
		"two media types":         {200, withID(entity), []string{jsonType, jsonType}, "media-type", "mediaType"},
		"unknown coding":          {200, withID(entity), []string{jsonType, "Content-Encoding: other"}, "media-type", "encoding"},
		"not gzip data":           {200, withID(entity), []string{jsonType, "Content-Encoding: gzip"}, "media-type", "encoding"},
		"gzip with more after it": {200, zipped(withID(entity)) + canary, []string{jsonType, "Content-Encoding: gzip"}, "media-type", "encoding"},
		"gzip above the limit":    {200, zipped(strings.Repeat(" ", 5000) + withID(entity)), []string{jsonType, "Content-Encoding: gzip"}, "media-type", "encoding"},
		"too large":               {200, withID(entity) + strings.Repeat(" ", 5000), []string{jsonType}, "size", "maxLength"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, mode := range []string{"enforce", "monitor", "off"} {
				limit := func(c *gateway.Config) { c.MaxResponse = 4096 }
				s := newStand(t, "requests: enforce\nresponses: "+mode+"\n", reply(tt.status, tt.body, append(tt.fields, "X-Any: "+canary)...), limit)
				got := s.send(getKey, "")
				text := s.log.String()
				if strings.Contains(text, canary) {
					t.Errorf("%s: the log repeats a value: %s", mode, text)
				}
				if name == "another shape" {
					if refused := got.status == http.StatusBadGateway; refused != (mode == "enforce") {
						t.Errorf("%s: got %+v", mode, got)
					}
					continue
				}
				if mode == "enforce" && tt.kind != "" {
					if got.status != http.StatusBadGateway || strings.Contains(fmt.Sprint(got), canary) || !strings.Contains(got.body, `"code":"BadGateway"`) {
						t.Errorf("enforce: got %+v", got)
					}
				} else {
					wantBody := tt.body
					if mode == "enforce" && strings.HasSuffix(name, "gzip") {
						wantBody = withID(entity) // what was checked
					}
					if got.status != tt.status || got.body != wantBody || got.header.Get("X-Any") != canary {
						t.Errorf("%s: got %d %q", mode, got.status, got.body)
					}
					if mode != "enforce" && got.header.Get("Content-Encoding") != codingOf(tt.fields) {
						t.Errorf("%s: the coding is %q", mode, got.header.Get("Content-Encoding"))
					}
				}
				if mode == "off" || tt.kind == "" {
					if strings.Contains(text, `"msg":"violation"`) {
						t.Errorf("%s: logged %s", mode, text)
					}
					continue
				}
				verdict := map[string]string{"enforce": "refused", "monitor": "watched"}[mode]
				for _, want := range []string{`"direction":"responses"`, `"violation":"` + tt.kind, `"keyword":"` + tt.keyword, `"verdict":"` + verdict, `"operation":"getPfxRecryptionRequest"`} {
					if !strings.Contains(text, want) {
						t.Errorf("%s: the log lacks %s: %s", mode, want, text)
					}
				}
				if counted := s.metric(t, "pfxr_gateway_violations_total"); !strings.Contains(counted, "responses getPfxRecryptionRequest "+verdict+" "+tt.kind+" ") {
					t.Errorf("%s: counted %s", mode, counted)
				}
			}
		})
	}
}

func codingOf(fields []string) string {
	for _, f := range fields {
		if coding, ok := strings.CutPrefix(f, "Content-Encoding: "); ok {
			return coding
		}
	}
	return ""
}

const problem = `{"error":{"code":"c","message":"m","innerError":{"date":"2026-01-02T03:04:05","request-id":"6de0af45-af45-6de0-45af-e06d45afe06d","client-request-id":"6de0af45-af45-6de0-45af-e06d45afe06d"}}}`

// withID adds the member id, which the page's example lacks.
func withID(entity string) string {
	if strings.Contains(entity, `"id"`) {
		return entity
	}
	return strings.Replace(entity, "{", `{"id":"k",`, 1)
}

// TestHead: a response to HEAD is checked by its header.
func TestHead(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"enforce", "monitor"} {
		s := newStand(t, "responses: "+mode+"\n", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 99999999\r\nContent-Type: application/json\r\n\r\n", nil)
		if got := s.send("HEAD /beta/pfxRecryptionRequests/k\nX: y", ""); got.status != 200 || got.header.Get("Content-Length") != "99999999" {
			t.Errorf("%s: got %+v", mode, got)
		}
		s = newStand(t, "responses: "+mode+"\n", "HTTP/1.1 418 Tea\r\nConnection: close\r\nContent-Length: 5\r\n\r\n", nil)
		if got, want := s.send("HEAD /beta/pfxRecryptionRequests/k\nX: y", ""), map[string]int{"enforce": 502, "monitor": 418}[mode]; got.status != want {
			t.Errorf("%s: got %+v", mode, got)
		}
	}
}

// TestUndocumentedGzip: an undescribed response passes with its coding.
func TestUndocumentedGzip(t *testing.T) {
	t.Parallel()
	s := newStand(t, "responses: {mode: enforce, violations: {status: monitor}}\n", reply(418, zipped("tea"), "Content-Type: text/plain", "Content-Encoding: gzip"), nil)
	if got := s.send(getKey, ""); got.status != 418 || got.header.Get("Content-Encoding") != "gzip" || got.body != zipped("tea") {
		t.Errorf("got %+v", got)
	}
}

// TestBreaksOff: a response that breaks off becomes a 502 while it is held; otherwise the connection is aborted.
func TestBreaksOff(t *testing.T) {
	t.Parallel()
	const half = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
	for mode, want := range map[string]int{"enforce": 502, "monitor": aborted, "off": aborted} {
		s := newStand(t, "responses: "+mode+"\n", half, nil)
		if got := s.send(getKey, ""); got.status != want {
			t.Errorf("%s: got %+v", mode, got)
		}
		s = newStand(t, "responses: "+mode+"\n", strings.Replace(half, "Content-Length: 100", "Transfer-Encoding: chunked", 1), nil)
		if got := s.send(getKey, ""); got.status != want {
			t.Errorf("%s, chunks: got %+v", mode, got)
		}
	}
	// A watched response above MaxResponse is streamed.
	for _, framing := range []string{"Content-Length: 9000", "Transfer-Encoding: chunked"} {
		answer := "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n" + framing + "\r\n\r\n"
		if strings.HasPrefix(framing, "T") {
			answer += "2000\r\n"
		}
		s := newStand(t, "responses: monitor\n", answer+strings.Repeat(" ", 5000), func(c *gateway.Config) { c.MaxResponse = 4096 })
		if got := s.send(getKey, ""); got.status != aborted {
			t.Errorf("%s: got %+v", framing, got)
		}
	}
}

// TestEndlessResponse: an endless response that must be checked is read only up to MaxResponse.
func TestEndlessResponse(t *testing.T) {
	t.Parallel()
	for _, head := range []string{"Transfer-Encoding: chunked\r\n", "", "Content-Length: 1099511627776\r\n"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		sent := make(chan int, 1)
		go func() {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"+head+"\r\n")
			piece := "8000\r\n" + strings.Repeat(" ", 0x8000) + "\r\n"
			for total := 0; ; total += len(piece) {
				if _, err := io.WriteString(c, piece); err != nil {
					sent <- total
					return
				}
			}
		}()
		const limit = 1 << 20
		s := newStandAt(t, "http://"+l.Addr().String(), "responses: enforce\n", func(c *gateway.Config) { c.MaxResponse = limit })
		if got := s.send(getKey, ""); got.status != 502 {
			t.Errorf("%q: got %+v", head, got)
		}
		// The sockets' buffers hold bytes in addition to the gate.
		if n := <-sent; n > limit+16<<20 {
			t.Errorf("%q: %d bytes were read", head, n)
		}
		l.Close()
	}
}

// TestRefusedWhileSending: a refusal that overtakes the request's body closes the client's connection.
func TestRefusedWhileSending(t *testing.T) {
	t.Parallel()
	s := newStand(t, "requests: monitor\nresponses: monitor\n", "garbage", nil)
	body := strings.Repeat("x", 100_000)
	got := s.sendRaw("PATCH", "PATCH /beta/pfxRecryptionRequests/k HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"+body)
	if got.status != 502 || !got.closes {
		t.Errorf("got %+v", got)
	}
}
