package postgres

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pfxrecryption/pfxrecryption/server/internal/store/audit"
)

// Config says which database to open. Only URL is required.
type Config struct {
	// URL is the address, postgres://USER@HOST:PORT/DATABASE?…, with any parameter of libpq (sslmode, sslrootcert, …), any
	// setting of the server, and those of the pool (pool_max_conns, …). Of several hosts (HOST:PORT,HOST:PORT), the one
	// that accepts changes is used. Parameters in it override the defaults of this package. The password may be in it, in
	// PGPASSWORD or in a password file. Required.
	URL string
	// Index names more members on which Open creates an index: those on which a $filter would otherwise read all requests
	// of the tenant. Each makes updates slower. To remove an index, the operator drops it.
	Index []string
	// Audit says what to record of each change in the audit trail, which is in the same database.
	Audit audit.Mode
	// Log receives what an operator must know and callers are not told. Nil discards it.
	Log *slog.Logger
}

// defaults are the limits of every connection and of the pool. The parameter of the same name in [Config].URL changes them.
var defaults = []struct{ name, value string }{
	// Seconds to wait for a server that does not respond, for each of its addresses.
	{"connect_timeout", "5"},
	// Of several hosts, use the one that accepts changes. A standby would refuse them, and reads from it may be stale.
	{"target_session_attrs", "read-write"},

	// The server ends a statement after this long.
	{"statement_timeout", "5s"},
	// The server ends a statement that waits this long for a row that another transaction holds.
	{"lock_timeout", "1s"},
	// The server ends idle transactions after this long and releases their locks. No statement here leaves one open.
	{"idle_in_transaction_session_timeout", "5s"},
	// Updates need only a compare-and-swap in one statement; a higher level would only make it fail more often.
	{"default_transaction_isolation", "read committed"},
	{"application_name", "pfxrd"},

	// Connections, including those for groups of updates. PostgreSQL forks a process for each, and allows 100 in all.
	{"pool_max_conns", "12"},
	{"pool_min_conns", "2"},
	// A connection is replaced after 30 to 35 min, so new servers behind one name get their share. The random five minutes
	// keep the connections of many servers from arriving at once.
	{"pool_max_conn_lifetime", "30m"},
	{"pool_max_conn_lifetime_jitter", "5m"},
	{"pool_max_conn_idle_time", "5m"},
	{"pool_health_check_period", "15s"},
	{"pool_ping_timeout", "1s"},
}

// waits are the longest waits of a call.
type waits struct {
	// connection bounds the wait for a connection; then the caller is told to retry later.
	connection time.Duration
	// answer bounds the wait for the response to a statement. It is longer than the server works on a statement, so only a
	// lost server exceeds it.
	answer time.Duration
	// call bounds how long a call may wait before it sends its last statement: for a connection, for its turn, or because
	// other writers are always faster.
	call time.Duration
}

// usualWaits give each call its outcome within call, a ping and answer, 13 s, even if the network drops everything. pfxrd
// serve has 15 s to write a response.
var usualWaits = waits{connection: 2 * time.Second, answer: 7 * time.Second, call: 5 * time.Second}

const (
	// multiHostConnectTimeout is connect_timeout for an address with several hosts: after a failover each new connection
	// waits that long for the lost host before it tries the next one.
	multiHostConnectTimeout = "2"
	// groupLockTimeout is how long the updates of a group wait for a row that another transaction holds. After that each is
	// tried alone, and only the updates of that row wait for as long as lock_timeout says.
	groupLockTimeout = 100 * time.Millisecond
	// migrateTimeout bounds one statement of a migration; a start may wait as long for another server's migration.
	migrateTimeout = 10 * time.Minute
	// migrateLockTimeout bounds the wait of a step for a table, behind which every other statement would wait.
	migrateLockTimeout = 10 * time.Second
	// writers is how many groups of updates run at the same time, each on its own connection. With two, 64 callers got
	// 13,100 updates a second instead of 15,400: the groups are smaller, and now and then change the same row.
	writers = 1
)

// settings are the parsed Config.
type settings struct {
	pool    *pgxpool.Config // for everything except groups of updates
	writers *pgxpool.Config // for groups of updates
	migrate *pgx.ConnConfig
	index   []string // members
	audit   audit.Mode
	chosen  bool // whether the address says how to run statements
	log     *slog.Logger
	waits   waits
}

func (c Config) settings() (*settings, error) {
	address, given, err := withDefaults(c.URL)
	if err != nil {
		return nil, err
	}
	if err := CheckIndexes(c.Index); err != nil {
		return nil, err
	}
	_, chosen := given["default_query_exec_mode"]
	pool, err := pgxpool.ParseConfig(address.String())
	if err != nil {
		return nil, parseError(address, err)
	}
	switch {
	case pool.ConnConfig.DefaultQueryExecMode == pgx.QueryExecModeSimpleProtocol:
		return nil, errors.New("default_query_exec_mode=simple_protocol puts values into the text of statements: leave it out, or use cache_describe")
	case pool.MaxConns < writers+1:
		return nil, fmt.Errorf("pool_max_conns=%d is too small: want %d or more", pool.MaxConns, writers+1)
	case pool.MinConns > pool.MaxConns:
		return nil, fmt.Errorf("pool_min_conns=%d is more than pool_max_conns=%d", pool.MinConns, pool.MaxConns)
	}
	group := pool.Copy()
	group.MaxConns, group.MinConns, group.MinIdleConns = writers, 1, 0
	group.ConnConfig.RuntimeParams["lock_timeout"] = fmt.Sprint(groupLockTimeout.Milliseconds())
	pool.MaxConns -= writers
	pool.MinConns = min(pool.MinConns, pool.MaxConns)

	migrate := pool.ConnConfig.Copy()
	migrate.RuntimeParams["statement_timeout"] = fmt.Sprint(migrateTimeout.Milliseconds())
	migrate.RuntimeParams["lock_timeout"] = fmt.Sprint(migrateLockTimeout.Milliseconds())
	migrate.RuntimeParams["idle_in_transaction_session_timeout"] = "0"
	if !chosen {
		migrate.DefaultQueryExecMode = pooledMode
	}
	return &settings{pool, group, migrate, c.Index, c.Audit, chosen, cmp.Or(c.Log, slog.New(slog.DiscardHandler)), usualWaits}, nil
}

// withDefaults appends the defaults that the address does not name, and returns the parameters that it names. Errors do not
// repeat the text of net/url, which would quote parts of the password.
func withDefaults(address string) (*url.URL, map[string]string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, nil, errors.New("the address is not a URL: a password with other characters than letters and digits must be percent-encoded")
	}
	if u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return nil, nil, errors.New("the address must begin with postgres://")
	}
	given, err := parameters(u.RawQuery)
	if err != nil {
		return nil, nil, errors.New("the parameters of the address are not percent-encoded")
	}
	query := u.RawQuery
	for _, d := range defaults {
		if _, ok := given[d.name]; ok {
			continue
		}
		if d.name == "connect_timeout" && isList(u.Host, given["host"], given["hostaddr"]) {
			d.value = multiHostConnectTimeout
		}
		query += "&" + d.name + "=" + url.PathEscape(d.value)
	}
	u.RawQuery = strings.TrimPrefix(query, "&")
	return u, given, nil
}

// isList reports whether one of the texts names several hosts.
func isList(hosts ...string) bool {
	return slices.ContainsFunc(hosts, func(h string) bool { return strings.Contains(h, ",") })
}

// parameters parses a query as libpq does: a plus is a plus, not a space.
func parameters(query string) (map[string]string, error) {
	given := map[string]string{}
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		name, err1 := url.PathUnescape(name)
		value, err2 := url.PathUnescape(value)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		given[name] = value
	}
	return given, nil
}

// parseError says what is wrong with an address, unless that would reveal a part of its secrets.
func parseError(address *url.URL, err error) error {
	text := err.Error() // quotes the address, without what pgx takes for the password
	i := strings.LastIndex(text, "`: ")
	if i < 0 {
		return errors.New("the address is not one of PostgreSQL's")
	}
	reason := text[i+len("`: "):]
	given, _ := parameters(address.RawQuery) // parsed before
	secrets := []string{given["password"], given["sslpassword"]}
	if password, ok := address.User.Password(); ok {
		secrets = append(secrets, password)
	}
	for _, secret := range secrets {
		if secret != "" && strings.Contains(reason, secret) {
			return errors.New("the address is not one of PostgreSQL's")
		}
	}
	return fmt.Errorf("the address is not one of PostgreSQL's: %s", reason)
}

// name names the database for logs and errors.
func (s *settings) name() string {
	var names []string
	for _, h := range hostsOf(s.pool.ConnConfig) {
		names = append(names, h[0].Host)
	}
	return fmt.Sprintf("%s on %s", s.pool.ConnConfig.Database, strings.Join(names, ", "))
}
