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
	"github.com/pfxrecryption/pfxrecryption/server/internal/pester"
)

// devTenant is the tenant of the page's example.
const devTenant = "f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9"

// Config says how to serve. Its fields are the flags of pfxrd serve; where there is a default, the zero value is not it.
type Config struct {
	ConnectionLimits

	Listen         string         `default:"127.0.0.1:8080" help:"Address of the API (${default}); port 0 picks a free one." placeholder:"ADDR"`
	AdminListen    string         `default:"127.0.0.1:8081" help:"Address of /healthz, /readyz and /metrics (${default}); empty for none." placeholder:"ADDR"`
	Debug          bool           `help:"Serve /debug/pprof/ on --admin-listen: anyone who can reach it can read the memory and slow the program down."`
	Store          string         `default:"sqlite:pfxr.db" help:"Where objects are kept: sqlite:FILE (${default}) or postgres://USER@HOST/DATABASE?…, the password better in PGPASSWORD, also through PgBouncer with ignore_startup_parameters." placeholder:"DSN"`
	Index          []string       `help:"A member on which PostgreSQL keeps an index for $$filter, besides those that have one: status, sourceType, createdTime, lastModifiedTime, isDeleted or eTag; may be repeated. Each slows updates down; without it such a filter reads the whole tenant." placeholder:"MEMBER"`
	Audit          auditMode      `default:"members" enum:"members,values,off" help:"What the audit trail has of each change: the members that were changed, their values too, or nothing (${default})." placeholder:"WHAT"`
	Dev            bool           `help:"Run a development issuer on the same listener, which must be loopback: anybody gets a token."`
	CORSOrigin     []string       `help:"An origin whose pages may call, such as https://app.example, or * for all; may be repeated. With --dev every loopback origin may." placeholder:"ORIGIN" name:"cors-origin"`
	Seed           string         `help:"Load a JSON array of entities with id, those that are absent. With --dev the default is the page's example." placeholder:"FILE"`
	Issuer         []string       `help:"Issuer of tokens, such as https://login.microsoftonline.com/{tenantid}/v2.0; may be repeated. AzureCloud, AzureUSGovernment and AzureChinaCloud stand for those of Microsoft Entra for all tenants, version 2.0." placeholder:"URL"`
	IssuerFile     string         `help:"More issuers, one on each line; lines that begin with # do not count. The file is read again when it changes and on SIGHUP, which fetches the keys of all issuers, too." placeholder:"FILE"`
	Audience       []string       `help:"Audience of tokens, such as api://…; may be repeated." placeholder:"AUD"`
	LicensedTenant []edm.Guid     `help:"A tenant with an Intune licence; may be repeated. The default is all." placeholder:"T"`
	RequireIfMatch bool           `help:"Refuse an update or a deletion without If-Match with 428."`
	Pester         pester.Percent `help:"Make this share of the calls go wrong on purpose, such as 5%: 429, 503, 412, slow answers, broken connections. Only with --dev." placeholder:"P%"`
	Throttle       string         `default:"off" enum:"graph,off" help:"graph limits writes as Microsoft Graph does: 100 in 20 s of an application in a tenant, 200 of a tenant, by each server for itself; off does not (${default})." placeholder:"HOW"`
	MaxInFlight    int            `default:"512" help:"How many requests are worked on at once (${default}); beyond them one waits 100 ms, then gets 503. 0 is without a bound."`
	DrainDelay     time.Duration  `default:"1s" help:"How long requests are taken on after SIGTERM, while /readyz says 503 already: longer than a balancer takes to notice (${default})."`
	Docs           bool           `default:"true" negatable:"" help:"Serve pages for browsers: / and /docs for requests that accept text/html, /openapi.yaml and /openapi.json for all (the default); --no-docs turns them off."`
	PublicURL      string         `help:"Scheme and authority of the addresses in answers, such as https://pfx.example; the default is what the caller sent." placeholder:"URL" name:"public-url"`
	TLSCert        string         `help:"Certificate chain, PEM. It is read again when it changes and on SIGHUP; connections keep the one they have, and a pair that cannot be used changes nothing." placeholder:"FILE" name:"tls-cert"`
	TLSKey         string         `help:"Its private key, PEM, read again with it." placeholder:"FILE" name:"tls-key"`

	// Faults and FaultSeed say which calls Pester makes go wrong, and how; see [pester.Config].
	Faults    []pester.Fault `kong:"-"`
	FaultSeed uint64         `kong:"-"`
	// AnyHost has --dev answer for every name in Host: for tests, whose clients may call the server as they like.
	AnyHost bool `kong:"-"`
}

// Validate refuses what cannot be meant. It has no way to serve without knowing whose tokens to accept.
func (c *Config) Validate() error {
	if err := pester.Validate(c.Pester, c.Faults); err != nil {
		return err
	}
	pages := c.cors()
	if err := pages.Validate(); err != nil {
		return fmt.Errorf("--cors-origin: %w", err)
	}
	switch {
	case c.Dev && !isLoopback(c.Listen):
		return errors.New("--dev hands out tokens to anybody: --listen must be a loopback address such as 127.0.0.1:8080")
	case !c.Dev && len(c.Issuer) == 0 && c.IssuerFile == "":
		return errors.New("--issuer is required: whose tokens are accepted? (--dev runs a development issuer)")
	case !c.Dev && len(c.Audience) == 0:
		return errors.New("--audience is required: a token for another service must not be accepted (--dev has its own)")
	case c.Pester > 0 && !c.Dev:
		return errors.New("--pester makes calls go wrong on purpose: it needs --dev")
	case checkIssuers(c.Issuer, c.Audience) != nil:
		return checkIssuers(c.Issuer, c.Audience)
	case c.ConnectionLimits.check() != nil:
		return c.ConnectionLimits.check()
	case c.MaxInFlight < 0 || c.DrainDelay < 0:
		return errors.New("--max-in-flight and --drain-delay must not be below 0")
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return errors.New("--tls-cert and --tls-key go together")
	case c.PublicURL != "" && !isOrigin(c.PublicURL):
		return errors.New("--public-url must be http:// or https:// and an authority, without a path: https://pfx.example")
	case !isStore(c.Store):
		return errors.New("--store must be sqlite:FILE or postgres://USER@HOST/DATABASE")
	}
	return checkIndex(c.Store, c.Index)
}

// cors says which pages may call.
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

// isOrigin reports whether text is a scheme and an authority and nothing else.
func isOrigin(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && text == u.Scheme+"://"+u.Host
}
