package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/pfxrecryption/pfxrecryption/client"
	"github.com/pfxrecryption/pfxrecryption/server/pfxtest"
)

// source returns the tokens t1, t2, …; each takes a second and lasts an hour.
type source struct{ made atomic.Int32 }

func (s *source) Token() (*oauth2.Token, error) {
	time.Sleep(time.Second)
	return &oauth2.Token{AccessToken: fmt.Sprint("t", s.made.Add(1)), Expiry: time.Now().Add(time.Hour)}, nil
}

// accepts is a server that accepts only this token.
func accepts(token string) reply {
	return func(r *http.Request) (*http.Response, error) {
		if r.Header.Get("Authorization") == "Bearer "+token {
			return responds(200, entity)(r)
		}
		return responds(401, "")(r)
	}
}

// TestTokens: one refresh at a time for all callers, one more try after a 401, and no refresh before a token expires.
func TestTokens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s source
		serving := "t1"
		serves := locked(func(r *http.Request) (*http.Response, error) { return accepts(serving)(r) })
		c, err := client.New("https://graph.example.com/beta", client.WithTokenSource(&s), client.WithHTTPClient(&http.Client{Transport: serves}))
		if err != nil {
			t.Fatal(err)
		}
		crowd := func() {
			var all sync.WaitGroup
			for range 32 {
				all.Go(func() {
					if err := get(t.Context(), c); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
		}
		for _, step := range []struct {
			name   string
			before func()
			made   int32
		}{
			{"first", func() {}, 1},
			{"kept", func() {}, 1},
			{"refused", func() { serving = "t2" }, 2},
			{"expired", func() { time.Sleep(time.Hour); serving = "t3" }, 3},
		} {
			step.before()
			crowd()
			if got := s.made.Load(); got != step.made {
				t.Errorf("%s: the source returned %d tokens, want %d", step.name, got, step.made)
			}
		}
	})
}

type locked reply

func (l locked) RoundTrip(r *http.Request) (*http.Response, error) { return l(r) }

// TestTokenRefused: a 401 is final if the next token is refused, too, or is the same.
func TestTokenRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		source oauth2.TokenSource
		tries  int
	}{
		"another": {&source{}, 2},
		"same":    {oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "t"}), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := &network{replies: []reply{responds(401, "")}}
				err := create(t.Context(), connectTo(t, n, client.WithTokenSource(tt.source)))
				if !errors.Is(err, client.ErrUnauthorized) || len(n.tries) != tt.tries {
					t.Errorf("got %v after %d tries, want a 401 after %d", err, len(n.tries), tt.tries)
				}
			})
		})
	}
}

type tokenFunc func() (*oauth2.Token, error)

func (f tokenFunc) Token() (*oauth2.Token, error) { return f() }

// TestTokenErrors: a token is fetched again only after a transient error, and the outcome is always known.
func TestTokenErrors(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err   error
		tries int
	}{
		"own":         {errors.New("no token today"), 1},
		"badClient":   {&oauth2.RetrieveError{Response: &http.Response{StatusCode: http.StatusUnauthorized}}, 1},
		"throttled":   {&oauth2.RetrieveError{Response: &http.Response{StatusCode: http.StatusTooManyRequests}}, 5},
		"unavailable": {&oauth2.RetrieveError{Response: &http.Response{StatusCode: http.StatusServiceUnavailable}}, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				n := &network{}
				err := create(t.Context(), connectTo(t, n, client.WithTokenSource(tokenFunc(func() (*oauth2.Token, error) { asked++; return nil, tt.err }))))
				if !errors.Is(err, tt.err) || errors.Is(err, client.ErrUnknownOutcome) || asked != tt.tries || len(n.tries) != 0 {
					t.Errorf("got %v, the source was called %d times, want %d", err, asked, tt.tries)
				}
			})
		})
	}
}

// TestGivingUpOnToken: a caller whose context ends does not stop the refresh for others.
func TestGivingUpOnToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s source
		c := connectTo(t, &network{replies: []reply{accepts("t1")}}, client.WithTokenSource(&s))
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := get(ctx, c); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if err := get(t.Context(), c); err != nil || s.made.Load() != 1 {
			t.Errorf("%v; the source returned %d tokens, want 1", err, s.made.Load())
		}
	})
}

// TestClientCredentials gets its tokens from the development issuer of a real server.
func TestClientCredentials(t *testing.T) {
	t.Parallel()
	server := pfxtest.Start(t, pfxtest.Config{})
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	h := &http.Client{Transport: transport}
	c, err := client.New(server.URL, client.WithClientCredentials(server.Credentials), client.WithHTTPClient(h))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(t.Context(), "sample"); err != nil {
		t.Error(err)
	}
}

// failing returns one token and then an error.
type failing struct{ first string }

func (f *failing) Token() (*oauth2.Token, error) {
	token := &oauth2.Token{AccessToken: f.first}
	if f.first = ""; token.AccessToken == "" {
		return nil, errReset
	}
	return token, nil
}
