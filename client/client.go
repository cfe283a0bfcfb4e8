// Package client is what Go programs import to work with pfxRecryptionRequests.
//
//	c, err := client.New("https://graph.example.com/beta", client.WithTokenSource(source))
//	…
//	got, err := c.Update(ctx, "sample", func(r *client.Request) error {
//		r.Status = 7
//		return nil
//	})
//
// It sits on the generated client of gen/pfxapi and adds what that lacks:
//
//   - An answer that is no success is an *[Error], one that the contract does not allow is an error too, and reading is
//     bounded. No method returns both an object and an error, or neither.
//   - A call that the server has not taken (429, 503, no connection) is tried again, within a budget for each try and one
//     for all, with full jitter and after the time that Retry-After names.
//   - A call whose outcome is unknown (the connection broke, 500, 502, 504) is tried again only if that cannot apply it
//     twice: reading, and changing under a condition. Any other ends in [ErrUnknownOutcome]: it happened once or not at
//     all. Every other error of a method that changes something means that nothing was changed, but for [ErrApplied].
//   - A change that the server answers without the object (204, as Microsoft Graph does for Intune) is followed by one
//     reading of it.
//   - A wrong base URL is [ErrNoAPI]; only an object that does not exist is [ErrNotFound].
//   - No update gets lost: [Client.Update] changes an object only as it was read, and begins anew if it has changed.
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

// The objects of the contract. Members that may be null, and all of an Update and a Selection, are three-state: absent,
// null or a value, see [github.com/pfxrecryption/pfxrecryption/openapi/edm.Optional].
type (
	Request   = pfxapi.PfxRecryptionRequest          // an object
	Selection = pfxapi.PfxRecryptionRequestSelection // some members of an object
	Create    = pfxapi.PfxRecryptionRequestCreate    // an object to create
	Update    = pfxapi.PfxRecryptionRequestUpdate    // the members to change
)

// Versioned is an object with the entity tag that it has.
type Versioned struct {
	Request
	Tag string // for IfMatch and IfNoneMatch; it changes with every change of the object. Empty if the server sends none
}

// Client calls one server. It is safe for concurrent use.
type Client struct {
	base   *url.URL // with a trailing slash
	http   *http.Client
	idle   *http.Client // whose idle connections CloseIdleConnections closes
	tokens *tokens
	limits limits
}

// New returns a client of the server at baseURL, its base path included: https://graph.example.com/beta.
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

// CloseIdleConnections closes the connections that wait for the next call.
func (c *Client) CloseIdleConnections() { c.idle.CloseIdleConnections() }

// transport returns the HTTP client of single tries. It follows no redirect: that would send a token, or an update a
// second time, to where nobody asked for.
func (s *settings) transport() *http.Client {
	once := *s.http
	once.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if s.tracing != nil {
		once.Transport = otelhttp.NewTransport(once.Transport, s.tracing...)
	}
	return &once
}
