package gateway

import (
	"cmp"
	"context"
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

// Verifier verifies the values of a request's Authorization header field.
type Verifier interface {
	// Verify returns who calls, or an *auth.Error.
	Verify(ctx context.Context, authorization []string) (*auth.Principal, error)
}

// Config says what a gate is made of. Only Contract is required.
type Config struct {
	Contract *Contract
	// Policy says what becomes of violations; nil says nothing. It may name operations of the contract only.
	Policy *policy.Policy
	// Defaults are for what the policy does not say.
	Defaults policy.Defaults
	// Verifier checks tokens, and the permissions that the operations declare; nil lets tokens pass as they are.
	Verifier Verifier
	// RequireTokens makes a token that is missing, where the contract asks for one, the violation credentials, though nothing
	// verifies it. Otherwise, without a Verifier, a request may do without.
	RequireTokens bool
	// Address returns what an address in a response becomes for the caller of r. It is asked for the addresses in bodies of
	// the built-in contract, which are held for it up to MaxResponse; nil leaves them as they are.
	Address func(r *http.Request, address string) string
	// MaxHeader is the length in bytes of a request's header fields together; 0 means 16 KiB.
	MaxHeader int
	// MaxResponse is the length in bytes of a response's body that is checked; 0 means 8 MiB. Only as much is ever held.
	MaxResponse int
	// Errors is the form of the gate's own responses; nil is that of Microsoft Graph for a contract with Graph, and that of
	// RFC 9457 for others.
	Errors *form.Form
	// CORS names the origins whose pages may call; the zero value leaves that to the upstream.
	CORS CORS
	// Budget bounds the bodies that are held at once; nil is one of [DefaultBudget] that all such gates share.
	Budget *Budget
	// Metrics counts what passes; nil counts nothing.
	Metrics *Metrics
	// Traffic remembers what passed in the last hour; nil remembers nothing. Gates that replace one another share it.
	Traffic *traffic.Recorder
	// Log gets a line for each violation; nil discards them.
	Log *slog.Logger
	// Access gets a line for each request; nil gets none. With AccessSample of 2 or more it gets one of so many that passed;
	// those that were refused or failed are all there.
	Access       slog.Handler
	AccessSample int
	// Tracer makes a span of each request and one of its way to the next handler; nil makes none.
	Tracer trace.Tracer
	// Upstream is what access lines and spans call the next handler, and Caller returns where a request came from; nil takes the
	// address of the connection.
	Upstream string
	Caller   func(*http.Request) string
}

const defaultMaxResponse = 8 << 20

// Gate holds requests and responses against a contract. It is safe for concurrent use, and what it does never changes.
type Gate struct {
	config  Config
	router  *router
	unknown [2]policy.Rules // for what no operation has
	passed  atomic.Uint64   // requests, for the sample

	unknownPreview [2]policy.Rules
	unknownCounter *traffic.Counter
	exposed        string // the header fields of its responses that pages of other origins may read
}

// New returns a gate, or an error that says what is wrong with the contract or the policy.
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

// Handler returns a handler that gives next what may pass, and answers what may not. A panic of next is left to whoever
// serves, except that of a response which breaks off while it is held.
func (g *Gate) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.Serve(w, r, next) })
}

// Serve is what [Gate.Handler]'s handler does with a request.
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

// reject refuses a request of which nothing was looked at.
func (g *Gate) reject(w http.ResponseWriter, r *http.Request, p *graph.Problem) {
	x := &exchange{gate: g, writer: w, request: r, start: time.Now()}
	defer x.end()
	x.beginSpan()
	x.refusal = p.Code
	x.answer(p)
	x.whole = true
}
