//go:build long

package postgres

import (
	"context"
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/pfxrecryption/pfxrecryption/server/internal/store/postgres/postgrestest"
)

// TestHosts starts with an address whose last host alone accepts changes.
func TestHosts(t *testing.T) {
	t.Parallel()
	primary := postgrestest.Database(t)
	standby := postgrestest.Private(t, "fsync=off", "default_transaction_read_only=on")
	name, dirs := hostOf(t, primary)
	_, other := hostOf(t, standby.DSN("postgres"))
	both := "postgres:///" + name + "?host=/nowhere," + other + "," + dirs + "&user=postgres&sslmode=disable"
	open := func(t *testing.T) {
		s := mustOpen(t, Config{URL: both}, true)
		mustInsert(t, s, t.Name())
	}
	t.Run("databaseDoesNotExistYet", open)
	conn, err := pgx.Connect(t.Context(), standby.DSN("postgres")+"&default_transaction_read_only=off")
	check(t, err)
	defer conn.Close(context.WithoutCancel(t.Context()))
	_, err = conn.Exec(t.Context(), "CREATE DATABASE "+name)
	check(t, err)
	t.Run("standbyIsReadOnly", open)
}

// hostOf returns the database and the socket's folder of an address.
func hostOf(t *testing.T, dsn string) (database, dir string) {
	t.Helper()
	u, err := url.Parse(dsn)
	check(t, err)
	return u.Path[1:], u.Query().Get("host")
}
