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

// call is a call, which may take several tries.
type call struct {
	*Client
	request *http.Request
	limit   int64               // bytes of the answer's body
	decode  func(*answer) error // reads a success; its error says that the answer is malformed

	token   *oauth2.Token // that the last try was sent with
	renewed bool          // a token was refused and replaced
	lost    bool          // a try may have been applied, and its answer is not known
}

// do tries until there is a success, a refusal that stands, or the limits are reached. The error of a call that changes
// something is the refusal of all its tries, or else ErrUnknownOutcome.
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

// try makes one try, or two if the first is refused for its token.
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

// exchange sends the request with the token, the kept one if it is nil, and reads the answer.
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
	a, err := read(resp, c.limit, c.request.URL.Path == c.base.Path+"pfxRecryptionRequests") // an object's key may be the same
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

// verdict is what the caller learns of the last error of a call.
func (c *call) verdict(err error) error {
	if !c.lost {
		return err
	}
	if e, ok := errors.AsType[*Error](err); ok && !unknown(e.Status) {
		// The last try was refused, an earlier one perhaps was not: errors.Is must not find the refusal.
		return fmt.Errorf("%w: a try got no answer, and the next: %s", ErrUnknownOutcome, err.Error())
	}
	return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
}

// safe reports whether r changes nothing (RFC 9110 §9.2.1).
func safe(r *http.Request) bool { return r.Method == http.MethodGet }

// repeatable reports whether a request that was perhaps applied can be sent again without being applied twice: it is
// safe, or its condition holds only before it is applied. A tag names one version for ever; a list might name both.
func repeatable(r *http.Request) bool {
	tag := r.Header.Get("If-Match")
	return safe(r) || r.Header.Get("If-None-Match") == "*" || tag != "" && tag != "*" && !strings.Contains(tag, ",")
}

// unapplied reports whether err says that the request was not applied: it was refused, or it never left.
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

// unknown reports whether an answer with this status leaves open whether the request was applied.
func unknown(status int) bool { return status >= 500 && status != http.StatusServiceUnavailable }

// transient reports whether err may be gone at the next try.
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

// retried reports whether a status asks for another try.
func retried(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// untrusted reports whether the server's certificate was refused.
func untrusted(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

// unsent wraps the error of a request that never left.
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

// asked returns how long the server asked to wait.
func asked(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

// sleep waits for d and reports whether that was possible: it does not begin to if ctx ends before.
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
