package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/lestrrat-go/httprc/v3"
	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"
)

const (
	// refreshInterval is how often keys are fetched. A withdrawn key is accepted no longer than this.
	refreshInterval = time.Hour
	// retryInterval is the pause after a failed refresh.
	retryInterval = time.Minute
	// maxStale is how long keys are used after the last successful fetch. Then all tokens of the issuer are refused.
	maxStale = 24 * time.Hour
	// unknownInterval is the least time between two fetches for an unknown kid, because any client can send one.
	unknownInterval = 5 * time.Minute
	// For unknownInterval after a fetch that found other keys, a second budget allows rotations fetches in a row, and one
	// more every rotationInterval: an issuer that rotates keys may soon do so again.
	rotations        = 10
	rotationInterval = 30 * time.Second
	// freshInterval is how long fetched keys count as complete. Later, an unknown kid for which no fetch is allowed may be
	// that of a new key.
	freshInterval = 30 * time.Second
	// minBackoff and maxBackoff bound the doubling pause between attempts to fetch the first keys.
	minBackoff, maxBackoff = 250 * time.Millisecond, 30 * time.Second
	// fetchTimeout bounds both fetches of a refresh together.
	fetchTimeout = 10 * time.Second
	// maxDocument bounds a fetched document in bytes.
	maxDocument = 1 << 20
)

var (
	errUnknownKey = errors.New("no such key")
	errNoKeys     = errors.New("no usable keys")
	errTooSoon    = errors.New("an unknown kid, and the keys were fetched because of another one a moment ago")
)

// source fetches the keys of one issuer: its metadata and the JWK set that it names, together. httprc refreshes it in the
// background; source limits who may cause a fetch, and when. It is safe for concurrent use.
type source struct {
	*httprc.ResourceBase[*keySet]

	template template
	client   *http.Client
	now      func() time.Time
	log      *slog.Logger
	fetched  func(issuer string, err error)
	ctx      context.Context // ends with the Verifier: a fetch serves all waiting callers, and outlives each of them
	unknown  *rate.Limiter
	rotation *rate.Limiter
	rotated  atomic.Int64 // when a fetch has found other keys, in nanoseconds since 1970; 0 means never
	removed  atomic.Bool  // the issuer is not trusted any more

	flights singleflight.Group

	// Used only within the flight "load".
	failures int
	retryAt  time.Time
	lastErr  error
}

func newSource(ctx context.Context, t template, c Config) (*source, error) {
	s := &source{
		template: t,
		client:   c.HTTPClient,
		now:      c.Now,
		log:      c.Log.With("issuer", t.text),
		fetched:  c.Fetched,
		ctx:      ctx,
		unknown:  rate.NewLimiter(rate.Every(unknownInterval), 1),
		rotation: rate.NewLimiter(rate.Every(rotationInterval), rotations),
	}
	var err error
	s.ResourceBase, err = httprc.NewResource(t.discovery(), httprc.TransformFunc[*keySet](s.fetchKeys),
		httprc.WithHTTPClient(c.HTTPClient), httprc.WithConstantInterval(refreshInterval), httprc.WithMinInterval(retryInterval))
	if err != nil {
		return nil, fmt.Errorf("preparing the fetch of keys: %w", err)
	}
	// The first token triggers the first fetch: the issuer may be mounted in this server and start with it.
	s.SetNext(time.Now().Add(refreshInterval))
	return s, nil
}

// key returns the key of a kid. It returns errUnknownKey if the issuer has no such key, and another error if its keys are
// unavailable. If necessary it waits for a fetch, bounded by ctx.
func (s *source) key(ctx context.Context, kid string) (*key, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	set := s.current()
	if set != nil && set.keys[kid] == nil && !s.isWithdrawn(set, kid) {
		// All callers share this path and so the one fetch of a rotation; a flood of unknown kids is refused at once.
		if err := s.share(ctx, "unknown", func() error { return s.refreshUnknown(set) }); err != nil {
			return nil, err
		}
		set = s.current()
	}
	switch {
	case set == nil:
		return nil, errNoKeys
	case set.keys[kid] != nil:
		return set.keys[kid], nil
	case set.withdrawn[kid] || s.isFresh(set):
		return nil, errUnknownKey
	}
	return nil, errTooSoon
}

// isWithdrawn reports whether an issuer has just withdrawn a key. Its tokens keep arriving until they expire, and must not
// use up the fetches for new keys.
func (s *source) isWithdrawn(set *keySet, kid string) bool {
	return set.withdrawn[kid] && s.isFresh(set)
}

func (s *source) isFresh(set *keySet) bool { return s.now().Sub(set.fetched) < freshInterval }

// issues reports whether a token's issuer is this one.
func (s *source) issues(iss, tid string) bool { return iss == s.template.of(tid) }

// audiences returns nil: only the configuration sets the issuer's audiences.
func (s *source) audiences() []string { return nil }

// current returns the last fetched keys, or nil if there are none or they are too old.
func (s *source) current() *keySet {
	set := s.Resource()
	if set == nil || s.now().Sub(set.fetched) >= maxStale || s.removed.Load() {
		return nil
	}
	return set
}

// ready returns nil if there are usable keys. It tries to fetch missing ones.
func (s *source) ready(ctx context.Context) error {
	if s.current() != nil {
		return nil
	}
	if err := s.share(ctx, "load", s.load); err != nil {
		return fmt.Errorf("fetching the keys of %s: %w", s.template.text, err)
	}
	return nil
}

// load fetches the keys, unless the last attempt has just failed.
func (s *source) load() error {
	if s.current() != nil {
		return nil
	}
	if s.now().Before(s.retryAt) {
		return s.lastErr
	}
	s.lastErr = s.Sync(s.ctx)
	if s.lastErr != nil {
		s.retryAt = s.now().Add(min(minBackoff<<min(s.failures, 16), maxBackoff))
		s.failures++
		return s.lastErr
	}
	s.failures = 0
	return nil
}

// refreshUnknown fetches the keys because one is missing in set, within the budgets, unless newer keys have arrived. If it
// fails, the known keys stay.
func (s *source) refreshUnknown(set *keySet) error {
	if s.Resource() != set {
		return nil
	}
	now := s.now()
	rotating := now.UnixNano()-s.rotated.Load() < int64(unknownInterval)
	if !(rotating && s.rotation.AllowN(now, 1)) && !s.unknown.AllowN(now, 1) {
		return nil
	}
	if err := s.Sync(s.ctx); err != nil {
		s.log.Warn("keys not refreshed", "err", err)
	}
	return nil
}

// share runs fn, or waits for a run in flight of the same name.
func (s *source) share(ctx context.Context, name string, fn func() error) error {
	done := s.flights.DoChan(name, func() (any, error) { return nil, fn() })
	select {
	case <-ctx.Done():
		return ctx.Err()
	case r := <-done:
		return r.Err
	}
}

// Sync fetches the keys once for all concurrent callers. httprc's workers call it too.
func (s *source) Sync(ctx context.Context) error {
	_, err, _ := s.flights.Do("sync", func() (any, error) {
		ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
		defer cancel()
		err := s.ResourceBase.Sync(ctx)
		s.fetched(s.template.text, err)
		if err != nil {
			s.SetNext(time.Now().Add(retryInterval))
		}
		return nil, err
	})
	return err
}

// fetchKeys reads the issuer's metadata and fetches the keys that it refers to (OpenID Connect Discovery 1.0 §4.3).
func (s *source) fetchKeys(ctx context.Context, res *http.Response) (*keySet, error) {
	text, err := readDocument(res)
	if err != nil {
		return nil, fmt.Errorf("reading the metadata: %w", err)
	}
	var metadata struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(text, &metadata); err != nil {
		return nil, fmt.Errorf("decoding the metadata: %w", err)
	}
	if metadata.Issuer != s.template.text {
		return nil, errors.New("the metadata is that of another issuer")
	}
	u, err := url.Parse(metadata.JWKSURI)
	if err != nil || u.Host == "" || u.Scheme != "https" && !(plainLoopback(u) && s.template.plain) {
		return nil, errors.New("jwks_uri is not an https address")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, metadata.JWKSURI, nil)
	if err != nil {
		return nil, fmt.Errorf("addressing the JWK set: %w", err)
	}
	jwks, err := s.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetching the JWK set: %w", err)
	}
	defer jwks.Body.Close()
	text, err = readDocument(jwks)
	if err != nil {
		return nil, fmt.Errorf("reading the JWK set: %w", err)
	}
	old := s.Resource()
	keys, err := parseKeys(text, old, s.log)
	if err != nil {
		return nil, err
	}
	set := &keySet{keys: keys, withdrawn: withdrawnKids(old, keys), fetched: s.now()}
	if old != nil && !set.equal(old) {
		s.rotated.Store(set.fetched.UnixNano())
		s.log.Info("the issuer has other keys than before", "keys", len(keys))
	}
	return set, nil
}

func readDocument(res *http.Response) ([]byte, error) {
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the response has status %d", res.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxDocument+1))
	if err == nil && len(text) > maxDocument {
		err = errors.New("the response is too long")
	}
	return text, err
}
