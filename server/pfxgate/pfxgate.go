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
	"go.opentelemetry.io/otel/trace"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/form"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// Config holds the settings of a gate. The zero Config enforces the built-in contract on requests and watches responses.
type Config struct {
	// Contract is a contract whose checks are generated code. If it is nil, the built-in one is used.
	Contract *Contract
	// Spec is an OpenAPI 3.0 or 3.1 document, YAML or JSON, instead of Contract. Parts that cannot be judged are logged, and
	// the policy decides about them: by default a request that needs them is refused.
	Spec []byte
	// Policy says what happens on each violation, by kind and operation: YAML as for `pfxrd gateway --policy`. Nil is an
	// empty policy.
	Policy []byte
	// Requests and Responses override the policy's modes of the two directions. The default is the policy's mode, else
	// Enforce for requests and Monitor for responses.
	Requests, Responses Mode
	// Unknown overrides the policy for requests whose path or method the contract does not have. The default is the policy's
	// mode, else that of Requests.
	Unknown Mode
	// Issuers are the accepted issuers of tokens, with claims as Microsoft Entra ID makes them. They are https addresses, in
	// which the path segment {tenantid} stands for the token's tenant. If the contract requires a token, it must have all
	// scopes of one alternative. If Issuers is empty, tokens are not checked. Other required credentials, such as keys, must
	// be present but are not verified. Audiences are the names of the API in a token. Set both or neither.
	Issuers, Audiences []string
	// Errors is the form of the gate's own responses. The default is GraphErrors for the built-in contract and ProblemErrors
	// for others.
	Errors Form
	// ErrorTemplate is your own form instead of Errors: a file as for `pfxrd gateway --errors FILE`. New and Replace
	// execute it with each status. Nil means none.
	ErrorTemplate []byte
	// CORSOrigins are the origins whose pages may call, such as https://app.example, or * for all. The gate then responds to
	// preflights from the contract, and replaces the Access-Control-* fields of the next handler. If it is empty, preflights
	// go to the next handler. CORSCredentials lets pages send cookies and client certificates; it excludes *.
	CORSOrigins     []string
	CORSCredentials bool
	// MaxHeader is the largest total size of a request's header fields in bytes; 0 means 16 KiB. MaxRequest is the largest
	// request body in bytes, before and after decompression; 0 means the contract's: 64 KiB for the built-in one,
	// Contract.MaxBody, or 1 MiB.
	MaxHeader  int
	MaxRequest int64
	// MaxResponse is the largest response body that is checked, in bytes; 0 means 8 MiB. It also bounds what is held of a
	// response.
	MaxResponse int
	// Log receives a line for each violation, without values of the message; nil means [slog.Default].
	Log *slog.Logger
	// AccessLog receives a line for each request; nil discards them. With AccessLogSample of N ≥ 2 it receives one of N
	// requests that passed, and all that were refused or failed.
	AccessLog       *slog.Logger
	AccessLogSample int
	// Tracer creates one span for each request in the client's trace, and one for its way to the next handler, which gets
	// the context and the field traceparent. Nil creates none.
	Tracer trace.Tracer
	// Registry registers the metrics, whose names begin with pfxr_gateway_; nil registers none. Gates that share a registry
	// share the metrics.
	Registry prometheus.Registerer
}

// Contract is a contract whose checks are generated code.
type Contract struct {
	// Operations are the operations of the contract: the variable Operations of a package that validategen writes. It must
	// not be empty.
	Operations []*validate.Operation
	// BasePath is the prefix of their paths, such as /v1; "" is the root.
	BasePath string
	// MaxBody is the largest request body in bytes, before and after decompression; 0 means 1 MiB.
	MaxBody int64
}

// Mode is what happens on violations. The zero Mode leaves it to the policy and the default.
type Mode string

// The modes.
const (
	Enforce Mode = "enforce" // refuses the message
	Monitor Mode = "monitor" // logs and counts what Enforce would refuse, and forwards it unchanged
	Off     Mode = "off"     // does not check
)

func (m Mode) parse(field string) (*policy.Mode, error) {
	if m == "" {
		return nil, nil //nolint:nilnil // no mode is a valid setting
	}
	mode := new(policy.Mode)
	if err := mode.UnmarshalText([]byte(m)); err != nil {
		return nil, fmt.Errorf("%s is %q: %w", field, m, err)
	}
	return mode, nil
}

// Form is the format of the gate's own responses. The zero Form is that of the contract.
type Form string

// The forms.
const (
	ProblemErrors Form = "problem" // application/problem+json with a member of errors for each fault (RFC 9457)
	GraphErrors   Form = "graph"   // the errors of Microsoft Graph
)

// form returns the form of the gate's own responses, or nil for that of the contract.
func (c *Config) form() (*form.Form, error) {
	switch {
	case c.ErrorTemplate != nil && c.Errors != "":
		return nil, errors.New("Errors and ErrorTemplate exclude each other: set one")
	case c.ErrorTemplate != nil:
		return form.Parse("ErrorTemplate", c.ErrorTemplate)
	case c.Errors == ProblemErrors:
		return form.Problem(), nil
	case c.Errors == GraphErrors:
		return form.Graph(), nil
	case c.Errors == "":
		return nil, nil //nolint:nilnil // nil is a valid setting
	}
	return nil, fmt.Errorf("Errors is %q: want problem or graph", c.Errors)
}

const (
	defaultMaxBody     = 1 << 20
	defaultMaxResponse = 8 << 20
)

// Gate validates requests and responses against a contract. It is safe for concurrent use.
type Gate struct {
	live      gateway.Live
	issuers   []string
	audiences []string
	verifier  *auth.Verifier // nil if tokens are not checked
	metrics   *gateway.Metrics
}

// New returns a gate. It returns an error if the contract, the policy or a field of the Config is invalid. The caller must
// close the gate.
func New(c Config) (*Gate, error) {
	if (len(c.Issuers) == 0) != (len(c.Audiences) == 0) {
		return nil, errors.New("Issuers and Audiences go together: tokens for other services must be rejected")
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

// Replace makes another contract, policy and modes current. A request keeps those that were current when it arrived. On an
// error, the current ones stay in effect. Issuers and Audiences must be the same as for New; Registry is ignored.
func (g *Gate) Replace(c Config) error {
	c.Log = cmp.Or(c.Log, slog.Default())
	var err error
	if slices.Equal(c.Issuers, g.issuers) && slices.Equal(c.Audiences, g.audiences) {
		err = g.put(c)
	} else {
		err = errors.New("Issuers and Audiences cannot be replaced: they must be the same as for New")
	}
	g.metrics.Reloaded(err)
	return err
}

// Handler returns a handler that passes allowed requests to next and refuses others. Put it in front of everything that
// reads the URL, such as a router. It does not recover a panic of next, except [http.ErrAbortHandler] while a response is
// held, which becomes a 502.
func (g *Gate) Handler(next http.Handler) http.Handler { return g.live.Handler(next) }

// Close stops fetching the issuers' keys. Call it only after serving has ended.
func (g *Gate) Close() {
	if g.verifier != nil {
		g.verifier.Close()
	}
}

// put makes c current.
func (g *Gate) put(c Config) error {
	switch {
	case c.MaxResponse < 0:
		return fmt.Errorf("MaxResponse is %d: want 1 or more, or 0 for %d", c.MaxResponse, defaultMaxResponse)
	case c.MaxHeader < 0:
		return fmt.Errorf("MaxHeader is %d: want 1 or more, or 0 for %d", c.MaxHeader, graph.MaxHeader)
	case c.MaxRequest < 0:
		return fmt.Errorf("MaxRequest is %d: want 1 or more, or 0 for the contract's", c.MaxRequest)
	}
	config := gateway.Config{
		Defaults: policy.Defaults{Responses: policy.Monitor}, MaxHeader: c.MaxHeader, MaxResponse: cmp.Or(c.MaxResponse, defaultMaxResponse),
		CORS: gateway.CORS{Origins: slices.Clone(c.CORSOrigins), Credentials: c.CORSCredentials}, Metrics: g.metrics, Log: c.Log, Tracer: c.Tracer,
	}
	if g.verifier != nil {
		config.Verifier = g.verifier
	}
	if c.AccessLog != nil {
		config.Access, config.AccessSample = c.AccessLog.Handler(), c.AccessLogSample
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

// contract returns the contract that c selects.
func (c *Config) contract() (*gateway.Contract, error) {
	own := c.Contract
	switch {
	case own != nil && c.Spec != nil:
		return nil, errors.New("Contract and Spec exclude each other: set one")
	case c.Spec != nil: // an empty file is not a document and does not select the built-in contract
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
