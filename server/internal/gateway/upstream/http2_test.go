package upstream

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// speakers returns clients for a handler with HTTP/2 over TLS, without TLS, and over a socket, by name.
func speakers(t *testing.T, h http.Handler, config Config) map[string]*Client {
	t.Helper()
	secured := httptest.NewUnstartedServer(h)
	secured.EnableHTTP2 = true
	secured.StartTLS()
	t.Cleanup(secured.Close)
	roots := x509.NewCertPool()
	roots.AddCert(secured.Certificate())

	plain := httptest.NewUnstartedServer(h)
	plain.Config.Protocols = new(http.Protocols)
	plain.Config.Protocols.SetUnencryptedHTTP2(true)
	plain.Start()
	t.Cleanup(plain.Close)

	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	local := &httptest.Server{Listener: l, Config: &http.Server{Handler: h, Protocols: plain.Config.Protocols}}
	local.Start()
	t.Cleanup(local.Close)

	clients := map[string]*Client{}
	for name, url := range map[string]string{"TLS": secured.URL, "cleartext": plain.URL, "socket": "unix:" + socket} {
		config := config
		config.URL, config.HTTP2, config.TLS = url, true, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
		clients[name] = client(t, config)
	}
	return clients
}

// TestHTTP2: requests and responses are forwarded over HTTP/2 in the same way as over HTTP/1.1.
func TestHTTP2(t *testing.T) {
	t.Parallel()
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a>")
		w.WriteHeader(http.StatusEarlyHints)
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header()["Link"] = nil
		w.Header().Set("X-Got", fmt.Sprintf("%s %s %s %d %s", r.Proto, r.Method, r.RequestURI, len(body), r.Trailer.Get("X-Sum")))
		for _, name := range []string{"Connection", "X-Hop", "Te", "X-Forwarded-For", "Via", "User-Agent"} {
			w.Header().Set("X-"+name, r.Header.Get(name))
		}
		w.Header().Set("Trailer", "X-End")
		_, _ = io.WriteString(w, "hello")
		w.Header().Set("X-End", "1")
	})
	for name, c := range speakers(t, h, Config{}) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fronts(t, c, func(t *testing.T, caller *http.Client, url string) {
				for _, path := range []string{"/", "/a%2fb/('k')?$x=1&&%zz", "//other.test/x", "/%2e%2e/"} {
					for _, size := range []int{0, 2, 200_000} {
						early := 0
						trace := &httptrace.ClientTrace{Got1xxResponse: func(int, textproto.MIMEHeader) error { early++; return nil }}
						r, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), http.MethodPatch, url, io.MultiReader(strings.NewReader(strings.Repeat("x", size))))
						if err != nil {
							t.Fatal(err)
						}
						r.URL.Opaque = url[strings.Index(url, "//"):] + path
						r.Header = http.Header{"User-Agent": nil, "X-Hop": {"1"}, "X-Forwarded-For": {"1.2.3.4"}}
						r.Trailer = http.Header{"X-Sum": {"5"}}
						resp, err := caller.Do(r)
						if err != nil {
							t.Fatal(err)
						}
						body, err := io.ReadAll(resp.Body)
						resp.Body.Close()
						if err != nil || string(body) != "hello" || resp.Trailer.Get("X-End") != "1" || early != 1 || resp.Header.Get("Link") != "" {
							t.Errorf("got %q, %v, %v, %d interim responses, %v", body, resp.Trailer, resp.Header, early, err)
						}
						want := fmt.Sprintf("HTTP/2.0 PATCH %s %d 5", path, size)
						got := []string{resp.Header.Get("X-Got"), resp.Header.Get("X-X-Forwarded-For"), resp.Header.Get("X-Via"), resp.Header.Get("X-User-Agent")}
						if diff := cmp.Diff([]string{want, "127.0.0.1", "1.1 pfxrd", ""}, got); diff != "" {
							t.Errorf("(-want +got):\n%s", diff)
						}
					}
				}
			})
		})
	}
}

// TestHTTP2Streams: each message of a stream and each piece of an upload is forwarded as it arrives.
func TestHTTP2Streams(t *testing.T) {
	t.Parallel()
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		for in := bufio.NewReader(r.Body); ; {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			_, _ = io.WriteString(w, line)
			_ = http.NewResponseController(w).Flush()
		}
	})
	for name, c := range speakers(t, h, Config{}) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fronts(t, c, func(t *testing.T, caller *http.Client, url string) {
				body, say := io.Pipe()
				go func() { _, _ = io.WriteString(say, "0\n") }()
				resp, err := caller.Post(url, "text/plain", body)
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
		})
	}
}

// TestHTTP2Outcomes: errors have the same kinds as over HTTP/1.1.
func TestHTTP2Outcomes(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]int{"/breaks": 502, "/silent": 504, "/half": aborted, "/stops": aborted} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch path {
				case "/silent":
					<-r.Context().Done()
				case "/half", "/stops":
					w.Header().Set("Content-Length", "10")
					_, _ = io.WriteString(w, "half")
					_ = http.NewResponseController(w).Flush()
					if path == "/stops" {
						<-r.Context().Done()
					}
				}
				panic(http.ErrAbortHandler)
			})
			patiently(t, func(timeout time.Duration) error {
				for name, c := range speakers(t, h, Config{Timeout: timeout}) {
					for _, size := range []int{2, 100_000} {
						if got := front(t, c).do(http.MethodPost, bytes.NewReader(make([]byte, size))); got.status != want {
							return fmt.Errorf("%s, %d bytes: got %+v, want %d", name, size, got, want)
						}
					}
				}
				return nil
			})
		})
	}
	t.Run("no server", func(t *testing.T) {
		t.Parallel()
		for _, url := range []string{"http://127.0.0.1:1", "https://127.0.0.1:1", "unix:/nowhere/at/all"} {
			for _, h2 := range []bool{false, true} {
				if got := front(t, client(t, Config{URL: url, HTTP2: h2})).do(http.MethodPost, strings.NewReader("{}")); got.status != 503 {
					t.Errorf("%s: got %+v", url, got)
				}
			}
		}
	})
	t.Run("only HTTP/1.1", func(t *testing.T) {
		t.Parallel()
		s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto+r.RequestURI) }))
		t.Cleanup(s.Close)
		roots := x509.NewCertPool()
		roots.AddCert(s.Certificate())
		c := client(t, Config{URL: s.URL, HTTP2: true, TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}})
		if got := front(t, c).do(http.MethodGet, nil); got.body != "HTTP/1.1/beta/things?a=b" {
			t.Errorf("got %+v", got)
		}
	})
}

// TestSocket: a Unix socket works like any other upstream.
func TestSocket(t *testing.T) {
	t.Parallel()
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Host+r.RequestURI+r.RemoteAddr)
	})}}
	s.Start()
	defer s.Close()
	for _, url := range []string{"unix:" + socket, "unix://" + socket} {
		c := client(t, Config{URL: url})
		for range 3 {
			if got := front(t, c).do(http.MethodGet, nil); got.body != "localhost/beta/things?a=b@" {
				t.Errorf("got %+v", got)
			}
		}
		if len(c.pool.idle) != 1 {
			t.Errorf("%d connections are kept", len(c.pool.idle))
		}
	}
}

// TestClientCertificate: an upstream that requests a client certificate gets the gateway's.
func TestClientCertificate(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.TLS.PeerCertificates[0].Subject.Organization[0])
	}))
	s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	s.Config.ErrorLog = quiet
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	for _, h2 := range []bool{false, true} {
		for certificates, want := range map[*tls.Certificate]string{&s.TLS.Certificates[0]: "Acme Co", nil: ""} {
			config := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
			if certificates != nil {
				config.Certificates = []tls.Certificate{*certificates}
			}
			got := front(t, client(t, Config{URL: s.URL, TLS: config, HTTP2: h2})).do(http.MethodGet, nil)
			if (got.status == 200) != (want != "") || want != "" && got.body != want {
				t.Errorf("HTTP/2 %t: got %+v, want %q", h2, got, want)
			}
		}
	}
}
