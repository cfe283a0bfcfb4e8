// Package pfxtest runs a real pfxRecryptionRequest server for the tests of its clients: the whole chain, a store on
// disk and an issuer of tokens, on a free loopback port, gone when the test ends.
//
//	server := pfxtest.Start(t, pfxtest.Config{})
//	token := server.Token(t, pfxtest.Grant{})
//
// The page's example is there under the key "sample": PATCH it at server.URL + "/pfxRecryptionRequests/sample".
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
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pester"
)

// Tenant is the tenant of the page's example: f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9.
var Tenant = edm.Guid{0xf9, 0x88, 0x2b, 0xcd, 0x2b, 0xcd, 0xf9, 0x88, 0xcd, 0x2b, 0x88, 0xf9, 0xcd, 0x2b, 0x88, 0xf9}

// Config says what the server is like. The zero Config is a server that has the page's example and nothing else.
type Config struct {
	// Seed is a JSON array of entities with id that takes the place of the page's example.
	Seed []byte
	// RequireIfMatch refuses an update without If-Match.
	RequireIfMatch bool
	// LicensedTenants are the tenants with an Intune licence; nil means all.
	LicensedTenants []edm.Guid
	// Faults makes calls go wrong on purpose; nil lets them be.
	Faults *Faults
	// Log gets the server's log; nil discards it.
	Log *slog.Logger
}

// Faults says how often calls go wrong, and how: what `pfxrd serve --dev --pester` does.
type Faults struct {
	Percent float64 // of the calls, from 0 to 100
	Kinds   []Fault // to choose from, evenly; nil means all
	Seed    uint64  // makes the choice: the same calls, one after another, meet the same faults
}

// Fault is one way in which a call can go wrong.
type Fault = pester.Fault

// The faults. All but DroppedAfter and Slow apply nothing of the call.
const (
	Throttled     = pester.Throttled
	Unavailable   = pester.Unavailable
	Conflict      = pester.Conflict
	Slow          = pester.Slow
	DroppedBefore = pester.DroppedBefore
	DroppedAfter  = pester.DroppedAfter
)

// Server is a running server.
type Server struct {
	// URL is where the API's base path begins, without a trailing slash: http://127.0.0.1:40123/beta.
	URL string
	// AdminURL is where /healthz and /readyz are.
	AdminURL string
	// Credentials are those of an application of the page's tenant that may read and write.
	Credentials clientcredentials.Config

	issuer *auth.Issuer
	stop   func() error
}

// Start starts a server and stops it when the test ends. The test fails if the server does not start or stop well.
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

// Open starts a server for an example or for TestMain, which have no test; [Server.Close] stops it.
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
		config.Pester, config.Faults, config.FaultSeed = pester.Percent(c.Faults.Percent), c.Faults.Kinds, c.Faults.Seed
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

// Close stops a server that Open started, once, and removes what it stored.
func (s *Server) Close() error { return s.stop() }

func credentials(base string) clientcredentials.Config {
	return clientcredentials.Config{
		ClientID: "pfxtest", ClientSecret: "any", Scopes: []string{auth.DefaultAudience + "/.default"},
		TokenURL: base + "/dev/" + Tenant.String() + "/oauth2/v2.0/token",
	}
}

// Grant says what a token is for. The zero Grant is an application of the page's tenant that may read and write.
type Grant struct {
	Tenant      edm.Guid      // the default is the page's
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
