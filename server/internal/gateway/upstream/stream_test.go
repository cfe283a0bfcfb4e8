package upstream

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pfxrecryption/pfxrecryption/server/internal/conns"
)

// fronts serves a handler over HTTP/1.1 and HTTP/2, and runs a test with each.
func fronts(t *testing.T, h http.Handler, run func(t *testing.T, client *http.Client, url string)) {
	t.Helper()
	for version, h2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewUnstartedServer(h)
			s.EnableHTTP2 = h2
			s.StartTLS()
			t.Cleanup(s.Close)
			run(t, s.Client(), s.URL)
		})
	}
}

// TestStreams: each piece of a response is forwarded as it arrives, however the response is framed. The upstream sends the
// next piece after the client has got the previous one.
func TestStreams(t *testing.T) {
	t.Parallel()
	const head, pieces = "HTTP/1.1 200 OK\r\nContent-Type: ", 3
	plain := func(s string) string { return s }
	chunk := func(s string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(s), s) }
	for name, tt := range map[string]struct {
		head     string
		frame    func(string) string
		end      string
		headFlow bool // the head is forwarded before the first piece
	}{
		"events in chunks":       {"text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n", chunk, "0\r\n\r\n", true},
		"events until the close": {"text/event-stream\r\n\r\n", plain, "", true},
		"lines in chunks":        {"application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n", chunk, "0\r\n\r\n", true},
		"any chunks":             {"text/plain\r\nTransfer-Encoding: chunked\r\n\r\n", chunk, "0\r\n\r\n", true},
		"HTTP/1.0":               {"text/plain\r\nConnection: close\r\n\r\n", plain, "", true},
		"a length":               {"application/json\r\nContent-Length: 18\r\n\r\n", plain, "", false},
		"two chunks in a piece":  {"text/plain\r\nTransfer-Encoding: chunked\r\n\r\n", func(s string) string { return chunk(s[:2]) + chunk(s[2:]) }, "0\r\n\r\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			next := make(chan struct{})
			url := listen(t, func(s *session) {
				s.request()
				s.say(head + tt.head)
				if tt.headFlow {
					<-next
				}
				for i := range pieces {
					s.say(tt.frame(fmt.Sprintf("data%d\n", i)))
					<-next
				}
				s.say(tt.end)
			})
			fronts(t, client(t, Config{URL: url}), func(t *testing.T, client *http.Client, url string) {
				resp, err := client.Get(url)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				if tt.headFlow {
					next <- struct{}{}
				}
				in := bufio.NewReader(resp.Body)
				for i := range pieces {
					if line, err := in.ReadString('\n'); line != fmt.Sprintf("data%d\n", i) {
						t.Errorf("got %q, %v", line, err)
					}
					next <- struct{}{}
				}
				if rest, err := io.ReadAll(in); len(rest) > 0 || err != nil {
					t.Errorf("got %q, %v at the end", rest, err)
				}
			})
		})
	}
}

// TestConversation: each chunk of an upload, and each piece of the response to it, is forwarded as it arrives.
func TestConversation(t *testing.T) {
	t.Parallel()
	url := listen(t, func(s *session) {
		r, err := http.ReadRequest(s.in)
		if err != nil {
			return
		}
		s.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		for in := bufio.NewReader(r.Body); ; {
			line, err := in.ReadString('\n')
			if err != nil {
				break
			}
			s.say(fmt.Sprintf("%x\r\n%s\r\n", len(line), line))
		}
		s.say("0\r\n\r\n")
	})
	fronts(t, client(t, Config{URL: url}), func(t *testing.T, client *http.Client, url string) {
		body, say := io.Pipe()
		go func() { _, _ = io.WriteString(say, "0\n") }()
		resp, err := client.Post(url, "text/plain", body)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		in := bufio.NewReader(resp.Body)
		for i := range 5 {
			if line, err := in.ReadString('\n'); line != fmt.Sprintf("%d\n", i) {
				t.Fatalf("got %q, %v", line, err)
			}
			_, _ = fmt.Fprintf(say, "%d\n", i+1)
		}
		say.Close()
		_, _ = io.Copy(io.Discard, in)
	})
}

// TestSilentStream: a stream may be silent for longer than the response timeout; other responses may not.
func TestSilentStream(t *testing.T) {
	t.Parallel()
	for media, want := range map[string]int{"text/event-stream": 200, "text/plain": aborted} {
		t.Run(media, func(t *testing.T) {
			t.Parallel()
			patiently(t, func(timeout time.Duration) error {
				url := listen(t, func(s *session) {
					s.request()
					s.say("HTTP/1.1 200 OK\r\nContent-Type: " + media + "\r\nTransfer-Encoding: chunked\r\n\r\n")
					for _, piece := range []string{"1\r\nx\r\n", "0\r\n\r\n"} {
						if s.pause(2 * timeout) {
							s.say(piece)
						}
					}
				})
				c := client(t, Config{URL: url, Timeout: timeout})
				if got := front(t, c).do(http.MethodGet, nil); got.status != want {
					return fmt.Errorf("got %+v, want %d", got, want)
				}
				return nil
			})
		})
	}
}

// TestCallerLeavesStream: when its client has left, a silent stream ends after the response timeout.
func TestCallerLeavesStream(t *testing.T) {
	t.Parallel()
	for name, secured := range map[string]bool{"without TLS": false, "with TLS": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			closed := make(chan struct{})
			url := listen(t, func(s *session) {
				s.request()
				s.say("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
				s.gone()
				close(closed)
			})
			s := httptest.NewUnstartedServer(client(t, Config{URL: url, Timeout: 400 * time.Millisecond, StreamTimeout: time.Hour}))
			l := conns.Limit(s.Listener, conns.Config{Max: 10, Stall: time.Hour})
			s.Listener, s.Config.ConnState, s.Config.ConnContext = l, l.SetState, l.Context
			start := s.Start
			if secured {
				start = s.StartTLS
			}
			start()
			t.Cleanup(s.Close)
			resp, err := s.Client().Get(s.URL)
			if err != nil {
				t.Fatal(err)
			}
			if line, err := bufio.NewReader(resp.Body).ReadString('\n'); line != "data: 1\n" || err != nil {
				t.Errorf("got %q, %v", line, err)
			}
			resp.Body.Close()
			<-closed
		})
	}
}

// TestStreamTimeout: a stream that is silent for StreamTimeout is aborted, even if the response timeout is longer.
func TestStreamTimeout(t *testing.T) {
	t.Parallel()
	url := listen(t, func(s *session) {
		s.request()
		s.say("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
		s.gone()
	})
	c := client(t, Config{URL: url, Timeout: time.Hour, StreamTimeout: 100 * time.Millisecond})
	if got := front(t, c).do(http.MethodGet, nil); got.status != aborted {
		t.Errorf("got %+v, want it aborted", got)
	}
}

// TestStreamsEnd: a stream is aborted when the gateway shuts down; otherwise the shutdown would never end.
func TestStreamsEnd(t *testing.T) {
	t.Parallel()
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	clients := speakers(t, h, Config{})
	plain := httptest.NewServer(h)
	t.Cleanup(plain.Close)
	clients["HTTP/1.1"] = client(t, Config{URL: plain.URL})
	for name, c := range clients {
		s := httptest.NewServer(c)
		resp, err := s.Client().Get(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		c.EndStreams()
		if b, err := io.ReadAll(resp.Body); err == nil {
			t.Errorf("%s: got %q and a regular end", name, b)
		}
		resp.Body.Close()
		s.Close() // waits for the handler
	}
}

// TestInterim: interim responses are forwarded, and their fields do not become those of the response (RFC 9110 §15.2).
func TestInterim(t *testing.T) {
	t.Parallel()
	url := listen(t, func(s *session) {
		s.request()
		s.say("HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nConnection: X-Hop\r\nX-Hop: 1\r\nContent-Length: 9\r\n\r\n" +
			"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </b>\r\n\r\n" + good("hello"))
	})
	fronts(t, client(t, Config{URL: url}), func(t *testing.T, client *http.Client, url string) {
		var got []string
		trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
			for name := range header {
				if name != "Link" {
					t.Errorf("%d has %s", code, name)
				}
			}
			got = append(got, fmt.Sprint(code, header["Link"]))
			return nil
		}}
		r, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || string(body) != "hello" || resp.Header.Get("Link") != "" {
			t.Errorf("got %q, %v, %v", body, resp.Header, err)
		}
		if diff := cmp.Diff([]string{"103 [</a>; rel=preload]", "102 []", "103 [</b>]"}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestTrailers: trailers are forwarded both ways, except those that have a meaning in a head (RFC 9110 §6.5.1).
func TestTrailers(t *testing.T) {
	t.Parallel()
	bad := []string{"Transfer-Encoding", "Content-Length", "Host", "Authorization", "Set-Cookie", "Cookie", "X-Forwarded-For", "Connection", "If-Match", "A_b"}
	url := listen(t, func(s *session) {
		r, err := http.ReadRequest(s.in)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		for _, name := range bad {
			if _, there := r.Trailer[name]; there {
				t.Errorf("the request has the trailer %s", name)
			}
		}
		answer := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: " + r.Trailer.Get("X-Sum") + "\r\n"
		for _, name := range bad {
			answer += name + ": x\r\n"
		}
		s.say(answer + "\r\n")
	})
	fronts(t, client(t, Config{URL: url}), func(t *testing.T, client *http.Client, url string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, struct{ io.Reader }{strings.NewReader("hello")})
		if err != nil {
			t.Fatal(err)
		}
		r.Trailer = http.Header{"X-Sum": {"5d41"}, "X-Forwarded-For": {"1.2.3.4"}, "Set-Cookie": {"a"}, "A_b": {"c"}}
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || string(body) != "hello" || resp.Header.Get("X-Sum") != "" {
			t.Errorf("got %q, %v, %v", body, resp.Header, err)
		}
		if diff := cmp.Diff(http.Header{"X-Sum": {"5d41"}}, resp.Trailer); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
