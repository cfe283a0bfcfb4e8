package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/lestrrat-go/httprc/v3"
	"github.com/lestrrat-go/httprc/v3/errsink"
	"golang.org/x/sync/errgroup"
)

// closeTimeout bounds how long Close waits for a fetch to stop.
const closeTimeout = 5 * time.Second

// minWorkers is the least number of concurrent key fetches; issuers may be added later.
const minWorkers = 4

// TokenVerifier verifies the values of a request's Authorization header field. [*Verifier] is one.
type TokenVerifier interface {
	// Verify returns the verified caller, or an [*Error].
	Verify(ctx context.Context, authorization []string) (*Principal, error)
}

// Verifier verifies the tokens of requests. It is safe for concurrent use.
type Verifier struct {
	config    Config // including defaults
	rings     atomic.Pointer[[]keyring]
	cache     cache
	ctx       context.Context // ends with Close
	refresher httprc.Controller
	close     func()

	changing sync.Mutex // held by SetIssuers
}

// keyring has the keys of an issuer.
type keyring interface {
	issues(iss, tid string) bool
	// audiences returns further accepted audiences, only for the issuer's tokens.
	audiences() []string
	key(ctx context.Context, kid string) (*key, error)
	current() *keySet
	ready(ctx context.Context) error
}

// New returns a Verifier for c, or an error that names the invalid field. It fetches nothing yet. The caller must close it.
func New(c Config) (*Verifier, error) {
	c, templates, err := c.validate()
	if err != nil {
		return nil, err
	}
	client, closeIdle := ownClient(c.HTTPClient)
	c.HTTPClient = client
	tokens, err := newCache(c.CacheSize)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	refresher, err := httprc.NewClient(httprc.WithWorkers(max(minWorkers, len(templates))), httprc.WithHTTPClient(client),
		httprc.WithErrorSink(errsink.NewFunc(func(_ context.Context, err error) {
			c.Log.Warn("keys not refreshed", "err", err)
		}))).Start(ctx)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("starting the refresh of keys: %w", err)
	}
	c.Audiences = slices.Clone(c.Audiences)
	v := &Verifier{
		config: c, cache: tokens, ctx: ctx, refresher: refresher,
		close: func() {
			cancel()
			_ = refresher.Shutdown(closeTimeout) // a stuck fetch ends soon, and nothing waits for it
			closeIdle()
		},
	}
	v.rings.Store(&[]keyring{})
	if err := v.trust(templates); err != nil {
		v.close()
		return nil, err
	}
	return v, nil
}

// SetIssuers changes the trusted issuers. A remaining issuer keeps its keys; the tokens of a removed one are refused, cached
// or not. On an error, which names the issuer, nothing changes.
func (v *Verifier) SetIssuers(issuers []string) error {
	templates, err := parseTemplates(issuers)
	if err != nil {
		return fmt.Errorf("auth: %w", err)
	}
	if len(issuers) == 0 && v.config.Local == nil {
		return errors.New("auth: Issuers is empty: want at least one")
	}
	v.changing.Lock()
	defer v.changing.Unlock()
	return v.trust(templates)
}

// trust sets the keyrings to those of the templates and of the local issuer.
func (v *Verifier) trust(templates []template) error {
	var rings []keyring
	if v.config.Local != nil {
		rings = append(rings, localKeys{v.config.Local})
	}
	old := v.sources()
	var added []*source
	for _, t := range templates {
		s := old[t.text]
		delete(old, t.text)
		if s == nil {
			var err error
			if s, err = newSource(v.ctx, t, v.config); err != nil {
				return fmt.Errorf("adding issuer %q: %w", t.text, err)
			}
			added = append(added, s)
		}
		rings = append(rings, s)
	}
	for _, s := range old {
		s.removed.Store(true)
		_ = v.refresher.Remove(v.ctx, s.URL()) // it is registered, or the Verifier is closed
	}
	for _, s := range added {
		if err := v.refresher.Add(v.ctx, s, httprc.WithWaitReady(false)); err != nil {
			return fmt.Errorf("adding issuer %q: %w", s.template.text, err)
		}
	}
	v.rings.Store(&rings)
	return nil
}

// sources returns the sources of keys by issuer.
func (v *Verifier) sources() map[string]*source {
	sources := make(map[string]*source)
	for _, ring := range *v.rings.Load() {
		if s, ok := ring.(*source); ok {
			sources[s.template.text] = s
		}
	}
	return sources
}

// Refresh fetches the keys of all issuers. If a fetch fails, the issuer's current keys stay.
func (v *Verifier) Refresh(ctx context.Context) error {
	var g errgroup.Group
	for _, s := range v.sources() {
		g.Go(func() error {
			if err := s.share(ctx, "refresh", func() error { return s.Sync(s.ctx) }); err != nil {
				return fmt.Errorf("fetching the keys of %s: %w", s.template.text, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// ownClient returns a client like c, or a default one, that follows no redirects: keys come only from the address in the
// issuer's metadata.
func ownClient(c *http.Client) (*http.Client, func()) {
	own, closeIdle := &http.Client{}, func() {}
	if c != nil {
		*own = *c
	} else if t, ok := http.DefaultTransport.(*http.Transport); ok {
		t = t.Clone()
		own.Transport, closeIdle = t, t.CloseIdleConnections
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return own, closeIdle
}

// Close stops the refresh of keys. Afterwards, tokens whose keys would have to be fetched are refused.
func (v *Verifier) Close() { v.close() }

// Ready returns nil if the keys of all issuers are available. It tries to fetch missing ones.
func (v *Verifier) Ready(ctx context.Context) error {
	var errs []error
	for _, ring := range *v.rings.Load() {
		errs = append(errs, ring.ready(ctx))
	}
	return errors.Join(errs...)
}

// Verify returns the caller that all Authorization header fields of a request identify. Its error is an [*Error]; only
// Unavailable says nothing against the token. The principal is shared and must not be changed.
func (v *Verifier) Verify(ctx context.Context, authorization []string) (*Principal, error) {
	p, err := v.principal(ctx, authorization)
	v.config.Checked(outcomeOf(err))
	return p, err
}

func (v *Verifier) principal(ctx context.Context, authorization []string) (*Principal, error) {
	token, err := bearer(authorization)
	if err != nil {
		return nil, err
	}
	now := v.config.Now()
	sum := keyOf(token)
	if p := v.cache.get(sum, now); p != nil {
		return p, nil // only verified tokens are cached, so the form needs no check
	}
	e, exp, err := v.verify(ctx, token, now)
	if err != nil {
		return nil, err
	}
	v.cache.put(sum, e, now, exp)
	return e.principal, nil
}

// verify makes every applicable check of RFC 8725 §3. Before the signature is verified, it uses the token only to look up
// the key; a token can never make it fetch from an address of the token's choice.
func (v *Verifier) verify(ctx context.Context, token string, now time.Time) (*verified, time.Time, error) {
	if err := checkForm(token); err != nil {
		return nil, time.Time{}, err
	}
	parts := strings.Split(token, ".")
	var h header
	if err := decodePart(parts[0], &h); err != nil {
		return nil, time.Time{}, refuse("The token's header is not well-formed.", nil) // err may quote the token
	}
	if err := h.check(); err != nil {
		return nil, time.Time{}, err
	}
	var c claims
	if err := decodePart(parts[1], &c); err != nil {
		return nil, time.Time{}, refuse("The token's claims are not well-formed.", nil)
	}
	if _, err := decodeBase64(parts[2]); err != nil {
		return nil, time.Time{}, refuse("The token's signature is not well-formed.", nil)
	}
	p, err := c.principal()
	if err != nil {
		return nil, time.Time{}, err
	}
	ring, err := v.ringOf(&c)
	if err != nil {
		return nil, time.Time{}, err
	}
	k, err := ring.key(ctx, h.Kid)
	switch {
	case errors.Is(err, errUnknownKey):
		return nil, time.Time{}, refuse("The signing key is not one of the issuer's.", nil)
	case err != nil:
		return nil, time.Time{}, &Error{Reason: Unavailable, Msg: "The keys of the token's issuer cannot be fetched. Try again later.", Err: err}
	case k.issuer != "" && strings.Replace(k.issuer, tenantPlaceholder, c.Tid, 1) != c.Iss: // Entra's keys name a template
		return nil, time.Time{}, refuse("The signing key is not one of the issuer's.", nil)
	}
	if err := k.verify(token, h.Alg); err != nil {
		return nil, time.Time{}, err
	}
	exp, err := c.checkTime(now)
	if err != nil {
		return nil, time.Time{}, err
	}
	if err := c.checkAudience(v.config.Audiences, ring.audiences()); err != nil {
		return nil, time.Time{}, err
	}
	return &verified{principal: p, ring: ring, kid: h.Kid, key: k}, exp, nil
}

// ringOf returns the keyring of the token's issuer (RFC 8725 §3.8).
func (v *Verifier) ringOf(c *claims) (keyring, error) {
	for _, ring := range *v.rings.Load() {
		if ring.issues(c.Iss, c.Tid) {
			return ring, nil
		}
	}
	return nil, refuse("The issuer is not trusted, or not that of the token's tenant.", nil)
}

// verify checks the token's signature with k. The token's algorithm must be one of the key's.
func (k *key) verify(token string, alg jose.SignatureAlgorithm) error {
	if !slices.Contains(k.algorithms, alg) {
		return refuse("The signature algorithm is not that of the signing key.", nil)
	}
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{alg})
	if err != nil {
		return refuse("The token is not a signed JWT.", err)
	}
	if _, err := jws.Verify(k.public); err != nil {
		return refuse("The signature is not valid.", err)
	}
	return nil
}
