package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// call is one call, which may take several tries.
type call struct {
	*Client
	request *http.Request
	limit   int64                 // largest body of a response, in bytes
	decode  func(*response) error // reads a success; an error means that the response is malformed

	token   *oauth2.Token // the token of the last try
	renewed bool          // a refused token was replaced
	lost    bool          // a try may have been applied, and its response is lost
}

// do tries until a success, a final refusal, or the limits. If the call changes something, the error is a refusal only if
// every try was refused, and ErrUnknownOutcome otherwise.
func (c *call) do(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.limits.call)
	defer cancel()
	for n := 1; ; n++ {
		err := c.try(ctx)
		if err == nil {
			return nil
		}
		c.lost = c.lost || !safe(c.request) && !unapplied(err)
		again := transient(err) && (unapplied(err) || repeatable(c.request))
		if !again || n == c.limits.tries || !sleep(ctx, c.limits.retry.wait(n)+asked(err)) {
			return c.verdict(err)
		}
	}
}

// try makes one try, or two if the first fails with 401.
func (c *call) try(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.limits.perTry)
	defer cancel()
	err := c.exchange(ctx, nil)
	if errors.Is(err, ErrUnauthorized) && c.tokens != nil && !c.renewed {
		c.renewed = true
		token, tokenErr := c.tokens.get(ctx, c.token)
		switch {
		case tokenErr != nil:
			return fmt.Errorf("%w; %w", err, tokenErr)
		case token != c.token:
			return c.exchange(ctx, token)
		}
	}
	return err
}

// exchange sends the request with the token, or the current token if token is nil, and reads the response.
func (c *call) exchange(ctx context.Context, token *oauth2.Token) error {
	r, err := c.prepare(ctx, token)
	if err != nil {
		return &unsent{err}
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	a, err := read(resp, c.limit, c.request.URL.Path == c.base.Path+"pfxRecryptionRequests") // an object's key may have this name, too
	if err != nil {
		return err
	}
	return c.decode(a)
}

// prepare returns the request of one try.
func (c *call) prepare(ctx context.Context, token *oauth2.Token) (r *http.Request, err error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	r = c.request.Clone(ctx)
	if r.GetBody != nil {
		if r.Body, err = r.GetBody(); err != nil {
			return nil, err
		}
	}
	if c.tokens == nil {
		return r, nil
	}
	if token == nil {
		if token, err = c.tokens.get(ctx, nil); err != nil {
			return nil, err
		}
	}
	token.SetAuthHeader(r)
	c.token = token
	return r, nil
}

// verdict returns the error of a call whose last try failed with err.
func (c *call) verdict(err error) error {
	if !c.lost {
		return err
	}
	if e, ok := errors.AsType[*Error](err); ok && !unknown(e.Status) {
		// The last try was refused but an earlier one may have been applied: errors.Is must not find the refusal.
		return fmt.Errorf("%w: the response to a try was lost, and the next try: %s", ErrUnknownOutcome, err.Error())
	}
	return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
}

// safe reports whether r changes nothing (RFC 9110 §9.2.1).
func safe(r *http.Request) bool { return r.Method == http.MethodGet }

// repeatable reports whether a request cannot be applied twice: it is safe, or its condition no longer holds once it is
// applied. One tag names one version for ever; a list of tags could also match the new version.
func repeatable(r *http.Request) bool {
	tag := r.Header.Get("If-Match")
	return safe(r) || r.Header.Get("If-None-Match") == "*" || tag != "" && tag != "*" && !strings.Contains(tag, ",")
}

// unapplied reports whether err means that the request was refused or never sent, and so was not applied.
func unapplied(err error) bool {
	if e, ok := errors.AsType[*Error](err); ok {
		return !unknown(e.Status)
	}
	if e, ok := errors.AsType[*net.OpError](err); ok && (e.Op == "dial" || e.Op == "proxyconnect") {
		return true
	}
	_, isUnsent := errors.AsType[*unsent](err)
	return isUnsent || untrusted(err)
}

// unknown reports whether it is unknown after this status if the request was applied.
func unknown(status int) bool { return status >= 500 && status != http.StatusServiceUnavailable }

// transient reports whether another try may succeed.
func transient(err error) bool {
	if e, ok := errors.AsType[*Error](err); ok {
		return retried(e.Status)
	}
	if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return e.Response != nil && (retried(e.Response.StatusCode) || e.Response.StatusCode == http.StatusInternalServerError)
	}
	if _, ok := errors.AsType[*unsent](err); ok {
		_, ok := errors.AsType[net.Error](err)
		return ok
	}
	return !errors.Is(err, ErrMalformed) && !untrusted(err)
}

// retried reports whether a status allows another try.
func retried(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// untrusted reports whether the certificate of the server was rejected.
func untrusted(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

// unsent wraps the error of a request that was never sent.
type unsent struct{ error }

func (e *unsent) Unwrap() error { return e.error }

// wait returns how long to wait after the n-th try.
func (b backoff) wait(n int) time.Duration {
	most := b.last
	if n < 32 {
		most = min(most, b.first<<(n-1))
	}
	return rand.N(most + 1)
}

// asked returns the wait that the server asked for.
func asked(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

// sleep waits for d. If ctx would end first it returns false at once.
func sleep(ctx context.Context, d time.Duration) bool {
	if end, ok := ctx.Deadline(); ok && time.Until(end) < d || ctx.Err() != nil {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
