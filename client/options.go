package client

import (
	"context"
	"errors"
	"net/http"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// Option configures a Client.
type Option func(*settings) error

type settings struct {
	http    *http.Client
	tokens  *tokens
	limits  limits
	tracing []otelhttp.Option // nil: none
}

// limits are the limits of a call.
type limits struct {
	tries    int           // the most tries
	perTry   time.Duration // time limit of a try, which includes reading the response
	call     time.Duration // time limit of all tries and the waits between them
	attempts int           // how often Update tries
	retry    backoff       // between tries
	rebase   backoff       // between the attempts of Update
	object   int64         // largest response with an object or an error, in bytes
	page     int64         // largest response with a page, in bytes
}

// backoff is a random wait ("full jitter"), so that clients that were refused together do not return together. Its upper
// bound is first before the second try and doubles with each further try, up to last.
type backoff struct{ first, last time.Duration }

var defaultLimits = limits{
	tries: 5, perTry: 30 * time.Second, call: 2 * time.Minute, attempts: 100,
	retry: backoff{100 * time.Millisecond, 10 * time.Second}, rebase: backoff{5 * time.Millisecond, time.Second},
	object: 1 << 20, page: 16 << 20,
}

// WithHTTPClient sends requests through c. Its Timeout then also limits each try. Redirects are never followed. The default
// transport is [http.DefaultTransport].
func WithHTTPClient(c *http.Client) Option {
	return func(s *settings) error {
		if c == nil {
			return errors.New("the HTTP client must not be nil")
		}
		s.http = c
		return nil
	}
}

// WithToken sends token with every call.
func WithToken(token string) Option {
	if token == "" {
		return refused("the token must not be empty")
	}
	return WithTokenSource(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token}))
}

// WithTokenSource sends tokens from source. The client keeps a token until it expires or the server refuses it with 401.
// Then one call gets a new token for all that wait, and the refused call is tried once more. A source that keeps tokens
// itself, such as [oauth2.ReuseTokenSource], returns the same token; then the call fails with the 401. For client
// credentials use [WithClientCredentials].
func WithTokenSource(source oauth2.TokenSource) Option {
	if source == nil {
		return refused("the token source must not be nil")
	}
	return withTokens("the token source", func(context.Context) (*oauth2.Token, error) { return source.Token() })
}

// WithClientCredentials sends tokens that it gets by the client credentials grant (RFC 6749 §4.4), through the same HTTP
// client as the calls. It keeps and replaces them as [WithTokenSource] does.
func WithClientCredentials(config clientcredentials.Config) Option {
	if config.TokenURL == "" || config.ClientID == "" {
		return refused("the client credentials need a token URL and a client ID")
	}
	return withTokens(config.TokenURL, config.Token)
}

func withTokens(from string, fetch func(context.Context) (*oauth2.Token, error)) Option {
	return func(s *settings) error {
		s.tokens = &tokens{fetch: fetch, from: from} // New sets the HTTP client
		return nil
	}
}

// WithTries limits a call to n tries. The default is 5; 1 means no retries.
func WithTries(n int) Option {
	return func(s *settings) error {
		if n < 1 {
			return errors.New("the number of tries must be at least 1")
		}
		s.limits.tries = n
		return nil
	}
}

// WithTimeouts limits each try, which includes reading its response, and each call with all its tries and waits. For
// [Client.Update] each of its requests is a call. The defaults are 30 seconds and 2 minutes.
func WithTimeouts(try, call time.Duration) Option {
	return func(s *settings) error {
		if try <= 0 || call < try {
			return errors.New("the timeout of a try must be positive, and that of a call at least as long")
		}
		s.limits.perTry, s.limits.call = try, call
		return nil
	}
}

// WithOpenTelemetry creates a span for each try and sends its context with the request, through [otelhttp.NewTransport].
// Without options it uses the global providers and propagators.
func WithOpenTelemetry(options ...otelhttp.Option) Option {
	return func(s *settings) error {
		s.tracing = append([]otelhttp.Option{}, options...)
		return nil
	}
}

func refused(why string) Option { return func(*settings) error { return errors.New(why) } }
