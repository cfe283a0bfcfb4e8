// Package pfxcaddy is a Caddy module that validates the requests and responses of a site against an OpenAPI contract: the
// HTTP handler http.handlers.pfxgate, in a Caddyfile
//
//	pfxgate [<matcher>] {
//		spec      <file>                 # an OpenAPI document; without it, the built-in contract
//	  policy    <file>                 # what happens on each violation
//		requests  enforce|monitor|off
//		responses enforce|monitor|off
//	  unknown   refuse|pass            # for requests that match no route of the contract
//		issuer    <url...>               # check tokens
//		audience  <name...>
//	}
//
// It runs before all directives that read the path, such as redir and rewrite. Package pfxgate does the work, and its
// comment says what is checked; README.md says how to build the module in.
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

// Caddy finds modules only by registration.
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

// Handler validates requests and responses, and refuses or reports violations.
type Handler struct {
	// Spec is the file of an OpenAPI document, YAML or JSON. Without it, the built-in contract applies. Caddy reads it when
	// it loads its configuration.
	Spec string `json:"spec,omitempty"`
	// Policy is a YAML file that says what happens on each violation.
	Policy string `json:"policy,omitempty"`
	// Requests and Responses are enforce, monitor or off and override the policy. The default is enforce for requests and
	// monitor for responses.
	Requests  pfxgate.Mode `json:"requests,omitempty"`
	Responses pfxgate.Mode `json:"responses,omitempty"`
	// Unknown is refuse or pass, for requests that match no route of the contract. The default follows Requests.
	Unknown string `json:"unknown,omitempty"`
	// Issuers and Audiences are those of the required tokens. If they are empty, tokens are not checked.
	Issuers   []string `json:"issuers,omitempty"`
	Audiences []string `json:"audiences,omitempty"`

	gate *pfxgate.Gate
}

// CaddyModule returns the name of the module.
func (*Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.pfxgate", New: func() caddy.Module { return new(Handler) }}
}

var unknownModes = map[string]pfxgate.Mode{"": "", "refuse": pfxgate.Enforce, "pass": pfxgate.Monitor}

// Provision reads the files and creates the gate with Caddy's log and metrics.
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

// read returns the content of a file, or nil if the name is empty.
func read(name string) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	return os.ReadFile(name)
}

// Validate reports an unknown word for Unknown.
func (h *Handler) Validate() error {
	if _, ok := unknownModes[h.Unknown]; !ok {
		return fmt.Errorf("pfxgate: unknown is %q: must be refuse or pass", h.Unknown)
	}
	return nil
}

// Cleanup stops fetching the issuers' keys.
func (h *Handler) Cleanup() error {
	if h.gate != nil {
		h.gate.Close()
	}
	return nil
}

// ServeHTTP gives next the checked request. Caddy handles an error of next; that response is not validated.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	var failed error
	inner := http.HandlerFunc(func(w http.ResponseWriter, checked *http.Request) {
		*r = *checked // Caddy's placeholders read r, even through copies
		if failed = next.ServeHTTP(w, r); failed != nil {
			panic(failed) // bypasses the gate without a response
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
			return d.Errf("%s is a duplicate", name)
		default:
			*value = args[0]
		}
	}
	return nil
}
