package upstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/stream"
)

// http2 forwards over HTTP/2 with net/http's transport: many requests share a connection.
type http2 struct {
	client *Client
	mu     sync.Mutex
	used   *http.Transport
	born   time.Time
}

// transport returns the transport for a request. A new transport resolves the upstream's address again; an old one keeps its
// requests.
func (h *http2) transport() *http.Transport {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.used != nil && time.Since(h.born) < h.client.config.MaxConnAge {
		return h.used
	}
	if h.used != nil {
		h.used.CloseIdleConnections()
	}
	h.used, h.born = h.client.newTransport(), time.Now()
	return h.used
}

func (h *http2) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.used != nil {
		h.used.CloseIdleConnections()
	}
}

func (c *Client) newTransport() *http.Transport {
	t := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, c.config.DialTimeout)
			defer cancel()
			return new(net.Dialer).DialContext(ctx, c.network, c.address)
		},
		TLSClientConfig: c.tls.Clone(), TLSHandshakeTimeout: c.config.DialTimeout, ResponseHeaderTimeout: c.config.Timeout,
		IdleConnTimeout: c.config.IdleTimeout, DisableCompression: true, MaxResponseHeaderBytes: maxHead,
		Protocols: new(http.Protocols), HTTP2: &http.HTTP2Config{SendPingTimeout: c.config.Timeout, PingTimeout: c.config.Timeout},
	}
	if c.tls == nil {
		t.Protocols.SetUnencryptedHTTP2(true)
		return t
	}
	t.TLSClientConfig.NextProtos = nil // the transport sets it
	t.Protocols.SetHTTP1(true)
	t.Protocols.SetHTTP2(true)
	return t
}

// forward is [Client.forward] for HTTP/2.
func (h *http2) forward(w http.ResponseWriter, m *request) error {
	c := h.client
	if m.streamed {
		_ = http.NewResponseController(w).EnableFullDuplex()
		w.Header()["Connection"] = []string{"close"} // as over HTTP/1.1, which the client's connection may use
	}
	m.body = bytes.Clone(m.body) // a transport may send after the exchange
	ctx, cancel := context.WithCancelCause(m.patience)
	defer cancel(nil)
	var sent atomic.Bool
	interim := &interim{to: w}
	r := c.outgoing(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders:   func() { sent.Store(true) },
		Got1xxResponse: interim.pass,
	}), m)
	resp, err := h.transport().RoundTrip(r)
	interim.end()
	if err != nil {
		if !sent.Load() {
			return unsent(m.patience, err)
		}
		return unknown(err)
	}
	defer resp.Body.Close()
	return h.pass(w, m, resp, cancel)
}

// pass forwards the response.
func (h *http2) pass(w http.ResponseWriter, m *request, resp *http.Response, cancel context.CancelCauseFunc) error {
	of := head{status: resp.StatusCode, fields: fieldsOf(resp.Header), length: resp.ContentLength}
	if len(resp.Trailer) > 0 && m.Method != http.MethodHead {
		of.length = -1 // HTTP/1.1 allows no trailers after a body with a length
	}
	of.copyTo(w.Header(), m.Method == http.MethodHead)
	h.client.readdress(w.Header(), m.Request)
	w.WriteHeader(of.status)
	if err := h.copyBody(w, resp, cancel); err != nil {
		h.client.config.Fail(w, m.Request, begun(err))
		panic(http.ErrAbortHandler)
	}
	if of.trailers = fieldsOf(resp.Trailer); len(of.trailers) > 0 {
		_ = http.NewResponseController(w).Flush()
		of.copyTrailersTo(w.Header())
	}
	return nil
}

// canceller ends a stream.
type canceller struct{ cancel context.CancelCauseFunc }

func (c *canceller) close() { c.cancel(errShutdown) }

var errShutdown = errors.New("the gateway shuts down")

var errSilent = fmt.Errorf("the upstream stopped midway through its response: %w", context.DeadlineExceeded)

func (h *http2) copyBody(w http.ResponseWriter, resp *http.Response, cancel context.CancelCauseFunc) error {
	config, controller := &h.client.config, http.NewResponseController(w)
	timeout := config.Timeout
	if stream.Is(resp.Header.Get("Content-Type")) {
		timeout = config.StreamTimeout
		defer h.client.endless.add(&canceller{cancel})()
		_ = controller.SetReadDeadline(time.Time{})
	}
	silent := time.AfterFunc(timeout, func() { cancel(errSilent) })
	defer silent.Stop()
	if resp.ContentLength < 0 {
		_ = controller.Flush()
	}
	buf := newBuffer()
	defer freeBuffer(buf)
	for {
		_ = controller.SetWriteDeadline(h.client.writeDeadline(time.Now().Add(timeout))) // if this fails, the server's own deadline applies
		n, err := resp.Body.Read(*buf)
		silent.Reset(timeout)
		if n > 0 {
			if _, err := w.Write((*buf)[:n]); err != nil {
				return &Error{Kind: Gone, Err: fmt.Errorf("writing the response: %w", err)}
			}
			if int64(n) != resp.ContentLength {
				_ = controller.Flush()
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return errors.Join(err, context.Cause(resp.Request.Context()))
		}
	}
}

// outgoing returns the request for the upstream, with the same fields as over HTTP/1.1.
func (c *Client) outgoing(ctx context.Context, m *request) *http.Request {
	r := &http.Request{
		Method: m.Method, URL: &url.URL{Scheme: "http", Host: c.host}, Host: c.host, Header: c.fields(m.Request),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(m.body)), Body: http.NoBody,
	}
	if c.tls != nil {
		r.URL.Scheme = "https"
	}
	if c.config.KeepHost && m.Host != "" {
		r.Host = m.Host
	}
	r.URL.Opaque = "*"
	if m.RequestURI != "*" {
		r.URL.Opaque = c.prefix + target(m.Request)
		if strings.HasPrefix(r.URL.Opaque, "//") { // net/http would read it as a host
			r.URL.Opaque = "//" + r.Host + r.URL.Opaque
		}
	}
	switch {
	case m.streamed:
		r.ContentLength, r.Trailer = m.ContentLength, validTrailers(m.Trailer)
		r.Body = io.NopCloser(&trailing{io.MultiReader(bytes.NewReader(m.body), m.Body), m.Trailer, r.Trailer})
	case len(m.body) > 0:
		r.Body = io.NopCloser(bytes.NewReader(m.body))
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(m.body)), nil }
	}
	return r.WithContext(ctx)
}

// fields returns the header of the request for the upstream.
func (c *Client) fields(r *http.Request) http.Header {
	h := http.Header{"User-Agent": nil} // otherwise net/http names itself
	trusted := c.isTrusted(r)
	for name, values := range r.Header {
		if passes(r, name, trusted) {
			h[name] = values
		}
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(string(appendForwarded(nil, r, trusted)), "\r\n"), "\r\n") {
		name, value, _ := strings.Cut(line, ": ")
		h[name] = append(h[name], value)
	}
	return h
}

// trailing copies the trailers, whose values are known once the body is read.
type trailing struct {
	io.Reader
	from, to http.Header
}

func (t *trailing) Read(p []byte) (int, error) {
	n, err := t.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		for name := range t.to {
			t.to[name] = t.from[name]
		}
	}
	return n, err
}

func validTrailers(of http.Header) http.Header {
	var valid http.Header
	for name := range of {
		if isTrailer(name) {
			if valid == nil {
				valid = http.Header{}
			}
			valid[name] = nil
		}
	}
	return valid
}

func fieldsOf(h http.Header) []field {
	var fields []field
	for name, values := range h {
		for _, value := range values {
			fields = append(fields, field{canonical(name), value})
		}
	}
	return fields
}

// interim forwards interim responses until the response arrives: a transport may still call it then.
type interim struct {
	mu sync.Mutex
	to http.ResponseWriter // nil once the response has arrived
}

func (i *interim) pass(status int, header textproto.MIMEHeader) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.to != nil && status != http.StatusContinue {
		h := head{status: status, fields: fieldsOf(http.Header(header))}
		h.passInterim(i.to)
	}
	return nil
}

func (i *interim) end() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.to = nil
}
