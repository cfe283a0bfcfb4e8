package gateway_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/upstream"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// message is a request as received by the upstream, with the chunks of its body joined.
type message struct{ head, body string }

func (m *message) line() string {
	line, _, _ := strings.Cut(m.head, "\r\n")
	return strings.TrimSuffix(line, " HTTP/1.1")
}

func (m *message) has(field string) bool {
	return strings.Contains(strings.ToLower(m.head), "\r\n"+strings.ToLower(field)+":")
}

// stand is a gate between raw clients and an upstream that sends given responses and records requests.
type stand struct {
	t        testing.TB
	address  string
	log      *lockedBuffer
	registry *prometheus.Registry
	front    *httptest.Server

	mu  sync.Mutex
	got []message
}

// newStand serves a gate of the built-in contract with a policy. answer is the upstream's response to each request,
// after which it closes the connection.
func newStand(t testing.TB, rules string, answer string, change func(*gateway.Config)) *stand {
	t.Helper()
	s := &stand{t: t, log: &lockedBuffer{}, registry: prometheus.NewRegistry()}
	s.serve(s.upstream(answer), rules, change)
	return s
}

// newStandAt does the same in front of an upstream at a URL.
func newStandAt(t testing.TB, url, rules string, change func(*gateway.Config)) *stand {
	t.Helper()
	s := &stand{t: t, log: &lockedBuffer{}, registry: prometheus.NewRegistry()}
	s.serve(url, rules, change)
	return s
}

func newMetrics(t testing.TB, registry *prometheus.Registry) *gateway.Metrics {
	t.Helper()
	m, err := gateway.NewMetrics(registry)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (s *stand) serve(url, rules string, change func(*gateway.Config)) {
	t := s.t
	t.Helper()
	config := gateway.Config{
		Contract: gateway.Builtin(), Policy: mustParse(t, rules), Metrics: newMetrics(t, s.registry), Log: slog.New(slog.NewJSONHandler(s.log, nil)),
	}
	if change != nil {
		change(&config)
	}
	gate, err := gateway.New(config)
	if err != nil {
		t.Fatal(err)
	}
	next, err := upstream.New(upstream.Config{URL: url, Timeout: time.Hour, Fail: func(w http.ResponseWriter, _ *http.Request, err error) {
		problem := gateway.BadAnswer()
		if e := (*upstream.Error)(nil); errors.As(err, &e) && e.Kind == upstream.Gone {
			problem = graph.MalformedBody(err)
		}
		gateway.Fail(w, problem)
	}})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewUnstartedServer(gate.Handler(next))
	front.Config.Protocols = new(http.Protocols)
	front.Config.Protocols.SetHTTP1(true)
	front.Config.Protocols.SetUnencryptedHTTP2(true)
	front.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	front.Start()
	t.Cleanup(func() {
		front.Close()
		next.Close()
	})
	s.front, s.address = front, front.Listener.Addr().String()
}

func (s *stand) upstream(answer string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				if m, err := receive(bufio.NewReader(c)); err == nil {
					s.mu.Lock()
					s.got = append(s.got, m)
					s.mu.Unlock()
					_, _ = io.WriteString(c, answer)
				}
			})
		}
	})
	s.t.Cleanup(func() {
		l.Close()
		running.Wait()
	})
	return "http://" + l.Addr().String()
}

// receive reads a request byte by byte with its own parser, to be independent of the sender.
func receive(r *bufio.Reader) (message, error) {
	var m message
	for !strings.HasSuffix(m.head, "\r\n\r\n") {
		line, err := r.ReadString('\n')
		if err != nil {
			return m, err
		}
		m.head += line
	}
	length := 0
	if _, rest, ok := strings.Cut(strings.ToLower(m.head), "\r\ncontent-length: "); ok {
		_, _ = fmt.Sscanf(rest, "%d", &length)
	}
	body := io.LimitReader(r, int64(length))
	if strings.Contains(strings.ToLower(m.head), "\r\ntransfer-encoding: chunked\r\n") {
		body = httputil.NewChunkedReader(r)
	}
	b, err := io.ReadAll(body)
	m.body = string(b)
	return m, err
}

// requests returns the requests that reached the upstream.
func (s *stand) requests() []message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got
}

// aborted is the status of a response that broke off.
const aborted = -1

type answered struct {
	status int
	header http.Header
	body   string
	closes bool
}

// send sends a request over a new connection. Its lines up to the body end in CRLF.
func (s *stand) send(head, body string) answered {
	s.t.Helper()
	method, _, _ := strings.Cut(head, " ")
	if !strings.Contains(head, "\nContent-Length:") && !strings.Contains(head, "\nTransfer-Encoding:") && body != "" {
		head += fmt.Sprintf("\nContent-Length: %d", len(body))
	}
	head = strings.Replace(head, "\n", " HTTP/1.1\nHost: caller.test\nConnection: close\n", 1)
	return s.sendRaw(method, strings.ReplaceAll(head, "\n", "\r\n")+"\r\n\r\n"+body)
}

func (s *stand) sendRaw(method, text string) answered {
	s.t.Helper()
	c, err := net.Dial("tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, text) // a refusal may come before the end of a large body
	in := bufio.NewReader(c)
	resp, err := http.ReadResponse(in, &http.Request{Method: method})
	for err == nil && resp.StatusCode == http.StatusContinue {
		resp, err = http.ReadResponse(in, &http.Request{Method: method})
	}
	if err != nil {
		return answered{status: aborted}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return answered{status: aborted}
	}
	return answered{resp.StatusCode, resp.Header, string(b), resp.Close}
}

// lockedBuffer is a log that a gate writes to and a test reads.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func zipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.String()
}

// reply is a response of the upstream.
func reply(status int, body string, fields ...string) string {
	head := fmt.Sprintf("HTTP/1.1 %d Any\r\nConnection: close\r\nContent-Length: %d\r\n", status, len(body))
	for _, f := range fields {
		head += f + "\r\n"
	}
	return head + "\r\n" + body
}

func mustParse(t testing.TB, rules string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse([]byte(rules))
	if err != nil {
		t.Fatal(err)
	}
	return p
}
