package pfxgate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/form"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// Config says what a gate is made of. The zero Config enforces the built-in contract on requests and watches responses.
type Config struct {
	// Contract is one whose checks are generated code; nil is the built-in one.
	Contract *Contract
	// Spec is an OpenAPI 3.0 or 3.1 document, YAML or JSON, instead of Contract; nil is none. What of it cannot be judged
	// is logged, and the policy decides about it: by default a request that needs it is refused.
	Spec []byte
	// Policy says what becomes of which violation, by kind and operation: YAML as `pfxrd gateway --policy` reads it. Nil
	// says nothing.
	Policy []byte
	// Requests and Responses count before the policy's own modes of the two directions. The default is what the policy
	// says, else Enforce for requests and Monitor for responses.
	Requests, Responses Mode
	// Unknown is for requests that the contract has no path or no method for, whatever the policy says of them. The
	// default is what the policy says, else that of Requests.
	Unknown Mode
	// Issuers are those whose tokens, as Microsoft Entra ID makes them, a caller needs where the contract asks for one,
	// with a permission that it asks for: https addresses, in which the path segment {tenantid} stands for the token's
	// tenant. Without any, tokens pass as they are. Audiences are the names of the API in a token; neither goes without the
	// other.
	Issuers, Audiences []string
	// Errors is the form of the gate's own responses. The default is GraphErrors for the built-in contract and ProblemErrors
	// for others.
	Errors Form
	// ErrorTemplate is a form of your own, instead of Errors: a file as `pfxrd gateway --errors FILE` reads it. New and
	// Replace try it with each status. Nil is none.
	ErrorTemplate []byte
	// CORSOrigins are the origins whose pages may call, such as https://app.example, or * for all. The gate then answers
	// preflights itself, from the contract, and replaces the Access-Control-* fields of the handlers behind it. Without any,
	// preflights go to the next handler. CORSCredentials lets pages send cookies and client certificates; not with *.
	CORSOrigins     []string
	CORSCredentials bool
	// MaxHeader is the length of a request's header fields together in bytes; 0 means 16 KiB. MaxRequest is that of its body,
	// before and after decompression; 0 means that of the contract: 64 KiB for the built-in one, Contract.MaxBody, or 1 MiB.
	MaxHeader  int
	MaxRequest int64
	// MaxResponse is the length of a response's body in bytes up to which it is checked; 0 means 8 MiB. No more than that
	// is held for a response.
	MaxResponse int
	// Log gets a line for each violation, without any value that somebody sent; nil means [slog.Default].
	Log *slog.Logger
	// Registry shows the metrics, whose names begin with pfxr_gateway_; nil shows none. Gates that share one are counted
	// together.
	Registry prometheus.Registerer
}

// Contract is a contract whose checks are generated code.
type Contract struct {
	// Operations are those of the contract: the variable Operations of a package that validategen has written. There must
	// be one.
	Operations []*validate.Operation
	// BasePath is where their paths begin, such as /v1; "" is the root.
	BasePath string
	// MaxBody is the length of a request's body in bytes, before and after decompression; 0 means 1 MiB.
	MaxBody int64
}

// Mode is what becomes of violations. The zero Mode leaves it to the policy and the default.
type Mode string

// The modes.
const (
	Enforce Mode = "enforce" // refuses
	Monitor Mode = "monitor" // logs and counts what Enforce would refuse, and lets it pass as it came
	Off     Mode = "off"     // does not look
)

func (m Mode) parse(field string) (*policy.Mode, error) {
	if m == "" {
		return nil, nil //nolint:nilnil // no mode is a setting, too
	}
	mode := new(policy.Mode)
	if err := mode.UnmarshalText([]byte(m)); err != nil {
		return nil, fmt.Errorf("%s is %q: %w", field, m, err)
	}
	return mode, nil
}

// Form is how the gate's own responses look. The zero Form is that of the contract.
type Form string

// The forms.
const (
	ProblemErrors Form = "problem" // application/problem+json with a member of errors for each fault (RFC 9457)
	GraphErrors   Form = "graph"   // the errors of Microsoft Graph
)

// form returns the form of the gate's own responses, nil for that of the contract.
func (c *Config) form() (*form.Form, error) {
	switch {
	case c.ErrorTemplate != nil && c.Errors != "":
		return nil, errors.New("Errors and ErrorTemplate are two forms: want one")
	case c.ErrorTemplate != nil:
		return form.Parse("ErrorTemplate", c.ErrorTemplate)
	case c.Errors == ProblemErrors:
		return form.Problem(), nil
	case c.Errors == GraphErrors:
		return form.Graph(), nil
	case c.Errors == "":
		return nil, nil //nolint:nilnil // no form is a setting, too
	}
	return nil, fmt.Errorf("Errors is %q: want problem or graph", c.Errors)
}

const (
	defaultMaxBody     = 1 << 20
	defaultMaxResponse = 8 << 20
)

// Gate holds requests and responses against a contract. It is safe for concurrent use.
type Gate struct {
	live      gateway.Live
	issuers   []string
	audiences []string
	verifier  *auth.Verifier // nil if tokens pass as they are
	metrics   *gateway.Metrics
}

// New returns a gate, or an error that says what is wrong with the contract, the policy or a field of the Config. The
// caller closes it.
func New(c Config) (*Gate, error) {
	if (len(c.Issuers) == 0) != (len(c.Audiences) == 0) {
		return nil, errors.New("Issuers and Audiences go together: a token for another service must not be accepted")
	}
	c.Log = cmp.Or(c.Log, slog.Default())
	g := &Gate{issuers: slices.Clone(c.Issuers), audiences: slices.Clone(c.Audiences)}
	if len(c.Issuers) > 0 {
		var err error
		if g.verifier, err = auth.New(auth.Config{Issuers: c.Issuers, Audiences: c.Audiences, Log: c.Log}); err != nil {
			return nil, err
		}
	}
	var err error
	if g.metrics, err = gateway.NewMetrics(c.Registry); err == nil {
		err = g.put(c)
	}
	if err != nil {
		g.Close()
		return nil, err
	}
	return g, nil
}

// Replace puts another contract, policy and modes in the place of those in force: a request passes those that were there
// when it came. With an error, those in force stay. Issuers and Audiences must be those of New, and Registry is not looked
// at.
func (g *Gate) Replace(c Config) error {
	c.Log = cmp.Or(c.Log, slog.Default())
	var err error
	if slices.Equal(c.Issuers, g.issuers) && slices.Equal(c.Audiences, g.audiences) {
		err = g.put(c)
	} else {
		err = errors.New("Issuers and Audiences cannot be replaced: they are those that the gate was made with")
	}
	g.metrics.Reloaded(err)
	return err
}

// Handler returns a handler that gives next what may pass, and answers what may not. It stands in front of whatever looks
// at the URL: a router goes behind it. A panic of next goes through; only that of [http.ErrAbortHandler] becomes 502 where
// a response was held, so that nothing of it went out.
func (g *Gate) Handler(next http.Handler) http.Handler { return g.live.Handler(next) }

// Close ends the reading of the issuers' keys. Nothing must be served any more.
func (g *Gate) Close() {
	if g.verifier != nil {
		g.verifier.Close()
	}
}

// put puts into force what c says.
func (g *Gate) put(c Config) error {
	switch {
	case c.MaxResponse < 0:
		return fmt.Errorf("MaxResponse is %d: want 1 or more, or 0 for %d", c.MaxResponse, defaultMaxResponse)
	case c.MaxHeader < 0:
		return fmt.Errorf("MaxHeader is %d: want 1 or more, or 0 for %d", c.MaxHeader, graph.MaxHeader)
	case c.MaxRequest < 0:
		return fmt.Errorf("MaxRequest is %d: want 1 or more, or 0 for that of the contract", c.MaxRequest)
	}
	config := gateway.Config{
		Defaults: policy.Defaults{Responses: policy.Monitor}, MaxHeader: c.MaxHeader, MaxResponse: cmp.Or(c.MaxResponse, defaultMaxResponse),
		CORS: gateway.CORS{Origins: slices.Clone(c.CORSOrigins), Credentials: c.CORSCredentials}, Metrics: g.metrics, Log: c.Log,
	}
	if g.verifier != nil {
		config.Verifier = g.verifier
	}
	var errs [5]error
	config.Defaults.ForceRequests, errs[0] = c.Requests.parse("Requests")
	config.Defaults.ForceResponses, errs[1] = c.Responses.parse("Responses")
	config.Defaults.Unknown, errs[2] = c.Unknown.parse("Unknown")
	config.Contract, errs[3] = c.contract()
	config.Errors, errs[4] = c.form()
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	config.Contract.MaxBody = cmp.Or(c.MaxRequest, config.Contract.MaxBody)
	if c.Policy != nil {
		var err error
		if config.Policy, err = policy.Parse(c.Policy); err != nil {
			return err
		}
	}
	gate, err := gateway.New(config)
	if err != nil {
		return err
	}
	g.live.Replace(gate)
	return nil
}

// contract returns the one of the three that c asks for.
func (c *Config) contract() (*gateway.Contract, error) {
	own := c.Contract
	switch {
	case own != nil && c.Spec != nil:
		return nil, errors.New("Contract and Spec are two contracts: want one")
	case c.Spec != nil: // an empty file is no document, and not the built-in contract
		contract, document, err := gateway.Read(context.Background(), c.Spec, spec.Options{})
		if err != nil {
			return nil, fmt.Errorf("reading Spec: %w", err)
		}
		for _, s := range document.Spots {
			c.Log.Warn("a part of Spec is not judged", "pointer", s.Pointer, "reason", s.Reason)
		}
		return contract, nil
	case own == nil:
		return gateway.Builtin(), nil
	case len(own.Operations) == 0:
		return nil, errors.New("Contract.Operations is empty: want at least one")
	case own.BasePath != "" && !strings.HasPrefix(own.BasePath, "/"):
		return nil, fmt.Errorf("Contract.BasePath is %q: want a path that begins with a slash", own.BasePath)
	case own.MaxBody < 0:
		return nil, fmt.Errorf("Contract.MaxBody is %d: want 1 or more, or 0 for %d", own.MaxBody, defaultMaxBody)
	}
	return &gateway.Contract{
		BasePaths: validate.BasePaths(own.BasePath), Operations: own.Operations, MaxBody: cmp.Or(own.MaxBody, defaultMaxBody),
	}, nil
}
