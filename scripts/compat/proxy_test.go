package compat

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// proxy is between a client and a server. It throttles a request on demand, and has the fault of a mutant.
type proxy struct {
	*httptest.Server
	forward http.Handler

	mu         sync.Mutex
	fault      fault
	retryAfter string // of the 429 to the next request; "" for none
	throttled  bool
}

// fault is what is wrong with a server: it makes the response to q from those of the real server, which next returns.
type fault func(q request, next func(request) response) response

// request is a request whose body is read.
type request struct {
	*http.Request
	body []byte
}

// response is a response whose body is read.
type response struct {
	status int
	header http.Header
	body   []byte
}

func newProxy(t *testing.T, upstream string) *proxy {
	u, err := url.Parse(strings.TrimSuffix(upstream, "/beta"))
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{fault: faultless, forward: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(u)
		r.Out.Host = r.In.Host // the URL of the next page contains it
	}}}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func faultless(q request, next func(request) response) response { return next(q) }

// become gives the server another fault.
func (p *proxy) become(f fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault, p.retryAfter, p.throttled = f, "", false
}

// throttleNext makes the response to the next request 429, with a Retry-After in seconds.
func (p *proxy) throttleNext(retryAfter string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.retryAfter, p.throttled = retryAfter, false
}

// hasThrottled reports whether there was such a response since throttleNext.
func (p *proxy) hasThrottled() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.throttled
}

// ServeHTTP serves one request after the other: faults keep state.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault(request{r, body}, p.next).write(w)
}

func (p *proxy) next(q request) response {
	if p.retryAfter != "" && q.Method != http.MethodOptions { // a page's preflight is no call
		return p.throttle()
	}
	r := q.Clone(q.Context())
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(string(q.body))), int64(len(q.body))
	r.Header.Del("Content-Length")
	w := httptest.NewRecorder()
	p.forward.ServeHTTP(w, r)
	return response{w.Code, w.Header(), w.Body.Bytes()}
}

func (p *proxy) throttle() response {
	header := http.Header{
		"Content-Type": {"application/json"}, "Retry-After": {p.retryAfter},
		"Access-Control-Allow-Origin": {"*"}, "Access-Control-Expose-Headers": {"Retry-After"},
	}
	p.retryAfter, p.throttled = "", true
	return response{http.StatusTooManyRequests, header, []byte(`{"error":{"code":"TooManyRequests","message":"Too many requests.","innerError":{}}}`)}
}

func (a response) write(w http.ResponseWriter) {
	a.header.Del("Content-Length")
	if a.status == http.StatusNoContent && len(a.body) > 0 {
		a.writeRaw(w)
		return
	}
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a client that has seen enough hangs up
}

// writeRaw writes the body that net/http would not write.
func (a response) writeRaw(w http.ResponseWriter) {
	conn, out, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer func() { _ = conn.Close() }() // the client may have closed it
	a.header.Set("Content-Length", strconv.Itoa(len(a.body)))
	_, _ = out.WriteString("HTTP/1.1 204 No Content\r\n") // Flush reports the error
	_ = a.header.Write(out)
	_, _ = out.WriteString("\r\n" + string(a.body))
	_ = out.Flush()
}
