// Package pfxcaddy is a Caddy module that holds the requests and responses of a site against an OpenAPI contract: the HTTP
// handler http.handlers.pfxgate, in a Caddyfile
//
//	pfxgate [<matcher>] {
//		spec      <file>                 # an OpenAPI document; without it, the built-in contract
//		policy    <file>                 # what becomes of which violation
//		requests  enforce|monitor|off
//		responses enforce|monitor|off
//		unknown   refuse|pass            # what the contract has no route for
//		issuer    <url...>               # check tokens
//		audience  <name...>
//	}
//
// It comes before all directives that look at the path, redir and rewrite among them. All of it is package pfxgate, whose
// comment says what is checked; README.md says how to build it in.
package pfxcaddy

import (
	"fmt"
	"net/http"
	"os"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/pfxrecryption/pfxrecryption/server/pfxgate"
)

// Caddy finds modules by their registration, and in no other way.
func init() {
	caddy.RegisterModule(new(Handler))
	httpcaddyfile.RegisterHandlerDirective("pfxgate", parse)
	httpcaddyfile.RegisterDirectiveOrder("pfxgate", httpcaddyfile.Before, "redir")
}

var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddy.Validator             = (*Handler)(nil)
	_ caddy.CleanerUpper          = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
	_ caddyfile.Unmarshaler       = (*Handler)(nil)
)

// Handler refuses what the contract does not allow, or only watches it.
type Handler struct {
	// Spec is the file of an OpenAPI document, YAML or JSON; without it, the built-in contract counts. It is read when
	// Caddy loads its configuration.
	Spec string `json:"spec,omitempty"`
	// Policy is the YAML file that says what becomes of which violation.
	Policy string `json:"policy,omitempty"`
	// Requests and Responses are enforce, monitor or off, before the policy. The default is enforce for requests and monitor
	// for responses.
	Requests  pfxgate.Mode `json:"requests,omitempty"`
	Responses pfxgate.Mode `json:"responses,omitempty"`
	// Unknown is refuse or pass, for what the contract has no route for. The default follows requests.
	Unknown string `json:"unknown,omitempty"`
	// Issuers and Audiences are those of the tokens that the contract asks for. Without any, tokens pass as they are.
	Issuers   []string `json:"issuers,omitempty"`
	Audiences []string `json:"audiences,omitempty"`

	gate *pfxgate.Gate
}

// CaddyModule says what the module is called.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.pfxgate", New: func() caddy.Module { return new(Handler) }}
}

var unknownModes = map[string]pfxgate.Mode{"": "", "refuse": pfxgate.Enforce, "pass": pfxgate.Monitor}

// Provision reads the files and makes the gate, whose log and metrics are Caddy's.
func (h *Handler) Provision(ctx caddy.Context) error {
	config := pfxgate.Config{
		Requests: h.Requests, Responses: h.Responses, Unknown: unknownModes[h.Unknown], Issuers: h.Issuers, Audiences: h.Audiences,
		Log: ctx.Slogger(), Registry: ctx.GetMetricsRegistry(),
	}
	var err error
	if config.Spec, err = read(h.Spec); err != nil {
		return fmt.Errorf("pfxgate: reading spec: %w", err)
	}
	if config.Policy, err = read(h.Policy); err != nil {
		return fmt.Errorf("pfxgate: reading policy: %w", err)
	}
	if h.gate, err = pfxgate.New(config); err != nil {
		return fmt.Errorf("pfxgate: %w", err)
	}
	return nil
}

// read returns what a file has, or nil if none is named.
func read(name string) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	return os.ReadFile(name)
}

// Validate refuses a word that Provision does not know.
func (h *Handler) Validate() error {
	if _, ok := unknownModes[h.Unknown]; !ok {
		return fmt.Errorf("pfxgate: unknown is %q: must be refuse or pass", h.Unknown)
	}
	return nil
}

// Cleanup ends the reading of the issuers' keys.
func (h *Handler) Cleanup() error {
	if h.gate != nil {
		h.gate.Close()
	}
	return nil
}

// ServeHTTP gives next the request that was checked. An error of next is Caddy's to answer: it is not held against the
// contract.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	var failed error
	inner := http.HandlerFunc(func(w http.ResponseWriter, checked *http.Request) {
		*r = *checked // Caddy's placeholders speak of r, whoever has a copy
		if failed = next.ServeHTTP(w, r); failed != nil {
			panic(failed) // the way past the gate that answers nothing
		}
	})
	func() {
		defer func() {
			if failed != nil {
				_ = recover() // our own
			}
		}()
		h.gate.Handler(inner).ServeHTTP(w, r)
	}()
	return failed
}

func parse(helper httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	h := new(Handler)
	return h, h.UnmarshalCaddyfile(helper.Dispenser)
}

// UnmarshalCaddyfile reads the directive.
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the directive's name
	if d.NextArg() {
		return d.ArgErr()
	}
	single := map[string]*string{
		"spec": &h.Spec, "policy": &h.Policy, "requests": (*string)(&h.Requests), "responses": (*string)(&h.Responses), "unknown": &h.Unknown,
	}
	several := map[string]*[]string{"issuer": &h.Issuers, "audience": &h.Audiences}
	for d.NextBlock(0) {
		name, args := d.Val(), d.RemainingArgs()
		value, once := single[name]
		list, repeated := several[name]
		switch {
		case !once && !repeated:
			return d.Errf("pfxgate has no option %q: must be spec, policy, requests, responses, unknown, issuer or audience", name)
		case len(args) == 0 || once && len(args) > 1:
			return d.ArgErr()
		case repeated:
			*list = append(*list, args...)
		case *value != "":
			return d.Errf("%s stands there twice", name)
		default:
			*value = args[0]
		}
	}
	return nil
}
