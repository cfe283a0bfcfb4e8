package app

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"time"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/cors"
	"github.com/pfxrecryption/pfxrecryption/server/internal/faultinject"
)

// devTenant is the tenant in the example of Microsoft's page.
const devTenant = "f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9"

// Config holds the settings of the server. Its fields are the flags of pfxrd serve. The zero value does not apply their
// defaults.
type Config struct {
	ConnectionLimits

	Listen         string              `default:"127.0.0.1:8080" help:"Address of the API (${default}); port 0 picks a free port." placeholder:"ADDR"`
	AdminListen    string              `default:"127.0.0.1:8081" help:"Address of /healthz, /readyz and /metrics (${default}); empty turns them off." placeholder:"ADDR"`
	Debug          bool                `help:"Serve /debug/pprof/ on --admin-listen. Anyone who can reach it can read the memory and slow the program down."`
	Store          string              `default:"sqlite:pfxr.db" help:"Where objects are stored: sqlite:FILE (${default}) or postgres://USER@HOST/DATABASE?…. Pass the password in PGPASSWORD. Behind PgBouncer, set its ignore_startup_parameters." placeholder:"DSN"`
	Index          []string            `help:"A member to index in PostgreSQL for $$filter: status, sourceType, createdTime, lastModifiedTime, isDeleted or eTag; may be repeated. Each index slows updates down. Without it such a filter reads the whole tenant." placeholder:"MEMBER"`
	Audit          auditMode           `default:"members" enum:"members,values,off" help:"What the audit trail records for each change: the changed members, their values too, or nothing (${default})." placeholder:"WHAT"`
	Dev            bool                `help:"Run a development issuer, which gives a token to any client. --listen must be a loopback address."`
	CORSOrigin     []string            `help:"An origin whose pages may call the API, such as https://app.example, or * for all; may be repeated. With --dev, every loopback origin may." placeholder:"ORIGIN" name:"cors-origin"`
	Seed           string              `help:"Load a JSON array of entities, each with an id. Existing objects are kept. With --dev the default is the example of Microsoft's page." placeholder:"FILE"`
	Issuer         []string            `help:"Issuer of tokens, such as https://login.microsoftonline.com/{tenantid}/v2.0; may be repeated. AzureCloud, AzureUSGovernment and AzureChinaCloud are short for Microsoft Entra's issuers for all tenants, version 2.0." placeholder:"URL"`
	IssuerFile     string              `help:"A file with more issuers, one on each line; lines that start with # are comments. It is read again when it changes and on SIGHUP. SIGHUP also fetches the keys of all issuers." placeholder:"FILE"`
	Audience       []string            `help:"Audience of tokens, such as api://…; may be repeated." placeholder:"AUD"`
	LicensedTenant []edm.Guid          `help:"A tenant with an Intune licence; may be repeated. The default is all." placeholder:"T"`
	RequireIfMatch bool                `help:"Reject an update or a deletion without If-Match with 428."`
	Pester         faultinject.Percent `help:"Make this share of the calls fail on purpose, such as 5%: 429, 503, 412, slow responses, broken connections. Only with --dev." placeholder:"P%"`
	Throttle       string              `default:"off" enum:"graph,off" help:"graph limits writes like Microsoft Graph: in 20 s, 100 for each application in a tenant and 200 for each tenant. Each server counts on its own. off sets no limit (${default})." placeholder:"HOW"`
	MaxInFlight    int                 `default:"512" help:"The highest number of concurrent requests (${default}). Further requests wait up to 100 ms and then get 503. 0 means unlimited."`
	DrainDelay     time.Duration       `default:"1s" help:"Keep accepting requests for this long after SIGTERM while /readyz returns 503; longer than the load balancer's check interval (${default})."`
	Docs           bool                `default:"true" negatable:"" help:"Serve pages for browsers (the default): / and /docs for requests that accept text/html, /openapi.yaml and /openapi.json for all. --no-docs turns them off."`
	PublicURL      string              `help:"Scheme and authority of the addresses in responses, such as https://pfx.example. The default is taken from the request." placeholder:"URL" name:"public-url"`
	TLSCert        string              `help:"Certificate chain, PEM. It is read again when it changes and on SIGHUP. Open connections keep the current one. An invalid pair is not loaded." placeholder:"FILE" name:"tls-cert"`
	TLSKey         string              `help:"Private key of the certificate, PEM. It is read again with the certificate." placeholder:"FILE" name:"tls-key"`

	// Faults and FaultSeed select the calls that Pester makes fail, and how; see [faultinject.Config].
	Faults    []faultinject.Fault `kong:"-"`
	FaultSeed uint64              `kong:"-"`
	// AnyHost makes --dev accept any Host. Tests need it, because their clients may use any name.
	AnyHost bool `kong:"-"`
}

// Validate reports settings that are out of range or contradict each other. It refuses to serve without an issuer and an
// audience.
func (c *Config) Validate() error {
	if err := faultinject.Validate(c.Pester, c.Faults); err != nil {
		return err
	}
	pages := c.cors()
	if err := pages.Validate(); err != nil {
		return fmt.Errorf("--cors-origin: %w", err)
	}
	switch {
	case c.Dev && !isLoopback(c.Listen):
		return errors.New("--dev gives a token to any client: --listen must be a loopback address such as 127.0.0.1:8080")
	case !c.Dev && len(c.Issuer) == 0 && c.IssuerFile == "":
		return errors.New("--issuer is required: it says whose tokens are accepted (--dev runs a development issuer)")
	case !c.Dev && len(c.Audience) == 0:
		return errors.New("--audience is required: tokens for other services must be rejected (--dev has its own)")
	case c.Pester > 0 && !c.Dev:
		return errors.New("--pester makes calls fail on purpose: it needs --dev")
	case checkIssuers(c.Issuer, c.Audience) != nil:
		return checkIssuers(c.Issuer, c.Audience)
	case c.ConnectionLimits.check() != nil:
		return c.ConnectionLimits.check()
	case c.MaxInFlight < 0 || c.DrainDelay < 0:
		return errors.New("--max-in-flight and --drain-delay must not be below 0")
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return errors.New("--tls-cert and --tls-key go together")
	case c.PublicURL != "" && !isOrigin(c.PublicURL):
		return errors.New("--public-url must be a scheme and an authority without a path, such as https://pfx.example")
	case !isStore(c.Store):
		return errors.New("--store must be sqlite:FILE, such as sqlite:pfxr.db, or postgres://USER@HOST/DATABASE")
	}
	return checkIndex(c.Store, c.Index)
}

// cors returns the origins whose pages may call the API.
func (c *Config) cors() cors.Policy { return cors.Policy{Origins: c.CORSOrigin, Loopback: c.Dev} }

func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// isLicensed reports whether a tenant has an Intune licence.
func (c *Config) isLicensed(tenant edm.Guid) bool {
	return len(c.LicensedTenant) == 0 || slices.Contains(c.LicensedTenant, tenant)
}

// isOrigin reports whether text is exactly a scheme and an authority.
func isOrigin(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && text == u.Scheme+"://"+u.Host
}
