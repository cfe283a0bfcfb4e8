package pace_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/pfxrecryption/pfxrecryption/server/internal/pace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// line is a client's connection: its pieces arrive with pauses, and reading after the deadline fails.
type line struct {
	http.ResponseWriter
	pieces      int
	size        int
	pause       time.Duration
	read, write time.Time
}

func (l *line) SetReadDeadline(t time.Time) error  { l.read = t; return nil }
func (l *line) SetWriteDeadline(t time.Time) error { l.write = t; return nil }
func (l *line) Close() error                       { return nil }

func (l *line) Read(p []byte) (int, error) {
	if l.pieces == 0 {
		return 0, io.EOF
	}
	l.pieces--
	if wait := time.Until(l.read); !l.read.IsZero() && wait < l.pause {
		time.Sleep(wait)
		return 0, os.ErrDeadlineExceeded
	}
	time.Sleep(l.pause)
	return copy(p, strings.Repeat("x", l.size)), nil
}

// TestPace: a body may take any time while it progresses, and the time for the response starts at the last piece.
func TestPace(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		pieces, size int
		pause        time.Duration
		want         error
	}{
		"one piece":              {1, 10, time.Second, nil},
		"steady for two hours":   {7200, 1000, time.Second, nil},
		"a stall":                {3, 1000, 11 * time.Second, os.ErrDeadlineExceeded},
		"a drip":                 {60, 1, time.Second, os.ErrDeadlineExceeded},
		"below the rate":         {200, 90, time.Second, os.ErrDeadlineExceeded},
		"long pauses, much data": {60, 1000, 9 * time.Second, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := &line{ResponseWriter: httptest.NewRecorder(), pieces: tt.pieces, size: tt.size, pause: tt.pause}
				r := httptest.NewRequest(http.MethodPost, "/", l)
				pace.Handler(pace.Config{Piece: 10 * time.Second, Rate: 100, Response: time.Minute}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					if _, err := io.Copy(io.Discard, r.Body); !errors.Is(err, tt.want) {
						t.Errorf("got %v, want %v", err, tt.want)
					}
					if tt.pieces > 1 && time.Until(l.write) < time.Minute {
						t.Errorf("the response has %s", time.Until(l.write))
					}
				})).ServeHTTP(l, r)
			})
		})
	}
}

// TestWriterIsLeftAlone: a body may be read after its handler has returned. Then the writer of HTTP/2 would panic,
// without recovery by a server.
func TestWriterIsLeftAlone(t *testing.T) {
	t.Parallel()
	kept := make(chan io.Reader, 1)
	s := httptest.NewUnstartedServer(pace.Handler(pace.Config{Piece: time.Hour, Rate: 1, Response: time.Hour}, http.HandlerFunc(
		func(_ http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadFull(r.Body, make([]byte, 1)); err != nil {
				t.Error(err)
			}
			kept <- r.Body
		})))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	resp, err := s.Client().Post(s.URL, "text/plain", strings.NewReader("xy"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if n, err := (<-kept).Read(make([]byte, 1)); n > 0 || !errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Errorf("got %d, %v", n, err)
	}
}

// TestContext: over HTTP/1.1 the end of a request's context does not mean that the client has left.
func TestContext(t *testing.T) {
	t.Parallel()
	for version, certain := range map[int]bool{1: false, 2: true} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.ProtoMajor = version
		if got := pace.Context(r).Done() == r.Context().Done(); got != (certain || r.Context().Done() == nil) {
			t.Errorf("HTTP/%d: got %t", version, got)
		}
	}
}

// TestRefusalBeforeContinue: a client that waits for 100 before it sends its body gets a refusal at once.
func TestRefusalBeforeContinue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		refuse := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
		client, served := net.Pipe()
		defer client.Close()
		listener := &listener{conns: make(chan net.Conn, 1)}
		listener.conns <- served
		server := &http.Server{Handler: pace.Handler(pace.Config{Piece: time.Hour, Rate: 1, Response: time.Hour}, refuse), ReadTimeout: time.Hour}
		go func() { _ = server.Serve(listener) }()
		defer server.Close()

		start := time.Now()
		if _, err := io.WriteString(client, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(client), nil)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if waited := time.Since(start); response.StatusCode != http.StatusUnauthorized || waited > 0 {
			t.Errorf("got %d after %s, want 401 at once", response.StatusCode, waited)
		}
	})
}

// listener accepts the connections from a channel.
type listener struct{ conns chan net.Conn }

func (l *listener) Accept() (net.Conn, error) {
	conn, ok := <-l.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (l *listener) Close() error {
	close(l.conns)
	return nil
}

func (l *listener) Addr() net.Addr { return &net.TCPAddr{} }
