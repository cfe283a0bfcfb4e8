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

// Config says where requests go. Only URL and Fail are required.
type Config struct {
	// URL is http or https, a host, and a path that is put before every request's; or unix: and the absolute path of a socket.
	URL string
	// TLS is for https; nil trusts the system's roots.
	TLS *tls.Config
	// HTTP2 is for an upstream that speaks HTTP/2: over TLS if it offers to, otherwise without asking (RFC 9113 §3.3).
	HTTP2 bool
	// KeepHost sends the caller's Host on; otherwise the upstream gets its own name.
	KeepHost bool
	// Trusted are the addresses of proxies in front: what they say of the caller in X-Forwarded-* is sent on.
	Trusted []netip.Prefix
	// Upgrade lets requests change to another protocol, such as WebSocket, over HTTP/1.1. Such a connection keeps its place.
	Upgrade bool
	// MaxConns is how many connections there are at most, over HTTP/2 how many requests at once; 0 means 512. A request waits for
	// one, at most QueueTimeout.
	MaxConns int
	// QueueTimeout is how long a request waits for a connection; 0 means 100 ms.
	QueueTimeout time.Duration
	// DialTimeout is how long it may take to connect, TLS included; 0 means 2 s.
	DialTimeout time.Duration
	// Timeout is how long the upstream may take for the head of its answer, and then for each piece of its body; 0 means
	// 10 s.
	Timeout time.Duration
	// StreamTimeout is how long a stream, such as text/event-stream, or a tunnel may be silent; 0 means 5 min.
	StreamTimeout time.Duration
	// IdleTimeout is how long an unused connection is kept; 0 means 30 s.
	IdleTimeout time.Duration
	// MaxConnAge is how long a connection is used; 0 means 5 min. A new one asks for the upstream's address again.
	MaxConnAge time.Duration
	// Fail answers a request that the upstream did not, or not to the end. err is an [*Error]; unless it is Begun, nothing
	// was written to w.
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

// Kind says what went wrong with a request. Its zero value claims the least.
type Kind int

const (
	// Broken: the connection broke, or the response was malformed. The upstream may have applied the request.
	Broken Kind = iota
	// Timeout: no response came in time. The upstream may have applied the request.
	Timeout
	// Busy: all connections were taken. Nothing was sent.
	Busy
	// Unreachable: the upstream could not be connected to. Nothing was sent.
	Unreachable
	// NoUpgrade: the caller wants another protocol, which Config.Upgrade forbids. Nothing was sent.
	NoUpgrade
	// Slow: the caller's body stalled. Nothing was sent.
	Slow
	// Gone: the caller left, or its body broke off. Nothing was sent, unless the response had begun.
	Gone
)

// Error is why a request has no response of the upstream's.
type Error struct {
	Kind  Kind
	Begun bool  // the response had begun: what is written now counts only if w holds what was written before
	Err   error // for the log only
}

func (e *Error) Error() string { return "asking the upstream: " + e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// Client is the handler. It is safe for concurrent use.
type Client struct {
	config  Config
	network string
	address string // host and port, or the path of a socket
	host    string // as the Host field has it
	prefix  string // of every path
	tls     *tls.Config
	pool    pool
	endless endless
	http2   *http2 // nil for HTTP/1.1
}

// New returns a handler that forwards to an upstream. Nothing is connected yet.
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

// locate takes the URL apart.
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
		return errors.New("the upstream must be http:// or https://, a host, and maybe a path, or unix: and a path: no user, query or fragment")
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

// Close ends the streams and tunnels and closes the connections that nobody uses; those in use close when their answer is through.
func (c *Client) Close() {
	c.EndStreams()
	c.pool.close()
	if c.http2 != nil {
		c.http2.close()
	}
}

// EndStreams breaks off what has no end: streams, such as text/event-stream, and connections that have changed to another
// protocol. It is for a server that shuts down: no other begins.
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

// unknown returns the error of a request of which some was sent. Whatever ended it, the caller's leaving included, the
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

// unread returns the error of a request whose body could not be read, and of which nothing was sent.
func unread(err error) *Error {
	kind := Gone
	if isTimeout(err) {
		kind = Slow
	}
	return &Error{Kind: kind, Err: fmt.Errorf("reading the request: %w", err)}
}

// unsent returns the error of a request for which there is no connection.
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
