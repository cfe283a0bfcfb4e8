package gateway

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/form"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/traffic"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// Config holds the settings of a gate. Only Contract is required.
type Config struct {
	Contract *Contract
	// Policy says what happens on violations; nil is an empty policy. It must name only operations of the contract.
	Policy *policy.Policy
	// Defaults apply where the policy says nothing.
	Defaults policy.Defaults
	// Verifier checks tokens and the permissions that the operations declare. If it is nil, tokens pass unchecked.
	Verifier auth.TokenVerifier
	// RequireTokens makes a missing token the violation credentials, even if there is no Verifier to check it. Otherwise,
	// without a Verifier, tokens are optional.
	RequireTokens bool
	// Address maps an address in a response to the one for the client of r. It is called for addresses in bodies of the
	// built-in contract, which are held for that up to MaxResponse. If it is nil, addresses stay unchanged.
	Address func(r *http.Request, address string) string
	// MaxHeader is the largest total size of a request's header fields in bytes; 0 means 16 KiB.
	MaxHeader int
	// MaxResponse is the largest response body that is checked, in bytes; 0 means 8 MiB. It also bounds what is held of a
	// response.
	MaxResponse int
	// Errors is the form of the gate's own responses. The default is Microsoft Graph's if Contract.Graph is set, otherwise
	// RFC 9457.
	Errors *form.Form
	// CORS names the origins whose pages may call. The zero value leaves CORS to the upstream.
	CORS CORS
	// Budget bounds the bodies that are held at once. If it is nil, the gate shares one of [DefaultBudget].
	Budget *Budget
	// Metrics counts requests and violations; nil counts nothing.
	Metrics *Metrics
	// Traffic records the last hour; nil records nothing. Gates that replace one another share it.
	Traffic *traffic.Recorder
	// Log receives a line for each violation; nil discards them.
	Log *slog.Logger
	// Access receives a line for each request; nil discards them. With AccessSample of N ≥ 2 it receives one of N requests
	// that passed, and all that were refused or failed.
	Access       slog.Handler
	AccessSample int
	// Tracer creates one span for each request and one for its way to the next handler; nil creates none.
	Tracer trace.Tracer
	// Upstream is the name of the next handler in access lines and spans. Caller returns the address of the client; if it is
	// nil, the connection's address is used.
	Upstream string
	Caller   func(*http.Request) string
}

const defaultMaxResponse = 8 << 20

// Gate validates requests and responses against a contract. It is immutable and safe for concurrent use.
type Gate struct {
	config  Config
	router  *router
	unknown [2]policy.Rules // for requests that match no operation
	passed  atomic.Uint64   // requests, for sampling

	unknownPreview [2]policy.Rules
	unknownCounter *traffic.Counter
	exposed        string // the response header fields that pages of other origins may read
}

// New returns a gate. It returns an error if the contract or the policy is invalid.
func New(c Config) (*Gate, error) {
	if c.Policy == nil {
		c.Policy = &policy.Policy{}
	}
	if c.Caller == nil {
		c.Caller = peer
	}
	c.MaxHeader = cmp.Or(c.MaxHeader, graph.MaxHeader)
	c.MaxResponse = cmp.Or(c.MaxResponse, defaultMaxResponse)
	if c.Errors == nil {
		c.Errors = form.Problem()
		if c.Contract.Graph {
			c.Errors = form.Graph()
		}
	}
	if c.Budget == nil {
		c.Budget = sharedBudget
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		var err error
		if c.Metrics, err = NewMetrics(nil); err != nil {
			return nil, err
		}
	}
	if err := c.CORS.Validate(); err != nil {
		return nil, fmt.Errorf("CORS: %w", err)
	}
	r, err := newRouter(c.Contract)
	if err != nil {
		return nil, err
	}
	g := &Gate{config: c, router: r, exposed: exposedFields(nil)}
	known := map[string]bool{}
	for rt := range r.all() {
		known[rt.ID] = true
		rt.rules, rt.unchecked = g.rules(rt.ID)
		rt.preview = g.preview(rt.ID)
		rt.enforces = slices.Contains(rt.rules[policy.Requests][:], policy.Enforce)
	}
	for id := range c.Policy.Operations {
		if !known[id] {
			return nil, fmt.Errorf("the policy names the operation %q, which the contract does not have", cut(id))
		}
	}
	g.unknown, _ = g.rules("")
	g.unknownPreview = g.preview("")
	if c.Traffic != nil {
		g.use(c.Traffic)
	}
	return g, nil
}

func (g *Gate) rules(operation string) ([2]policy.Rules, [2]bool) {
	var rules [2]policy.Rules
	var unchecked [2]bool
	for _, d := range []policy.Direction{policy.Requests, policy.Responses} {
		rules[d] = g.config.Policy.Rules(operation, d, g.config.Defaults)
		unchecked[d] = rules[d].All(policy.Off)
	}
	return rules, unchecked
}

// Handler returns a handler that passes allowed requests to next and refuses others. It does not recover a panic of next,
// unless it aborts a response that is held.
func (g *Gate) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.Serve(w, r, next) })
}

// Serve handles one request as the handler of [Gate.Handler] does.
func (g *Gate) Serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	x := &exchange{gate: g, writer: w, request: r, start: time.Now()}
	x.body.Budget = g.config.Budget
	defer x.end()
	x.beginSpan()
	if x.closes = graph.EndsConnection(r); x.closes {
		w.Header()["Connection"] = []string{"close"}
	}
	if len(w.Header()) > 0 {
		x.before = w.Header().Clone()
	}
	forward, refusal := x.admit()
	switch {
	case refusal != nil:
		x.refusal = refusal.Code
		x.answer(refusal)
	case forward != nil && x.isBatch():
		x.pass(g.takeApart(next), forward)
	case forward != nil:
		x.pass(next, forward)
	}
	x.whole = true
}

// reject refuses a request without checking it.
func (g *Gate) reject(w http.ResponseWriter, r *http.Request, p *graph.Problem) {
	x := &exchange{gate: g, writer: w, request: r, start: time.Now()}
	defer x.end()
	x.beginSpan()
	x.refusal = p.Code
	x.answer(p)
	x.whole = true
}
