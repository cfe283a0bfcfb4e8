// Package client is the Go client of pfxRecryptionRequests.
//
//	c, err := client.New("https://graph.example.com/beta", client.WithTokenSource(source))
//	…
//	got, err := c.Update(ctx, "sample", func(r *client.Request) error {
//		r.Status = 7
//		return nil
//	})
//
// It wraps the generated client of gen/pfxapi and adds:
//
//   - A response that is not a success is an *[Error]. A response that the contract does not allow is an error, too. The
//     size of responses is limited. Each method returns either an object or an error.
//   - A call that the server did not accept (429, 503, no connection) is retried. There are time limits for each try and for
//     all tries; waits have full jitter and are at least as long as Retry-After.
//   - A call whose outcome is unknown (broken connection, 500, 502, 504) is retried only if it cannot be applied twice: a
//     read, or a conditional change. Otherwise the error is [ErrUnknownOutcome]: it was applied once or not at all. Any
//     other error of a method that changes something means that nothing was changed, except [ErrApplied].
//   - After a response without the object (204, as Microsoft Graph sends for Intune) the object is read once.
//   - A wrong base URL is [ErrNoAPI]; [ErrNotFound] always means a missing object.
//   - No update is lost: [Client.Update] changes an object only if it is unchanged since it was read, and otherwise starts
//     over.
package client

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
)

// The objects of the contract. Nullable members, and all members of Update and Selection, have three states: absent, null or
// a value. See [github.com/pfxrecryption/pfxrecryption/openapi/edm.Optional].
type (
	Request   = pfxapi.PfxRecryptionRequest          // an object
	Selection = pfxapi.PfxRecryptionRequestSelection // some members of an object
	Create    = pfxapi.PfxRecryptionRequestCreate    // an object to create
	Update    = pfxapi.PfxRecryptionRequestUpdate    // the members to change
)

// Versioned is an object with its entity tag.
type Versioned struct {
	Request
	Tag string // for IfMatch and IfNoneMatch; each change of the object changes it. Empty if the server sends none
}

// Client calls one server. It is safe for concurrent use.
type Client struct {
	base   *url.URL // with a trailing slash
	http   *http.Client
	idle   *http.Client // CloseIdleConnections closes its connections
	tokens *tokens
	limits limits
}

// New returns a client for baseURL, which includes the base path: https://graph.example.com/beta.
func New(baseURL string, options ...Option) (*Client, error) {
	base, err := url.Parse(baseURL)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" || base.User != nil ||
		base.RawQuery != "" || base.Fragment != "" {
		return nil, errors.New("client: the base URL must be http or https, with a host and without user, query or fragment")
	}
	base.Path = strings.TrimSuffix(base.Path, "/") + "/"
	s := settings{http: &http.Client{Transport: http.DefaultTransport}, limits: defaultLimits}
	for _, option := range options {
		if err := option(&s); err != nil {
			return nil, fmt.Errorf("client: %w", err)
		}
	}
	if s.tokens != nil {
		s.tokens.http = s.http
	}
	return &Client{base: base, http: s.transport(), idle: s.http, tokens: s.tokens, limits: s.limits}, nil
}

// CloseIdleConnections closes the connections that are not in use.
func (c *Client) CloseIdleConnections() { c.idle.CloseIdleConnections() }

// transport returns the HTTP client of single tries. It follows no redirects, because they would send the token, or a second
// update, to another address.
func (s *settings) transport() *http.Client {
	once := *s.http
	once.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if s.tracing != nil {
		once.Transport = otelhttp.NewTransport(once.Transport, s.tracing...)
	}
	return &once
}
