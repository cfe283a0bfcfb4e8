package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
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
	// MaxResponse is the length in bytes of a response's body that is checked; 0 means 8 MiB. Only as much is ever held.
	MaxResponse int
	// Budget bounds the bodies that are held at once; nil is one of [DefaultBudget] that all such gates share.
	Budget *Budget
	// Metrics counts what passes; nil counts nothing.
	Metrics *Metrics
	// Log gets a line for each violation; nil discards them.
	Log *slog.Logger
}

const defaultMaxResponse = 8 << 20

// Gate holds requests and responses against a contract. It is safe for concurrent use and never changes.
type Gate struct {
	config  Config
	router  *router
	unknown [2]policy.Rules // for what no operation has
}

// New returns a gate, or an error that says what is wrong with the contract or the policy.
func New(c Config) (*Gate, error) {
	if c.Policy == nil {
		c.Policy = &policy.Policy{}
	}
	if c.MaxResponse == 0 {
		c.MaxResponse = defaultMaxResponse
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
	r, err := newRouter(c.Contract)
	if err != nil {
		return nil, err
	}
	g := &Gate{config: c, router: r}
	known := map[string]bool{}
	for rt := range r.all() {
		known[rt.ID] = true
		rt.rules, rt.unchecked = g.rules(rt.ID)
		rt.enforces = slices.Contains(rt.rules[policy.Requests][:], policy.Enforce)
	}
	for id := range c.Policy.Operations {
		if !known[id] {
			return nil, fmt.Errorf("the policy names the operation %q, which the contract does not have", id)
		}
	}
	g.unknown, _ = g.rules("")
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
	if x.closes = len(r.TransferEncoding) > 0; x.closes {
		w.Header()["Connection"] = []string{"close"} // RFC 9112 §6.1: no second request behind a chunked one
	}
	if len(w.Header()) > 0 {
		x.before = w.Header().Clone()
	}
	forward, refusal := x.admit()
	switch {
	case refusal != nil:
		x.answer(refusal)
	case forward != nil:
		x.pass(next, forward)
	}
}
