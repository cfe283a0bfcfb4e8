package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// pooledMode is how to run statements where a pooler may give each of them to another backend: no statement needs the state
// of another. Each is parsed and planned again.
const pooledMode = pgx.QueryExecModeCacheDescribe

// limits are the settings without which a waiting statement or an abandoned transaction keeps its locks forever.
var limits = []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"}

// adapt detects a pooler before the database: the process ID of the connection is not that of the backend. Then statements
// run in pooledMode, unless the address says how, and missing limits are logged.
func (s *settings) adapt(ctx context.Context, db *sql.DB) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // it has changed nothing
	return conn.Raw(func(driver any) error { return s.adaptTo(ctx, driver.(*stdlib.Conn).Conn()) })
}

func (s *settings) adaptTo(ctx context.Context, conn *pgx.Conn) error {
	var backend uint32
	if err := conn.QueryRow(ctx, "SELECT pg_backend_pid()", pooledMode).Scan(&backend); err != nil {
		return fmt.Errorf("looking for a pooler: %w", err)
	}
	if backend == conn.PgConn().PID() {
		return nil
	}
	if !s.chosen {
		s.pool.ConnConfig.DefaultQueryExecMode = pooledMode
		s.writers.ConnConfig.DefaultQueryExecMode = pooledMode
	}
	s.log.Info("a pooler stands before the database", "statements", s.pool.ConnConfig.DefaultQueryExecMode.String())
	const query = "SELECT name FROM pg_settings WHERE name = ANY($1) AND setting = '0' AND source = 'default' ORDER BY name"
	rows, err := conn.Query(ctx, query, pooledMode, limits)
	if err != nil {
		return fmt.Errorf("reading the server's settings: %w", err)
	}
	missing, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("reading the server's settings: %w", err)
	}
	for _, name := range missing {
		s.log.Warn("the pooler does not pass " + name + " on: set it with ALTER ROLE … SET, or what is stuck stays so")
	}
	return nil
}

// explain adds advice for the operator to an error of the first connection: about a pooler that refuses connection
// parameters, or a standby.
func explain(err error) error {
	if errors.Is(err, pgconn.ErrReadOnlyConnection) {
		return fmt.Errorf("the database is read-only: is it a standby? Name every host in the address, HOST,HOST: %w", err)
	}
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || !strings.HasPrefix(e.Message, "unsupported startup parameter") {
		return err
	}
	return fmt.Errorf("the pooler takes no limits: give PgBouncer ignore_startup_parameters = %s, default_transaction_isolation and set them with ALTER ROLE … SET: %w",
		strings.Join(limits, ", "), err)
}
