package upstream

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// Config holds the settings of a client. Only URL and Fail are required.
type Config struct {
	// URL is http or https with a host and an optional path prefix, or unix: with the absolute path of a socket.
	URL string
	// TLS configures https; nil trusts the system's roots.
	TLS *tls.Config
	// HTTP2 uses HTTP/2: over TLS if the upstream offers it, otherwise with prior knowledge (RFC 9113 §3.3).
	HTTP2 bool
	// KeepHost forwards the client's Host; otherwise the upstream gets its own name.
	KeepHost bool
	// Trusted are the addresses of proxies in front: their X-Forwarded-* fields are forwarded.
	Trusted []netip.Prefix
	// Upgrade lets requests switch to another protocol, such as WebSocket, over HTTP/1.1. Such a connection still counts
	// toward MaxConns.
	Upgrade bool
	// MaxConns is the highest number of connections, or of concurrent requests over HTTP/2; 0 means 512. A request waits for
	// one for at most QueueTimeout.
	MaxConns int
	// QueueTimeout is how long a request waits for a connection; 0 means 100 ms.
	QueueTimeout time.Duration
	// DialTimeout bounds connecting, including TLS; 0 means 2 s.
	DialTimeout time.Duration
	// Timeout bounds the wait for the header of the response, and for each further piece of its body; 0 means 10 s.
	Timeout time.Duration
	// StreamTimeout is how long a stream, such as text/event-stream, or a tunnel may send nothing; 0 means 5 min.
	StreamTimeout time.Duration
	// IdleTimeout is how long an unused connection is kept; 0 means 30 s.
	IdleTimeout time.Duration
	// MaxConnAge is how long a connection is used; 0 means 5 min. A new connection resolves the upstream's address again.
	MaxConnAge time.Duration
	// Fail responds to a request that has no complete response from the upstream. err is an [*Error]. Unless it is Begun,
	// nothing was written to w.
	Fail func(w http.ResponseWriter, r *http.Request, err error)
}

func (c Config) withDefaults() Config {
	c.MaxConns = orDefault(c.MaxConns, 512)
	c.QueueTimeout = orDefault(c.QueueTimeout, 100*time.Millisecond)
	c.DialTimeout = orDefault(c.DialTimeout, 2*time.Second)
	c.Timeout = orDefault(c.Timeout, 10*time.Second)
	c.StreamTimeout = orDefault(c.StreamTimeout, 5*time.Minute)
	c.IdleTimeout = orDefault(c.IdleTimeout, 30*time.Second)
	c.MaxConnAge = orDefault(c.MaxConnAge, 5*time.Minute)
	return c
}

func orDefault[T int | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}

// Kind says why a request failed. The zero value makes no claim about the outcome.
type Kind int

const (
	// Broken: the connection broke, or the response was malformed. The upstream may have applied the request.
	Broken Kind = iota
	// Timeout: no response came in time. The upstream may have applied the request.
	Timeout
	// Busy: all connections were taken. Nothing was sent.
	Busy
	// Unreachable: no connection could be opened. Nothing was sent.
	Unreachable
	// NoUpgrade: the client wants another protocol, which Config.Upgrade forbids. Nothing was sent.
	NoUpgrade
	// Slow: the client's body stalled. Nothing was sent.
	Slow
	// Gone: the client left, or its body broke off. Nothing was sent, unless the response had begun.
	Gone
)

// Error says why a request has no response from the upstream.
type Error struct {
	Kind  Kind
	Begun bool  // the response had begun: further writes only help if w buffers
	Err   error // for the log only
}

func (e *Error) Error() string { return "calling the upstream: " + e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// Client is the handler. It is safe for concurrent use.
type Client struct {
	config  Config
	network string
	address string // host and port, or the path of a socket
	host    string // as in Host
	prefix  string // the path prefix
	tls     *tls.Config
	pool    pool
	endless endless
	http2   *http2 // nil for HTTP/1.1
}

// New returns a handler that forwards to an upstream. It does not connect yet.
func New(config Config) (*Client, error) {
	c := &Client{config: config.withDefaults()}
	err := c.locate()
	if err != nil {
		return nil, err
	}
	c.pool.init(&c.config)
	if config.HTTP2 {
		c.http2 = &http2{client: c}
	}
	return c, nil
}

// locate parses the URL.
func (c *Client) locate() error {
	if path, ok := strings.CutPrefix(c.config.URL, "unix:"); ok {
		if !strings.HasPrefix(path, "/") {
			return errors.New("the path of a socket must be absolute, such as unix:/run/app.sock")
		}
		c.network, c.address, c.host = "unix", "/"+strings.TrimLeft(path, "/"), "localhost"
		return nil
	}
	u, err := url.Parse(c.config.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("the upstream must be http:// or https:// with a host and an optional path, or unix: with a path; without user, query or fragment: http://127.0.0.1:8080")
	}
	port := u.Port()
	if n, err := strconv.ParseUint(port, 10, 16); port != "" && (err != nil || n == 0) {
		return errors.New("the port of the upstream must be from 1 to 65535")
	}
	if u.Scheme == "https" {
		c.tls = tlsFor(c.config.TLS, u.Hostname())
		port = cmp.Or(port, "443")
	}
	c.network, c.address = "tcp", net.JoinHostPort(u.Hostname(), cmp.Or(port, "80"))
	c.host, c.prefix = u.Host, strings.TrimSuffix(u.EscapedPath(), "/")
	return nil
}

// tlsFor returns the settings for HTTP/1.1 over TLS.
func tlsFor(of *tls.Config, host string) *tls.Config {
	config := of.Clone()
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	config.ServerName = cmp.Or(config.ServerName, host)
	config.NextProtos = []string{"http/1.1"}
	return config
}

// Close ends the streams and tunnels and closes unused connections. Connections in use close after their response.
func (c *Client) Close() {
	c.EndStreams()
	c.pool.close()
	if c.http2 != nil {
		c.http2.close()
	}
}

// EndStreams aborts streams, such as text/event-stream, and tunnels, and prevents new ones. A server calls it when it shuts
// down.
func (c *Client) EndStreams() { c.endless.close() }

// dial connects to the upstream.
func (c *Client) dial(ctx context.Context) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.DialTimeout)
	defer cancel()
	nc, err := new(net.Dialer).DialContext(ctx, c.network, c.address)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	if c.tls == nil {
		return newConn(nc, nc), nil
	}
	secured := tls.Client(nc, c.tls)
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("connecting: %w", err), nc.Close())
	}
	return newConn(secured, nc), nil
}

// unknown returns the error of a request that was sent at least partly. Whatever ended it, even the client leaving, the
// upstream may have applied the request.
func unknown(err error) *Error {
	if isTimeout(err) {
		return &Error{Kind: Timeout, Err: err}
	}
	return &Error{Kind: Broken, Err: err}
}

// begun returns the error of a response that broke off.
func begun(err error) *Error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = unknown(err)
	}
	e.Begun = true
	return e
}

// unread returns the error of a request whose body could not be read and of which nothing was sent.
func unread(err error) *Error {
	kind := Gone
	if isTimeout(err) {
		kind = Slow
	}
	return &Error{Kind: kind, Err: fmt.Errorf("reading the request: %w", err)}
}

// unsent returns the error of a request that got no connection.
func unsent(ctx context.Context, err error) *Error {
	if ctx.Err() != nil {
		return &Error{Kind: Gone, Err: err}
	}
	return &Error{Kind: Unreachable, Err: err}
}

func isTimeout(err error) bool {
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}
