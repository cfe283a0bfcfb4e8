package upstream

import (
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
	// URL is http or https, a host, and a path that is put before every request's; nothing else.
	URL string
	// TLS is for https; nil trusts the system's roots.
	TLS *tls.Config
	// KeepHost sends the caller's Host on; otherwise the upstream gets its own name.
	KeepHost bool
	// Trusted are the addresses of proxies in front: what they say of the caller in X-Forwarded-* is sent on.
	Trusted []netip.Prefix
	// Upgrade lets requests change to another protocol, such as WebSocket, over HTTP/1.1. Such a connection keeps its place.
	Upgrade bool
	// MaxConns is how many connections there are at most; 0 means 512. A request waits for one, at most QueueTimeout.
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
	address string // host and port
	host    string // as the Host field has it
	prefix  string // of every path
	tls     *tls.Config
	pool    pool
	tunnels tunnels
}

// New returns a handler that forwards to an upstream. Nothing is connected yet.
func New(config Config) (*Client, error) {
	u, err := url.Parse(config.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("the upstream must be http:// or https://, a host, and maybe a path: no user, query or fragment")
	}
	c := &Client{config: config.withDefaults(), host: u.Host, prefix: strings.TrimSuffix(u.EscapedPath(), "/")}
	port := u.Port()
	if n, err := strconv.ParseUint(port, 10, 16); port != "" && (err != nil || n == 0) {
		return nil, errors.New("the port of the upstream must be from 1 to 65535")
	}
	if u.Scheme == "https" {
		c.tls = config.TLS.Clone()
		if c.tls == nil {
			c.tls = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		if c.tls.ServerName == "" {
			c.tls.ServerName = u.Hostname()
		}
		c.tls.NextProtos = []string{"http/1.1"}
		if port == "" {
			port = "443"
		}
	}
	if port == "" {
		port = "80"
	}
	c.address = net.JoinHostPort(u.Hostname(), port)
	c.pool.init(&c.config)
	return c, nil
}

// Close ends the tunnels and closes the connections that nobody uses; those in use close when their answer is through.
func (c *Client) Close() {
	c.EndTunnels()
	c.pool.close()
}

// EndTunnels ends the connections that have changed to another protocol, and lets no other change.
func (c *Client) EndTunnels() { c.tunnels.close() }

// dial connects to the upstream.
func (c *Client) dial(ctx context.Context) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.DialTimeout)
	defer cancel()
	nc, err := new(net.Dialer).DialContext(ctx, "tcp", c.address)
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
