package postgres

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pfxrecryption/pfxrecryption/server/internal/store/postgres/postgrestest"
)

func TestConfigRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ url, want string }{
		"noAddress":         {"", "must begin with postgres://"},
		"otherScheme":       {"mysql://u:s3cr3t@h/d", "must begin with postgres://"},
		"keywordForm":       {"host=h password=s3cr3t", "must begin with postgres://"},
		"slashInPassword":   {"postgres://u:s3/cr3t@h/d", "must be percent-encoded"},
		"percentInPassword": {"postgres://u:s3%cr3t@h/d", "must be percent-encoded"},
		"spaceInPassword":   {"postgres://u:s3 cr3t@h/d", "must be percent-encoded"},
		"invalidParameter":  {"postgres://u:s3cr3t@h/d?sslmode=%zz", "not percent-encoded"},
		"noSuchMode":        {"postgres://u:s3cr3t@h/d?sslmode=maybe", "sslmode is invalid"},
		"passwordAsMode":    {"postgres://u:s3cr3t@h/d?sslmode=s3cr3t", "not one of PostgreSQL's"},
		"noCertificate":     {"postgres://u:s3cr3t@h/d?sslmode=verify-full&sslrootcert=/none", "/none"},
		"invalidPort":       {"postgres://u:s3cr3t@h:99999/d", "invalid port"},
		"invalidPool":       {"postgres://u:s3cr3t@h/d?pool_max_conns=s3cr3t", "not one of PostgreSQL's"},
		"smallPool":         {"postgres://u:s3cr3t@h/d?pool_max_conns=1", "pool_max_conns=1 is too small: want 2 or more"},
		"minOverMax":        {"postgres://u:s3cr3t@h/d?pool_max_conns=4&pool_min_conns=5", "pool_min_conns=5 is more than pool_max_conns=4"},
		"simpleProtocol":    {"postgres://u:s3cr3t@h/d?default_query_exec_mode=simple_protocol", "simple_protocol puts values into the text"},
		"noServer":          {"postgres://u:s3cr3t@127.0.0.1:1/d?sslmode=disable", "opening store d on 127.0.0.1: "},
		"noServers":         {"postgres://u:s3cr3t@127.0.0.1:1,127.0.0.1:2/d?sslmode=disable", "127.0.0.1:2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := Open(t.Context(), Config{URL: tt.url})
			if s != nil || err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("got %v, %v, want one line with %q", s, err, tt.want)
			}
			for _, secret := range []string{"s3", "cr3t"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("got %q, which holds a part of the password", err)
				}
			}
		})
	}
}

// TestSettingsAreInEffect asks the server, over each kind of connection.
func TestSettingsAreInEffect(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.Copy(t, "empty", prepare)
	for name, tt := range map[string]struct {
		parameters string
		want       map[string]string // of every connection, except lock_timeout
		lock       string
		conns      int32
	}{
		"defaults": {"", map[string]string{
			"statement_timeout": "5s", "idle_in_transaction_session_timeout": "5s", "default_transaction_isolation": "read committed", "application_name": "pfxrd",
		}, "1s", 12},
		"theAddressWins": {"&statement_timeout=3s&lock_timeout=2s&application_name=a%2Bb&work_mem=5MB&pool_max_conns=4&pool_max_conn_lifetime=1m", map[string]string{
			"statement_timeout": "3s", "application_name": "a+b", "work_mem": "5MB",
		}, "2s", 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := mustOpen(t, Config{URL: dsn + tt.parameters}, true)
			for setting, want := range tt.want {
				if got, group := show(t, s.pool, setting), show(t, s.writers, setting); got != want || group != want {
					t.Errorf("%s: got %q, and %q for groups, want %q", setting, got, group, want)
				}
			}
			if got, group := show(t, s.pool, "lock_timeout"), show(t, s.writers, "lock_timeout"); got != tt.lock || group != "100ms" {
				t.Errorf("lock_timeout: got %q, and %q for groups, want %q and 100ms", got, group, tt.lock)
			}
			if n := s.pool.Config().MaxConns + s.writers.Config().MaxConns; n != tt.conns {
				t.Errorf("got %d connections, want %d", n, tt.conns)
			}
		})
	}
	t.Run("limitsOfThePool", func(t *testing.T) {
		t.Parallel()
		settings, err := Config{URL: "postgres://h/d"}.settings()
		check(t, err)
		c := settings.pool
		if c.ConnConfig.ConnectTimeout != 5*time.Second || c.MaxConnLifetime != 30*time.Minute || c.MaxConnLifetimeJitter != 5*time.Minute ||
			c.MaxConnIdleTime != 5*time.Minute || c.HealthCheckPeriod != 15*time.Second || c.PingTimeout != time.Second || c.MinConns != 2 {
			t.Errorf("got %+v, want the defaults", c)
		}
	})
	for name, tt := range map[string]struct {
		url       string
		readWrite bool
		connect   time.Duration
		want      string
	}{
		"oneHost":       {"postgres://h/d", true, 5 * time.Second, "d on h"},
		"severalHosts":  {"postgres://a,b:2/d", true, 2 * time.Second, "d on a, b"},
		"hostParameter": {"postgres:///d?host=/a,/b", true, 2 * time.Second, "d on /a, /b"},
		"addressWins":   {"postgres://a,b/d?target_session_attrs=any&connect_timeout=7", false, 7 * time.Second, "d on a, b"},
	} {
		t.Run("hosts/"+name, func(t *testing.T) {
			t.Parallel()
			settings, err := Config{URL: tt.url}.settings()
			check(t, err)
			for kind, c := range map[string]*pgx.ConnConfig{"pool": settings.pool.ConnConfig, "writers": settings.writers.ConnConfig, "migrate": settings.migrate} {
				if got := c.ValidateConnect != nil; got != tt.readWrite || c.ConnectTimeout != tt.connect {
					t.Errorf("%s: looks for a primary: %t, connects for %s; want %t, %s", kind, got, c.ConnectTimeout, tt.readWrite, tt.connect)
				}
			}
			if got := settings.name(); got != tt.want {
				t.Errorf("got name %q, want %q", got, tt.want)
			}
		})
	}
}

func show(t *testing.T, q querier, setting string) string {
	t.Helper()
	rows, err := q.Query(t.Context(), "SELECT current_setting($1)", setting)
	check(t, err)
	got, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[string])
	check(t, err)
	return got
}

func TestOpenWarnsOfSettingsThatLoseChanges(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.Copy(t, "empty", prepare)
	var log bytes.Buffer
	s := mustOpen(t, Config{URL: dsn + "&synchronous_commit=off", Log: slog.New(slog.NewTextHandler(&log, nil))}, true)
	if !strings.Contains(log.String(), "synchronous_commit=off: a crash of it loses changes") {
		t.Errorf("got log %s, want a warning of synchronous_commit", &log)
	}
	if off := show(t, s.pool, "fsync") == "off"; off != strings.Contains(log.String(), "fsync=off: a loss of power loses changes") {
		t.Errorf("with fsync off, %t: got log %s", off, &log)
	}
	log.Reset()
	mustOpen(t, Config{URL: dsn, Log: slog.New(slog.NewTextHandler(&log, nil))}, true)
	if strings.Contains(log.String(), "synchronous_commit") {
		t.Errorf("got log %s, want no warning of synchronous_commit", &log)
	}
}
