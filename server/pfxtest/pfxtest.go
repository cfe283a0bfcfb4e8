// Package pfxtest runs a real pfxRecryptionRequest server for the tests of its clients: the whole server, a store on disk
// and an issuer of tokens, on a free loopback port. Everything is removed when the test ends.
//
//	server := pfxtest.Start(t, pfxtest.Config{})
//	token := server.Token(t, pfxtest.Grant{})
//
// The example of Microsoft's page has the key "sample": PATCH it at server.URL + "/pfxRecryptionRequests/sample".
package pfxtest

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/oauth2/clientcredentials"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/app"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/faultinject"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// Tenant is the tenant in the example of Microsoft's page: f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9.
var Tenant = edm.Guid{0xf9, 0x88, 0x2b, 0xcd, 0x2b, 0xcd, 0xf9, 0x88, 0xcd, 0x2b, 0x88, 0xf9, 0xcd, 0x2b, 0x88, 0xf9}

// Config holds the settings of the server. The zero Config is a server with only the example of Microsoft's page.
type Config struct {
	// Seed is a JSON array of entities, each with an id, instead of that example.
	Seed []byte
	// RequireIfMatch makes the server reject updates without If-Match.
	RequireIfMatch bool
	// LicensedTenants are the tenants with an Intune licence; nil means all.
	LicensedTenants []edm.Guid
	// Faults makes calls fail on purpose; nil injects no faults.
	Faults *Faults
	// Log receives the server's log; nil discards it.
	Log *slog.Logger
}

// Faults says how often and how calls fail, as `pfxrd serve --dev --pester` does.
type Faults struct {
	Percent float64 // of the calls, from 0 to 100
	Kinds   []Fault // chosen evenly; nil means all
	Seed    uint64  // the same seed makes the same sequence of calls fail the same way
}

// Fault is a way in which a call can fail.
type Fault = faultinject.Fault

// The faults. After all but DroppedAfter and Slow, nothing of the call was applied.
const (
	Throttled     = faultinject.Throttled
	Unavailable   = faultinject.Unavailable
	Conflict      = faultinject.Conflict
	Slow          = faultinject.Slow
	DroppedBefore = faultinject.DroppedBefore
	DroppedAfter  = faultinject.DroppedAfter
)

// Server is a running server.
type Server struct {
	// URL is the API's base address, without a trailing slash: http://127.0.0.1:40123/beta.
	URL string
	// AdminURL is the address of /healthz and /readyz.
	AdminURL string
	// Credentials are those of an application of [Tenant] that may read and write.
	Credentials clientcredentials.Config

	issuer *auth.Issuer
	stop   func() error
}

// Start starts a server and stops it when the test ends. The test fails if the server does not start or stop cleanly.
func Start(t testing.TB, c Config) *Server {
	t.Helper()
	s, err := Open(c)
	if err != nil {
		t.Fatalf("starting the server: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("stopping the server: %v", err)
		}
	})
	return s
}

// Open starts a server where there is no test, as in an example or in TestMain. [Server.Close] stops it.
func Open(c Config) (_ *Server, err error) {
	dir, err := os.MkdirTemp("", "pfxtest")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	config := app.Config{
		Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0", Store: "sqlite:" + filepath.Join(dir, "pfxr.db"),
		Dev: true, AnyHost: true, Docs: true, RequireIfMatch: c.RequireIfMatch, LicensedTenant: c.LicensedTenants,
	}
	if c.Faults != nil {
		config.Pester, config.Faults, config.FaultSeed = faultinject.Percent(c.Faults.Percent), c.Faults.Kinds, c.Faults.Seed
	}
	if c.Seed != nil {
		config.Seed = filepath.Join(dir, "seed.json")
		if err := os.WriteFile(config.Seed, c.Seed, 0o600); err != nil {
			return nil, err
		}
	}
	s, err := app.Open(context.Background(), config, cmp.Or(c.Log, slog.New(slog.DiscardHandler)))
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- s.Run(ctx) }()
	return &Server{
		URL: s.URL + graph.BasePath, AdminURL: s.AdminURL, Credentials: credentials(s.URL), issuer: s.Issuer,
		stop: func() error {
			stop()
			return errors.Join(<-stopped, os.RemoveAll(dir))
		},
	}, nil
}

// Close stops a server that Open started and removes its data. Call it once.
func (s *Server) Close() error { return s.stop() }

func credentials(base string) clientcredentials.Config {
	return clientcredentials.Config{
		ClientID: "pfxtest", ClientSecret: "any", Scopes: []string{auth.DefaultAudience + "/.default"},
		TokenURL: base + "/dev/" + Tenant.String() + "/oauth2/v2.0/token",
	}
}

// Grant describes a token. The zero Grant is for an application of [Tenant] that may read and write.
type Grant struct {
	Tenant      edm.Guid      // the default is [Tenant]
	Permissions []string      // the default is DeviceManagementConfiguration.ReadWrite.All
	Delegated   bool          // a user's token (scp) instead of an application's (roles)
	Audience    string        // the default is the server's own
	Lifetime    time.Duration // the default is an hour; a negative one makes an expired token
}

// Token returns a token of the server's issuer.
func (s *Server) Token(t testing.TB, g Grant) string {
	t.Helper()
	if g.Tenant == (edm.Guid{}) {
		g.Tenant = Tenant
	}
	if g.Permissions == nil {
		g.Permissions = []string{auth.DefaultRole}
	}
	grant := auth.Grant{Tenant: g.Tenant, App: "pfxtest", Roles: g.Permissions, Audience: g.Audience, Lifetime: g.Lifetime}
	if g.Delegated {
		grant.Roles, grant.Scopes = nil, g.Permissions
	}
	token, err := s.issuer.Token(grant)
	if err != nil {
		t.Fatal(err)
	}
	return token
}
