package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Env is the variable with the address of a PostgreSQL to test on. Its user must be allowed to create databases.
const Env = "PFXR_TEST_POSTGRES"

// shared is the cluster of this process, which ends with it. Nothing on it has to survive a loss of power.
var shared = sync.OnceValues(func() (*Cluster, error) { return Start(context.Background(), "fsync=off") })

var databases atomic.Int64

// Database creates an empty database for the test and returns its address. Where no PostgreSQL is installed it skips the
// test, or fails it if the variable CI is set.
func Database(t testing.TB) string {
	t.Helper()
	admin, private := os.Getenv(Env), false
	if admin == "" {
		private = true
		c, err := shared()
		skipWithout(t, err)
		admin = c.DSN("postgres")
	}
	name := fmt.Sprintf("pfxr_test_%d_%d", os.Getpid(), databases.Add(1))
	execute(t, admin, "CREATE DATABASE "+name)
	if !private { // a private one goes with its cluster
		t.Cleanup(func() { execute(t, admin, "DROP DATABASE "+name+" WITH (FORCE)") })
	}
	u, err := url.Parse(admin)
	if err != nil {
		t.Fatalf("%s is not a URL", Env)
	}
	u.Path = "/" + name
	return u.String()
}

// Private starts a cluster that is the test's alone, which it may kill.
func Private(t testing.TB, settings ...string) *Cluster {
	t.Helper()
	c, err := Start(t.Context(), settings...)
	skipWithout(t, err)
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func skipWithout(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, ErrNone) && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func execute(t testing.TB, dsn, sql string) {
	t.Helper()
	ctx := context.Background() // the test's own is done when it cleans up
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }() // nothing is under way
	if _, err := conn.Exec(ctx, sql); err != nil {
		t.Fatal(err)
	}
}
