package client

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"
)

// tokens holds the current token.
type tokens struct {
	fetch  func(context.Context) (*oauth2.Token, error)
	from   string // the endpoint of fetch, for messages
	http   *http.Client
	flight singleflight.Group

	mu      sync.Mutex
	current *oauth2.Token
}

// get returns the current token, or fetches one if the current one is expired or is refused, which may be nil. One fetch
// runs at a time. If there is no other token it returns refused. A caller whose context ends does not stop the fetch for
// others.
func (t *tokens) get(ctx context.Context, refused *oauth2.Token) (*oauth2.Token, error) {
	if token := t.kept(); token.Valid() && token != refused {
		return token, nil
	}
	result := t.flight.DoChan("", func() (any, error) { return t.replace(context.WithoutCancel(ctx), refused) })
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("getting a token from %s: %w", t.from, context.Cause(ctx))
	case r := <-result:
		if r.Err != nil {
			return nil, fmt.Errorf("getting a token from %s: %w", t.from, r.Err)
		}
		return r.Val.(*oauth2.Token), nil
	}
}

func (t *tokens) kept() *oauth2.Token {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.current
}

func (t *tokens) replace(ctx context.Context, refused *oauth2.Token) (*oauth2.Token, error) {
	if token := t.kept(); token.Valid() && token != refused {
		return token, nil // fetched by another caller in the meantime
	}
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, oauth2.HTTPClient, t.http), defaultLimits.perTry)
	defer cancel()
	token, err := t.fetch(ctx)
	if err != nil {
		return nil, err
	}
	if refused != nil && token.AccessToken == refused.AccessToken {
		return refused, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.current = token
	return token, nil
}
