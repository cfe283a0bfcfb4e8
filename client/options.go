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

// Option changes how a Client calls.
type Option func(*settings) error

type settings struct {
	http    *http.Client
	tokens  *tokens
	limits  limits
	tracing []otelhttp.Option // nil: none
}

// limits bound a call.
type limits struct {
	tries    int           // how often it is tried at most
	perTry   time.Duration // how long a try may take, reading the answer included
	call     time.Duration // how long all tries and the waits between them may take
	attempts int           // how often Update begins anew
	retry    backoff       // between tries
	rebase   backoff       // between the attempts of Update
	object   int64         // bytes of an answer that is an object or an error
	page     int64         // bytes of an answer that is a page
}

// backoff is a wait that grows: before the second try it is at most first, before the third at most twice that, and so
// on, but never longer than last. Its length is random, so that those who were refused together do not come back
// together ("full jitter").
type backoff struct{ first, last time.Duration }

var defaultLimits = limits{
	tries: 5, perTry: 30 * time.Second, call: 2 * time.Minute, attempts: 100,
	retry: backoff{100 * time.Millisecond, 10 * time.Second}, rebase: backoff{5 * time.Millisecond, time.Second},
	object: 1 << 20, page: 16 << 20,
}

// WithHTTPClient makes the tries through c; its Timeout then bounds each of them too. Redirects are not followed,
// whatever c says. Without it [http.DefaultTransport] is used.
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

// WithTokenSource sends the tokens of source. A token is kept until it expires or the server refuses it with 401; then
// source is asked again, by one call for all that wait, and the refused call is tried once more. A source that keeps
// tokens itself, such as [oauth2.ReuseTokenSource], answers that with the same token; then the 401 stands. For client
// credentials there is [WithClientCredentials].
func WithTokenSource(source oauth2.TokenSource) Option {
	if source == nil {
		return refused("the token source must not be nil")
	}
	return withTokens("the token source", func(context.Context) (*oauth2.Token, error) { return source.Token() })
}

// WithClientCredentials sends tokens that it gets by the client credentials grant (RFC 6749 §4.4) through the same HTTP
// client as the calls, kept and replaced as [WithTokenSource] says.
func WithClientCredentials(config clientcredentials.Config) Option {
	if config.TokenURL == "" || config.ClientID == "" {
		return refused("the client credentials need a token URL and a client ID")
	}
	return withTokens(config.TokenURL, config.Token)
}

func withTokens(from string, fetch func(context.Context) (*oauth2.Token, error)) Option {
	return func(s *settings) error {
		s.tokens = &tokens{fetch: fetch, from: from} // New gives it the HTTP client
		return nil
	}
}

// WithTries makes at most n tries of a call. The default is 5; 1 means no retries.
func WithTries(n int) Option {
	return func(s *settings) error {
		if n < 1 {
			return errors.New("the number of tries must be at least 1")
		}
		s.limits.tries = n
		return nil
	}
}

// WithTimeouts bounds each try, reading its answer included, and the whole call with all its tries and waits; a call of
// [Client.Update] counts each of its requests as a call. The defaults are 30 seconds and 2 minutes.
func WithTimeouts(try, call time.Duration) Option {
	return func(s *settings) error {
		if try <= 0 || call < try {
			return errors.New("the timeout of a try must be positive, and that of a call at least as long")
		}
		s.limits.perTry, s.limits.call = try, call
		return nil
	}
}

// WithOpenTelemetry makes a span of each try and sends its context along, through [otelhttp.NewTransport]; without
// options it uses the global providers and propagators.
func WithOpenTelemetry(options ...otelhttp.Option) Option {
	return func(s *settings) error {
		s.tracing = append([]otelhttp.Option{}, options...)
		return nil
	}
}

func refused(why string) Option { return func(*settings) error { return errors.New(why) } }
