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
	// URL is the address, postgres://USER@HOST:PORT/DATABASE?…, with any parameter that libpq knows (sslmode, sslrootcert,
	// …), any setting of the server, and those of the pool (pool_max_conns, …). Of several hosts (HOST:PORT,HOST:PORT) the
	// one that takes changes is used. What it says wins over the defaults of this package. The password may be in it, in PGPASSWORD or in a password
	// file. Required.
	URL string
	// Index names the members, besides those that always have one, on which Open makes an index: those of which a $filter
	// would otherwise read all requests of the tenant. Each makes updates slower. An index that is not wanted any more is
	// the operator's to drop.
	Index []string
	// Audit says what is recorded of each change in the trail of the same database.
	Audit audit.Mode
	// Log gets what an operator must know and no caller is told. Nil means nowhere.
	Log *slog.Logger
}

// defaults are the limits of every connection and of the pool, by the parameter of [Config].URL that changes them.
var defaults = []struct{ name, value string }{
	// Seconds until a server that does not answer is given up, for each address of it.
	{"connect_timeout", "5"},
	// Of several hosts, use the one that takes changes. A standby would refuse them, and its reads may be stale.
	{"target_session_attrs", "read-write"},

	// The server ends a statement after this, ...
	{"statement_timeout", "5s"},
	// ... one that waits for a row which another transaction holds after this, ...
	{"lock_timeout", "1s"},
	// ... and a transaction that nobody goes on with, and with it its locks, after this. No statement here leaves one open.
	{"idle_in_transaction_session_timeout", "5s"},
	// A compare-and-swap of one statement is all that updates rely on; more would only make it fail more often.
	{"default_transaction_isolation", "read committed"},
	{"application_name", "pfxrd"},

	// Connections, those of the groups' writers included. PostgreSQL forks a process for each, and allows 100 in all.
	{"pool_max_conns", "12"},
	{"pool_min_conns", "2"},
	// A connection is replaced after 30 to 35 min, so that servers behind one name get their share again; the five minutes
	// keep the connections of many servers from coming at once.
	{"pool_max_conn_lifetime", "30m"},
	{"pool_max_conn_lifetime_jitter", "5m"},
	{"pool_max_conn_idle_time", "5m"},
	{"pool_health_check_period", "15s"},
	{"pool_ping_timeout", "1s"},
}

// waits are how long a call waits, and for what.
type waits struct {
	// connection is how long a caller waits at most for a connection; then it is told to come again.
	connection time.Duration
	// answer is how long the answer of a statement is waited for: longer than the server works on it, so that only a server
	// that is lost exceeds it.
	answer time.Duration
	// call is how long a call may wait, for a connection, for its turn, or because others are always faster, before it sends
	// its last statement.
	call time.Duration
}

// usualWaits give each call its outcome within call, a ping and answer, 13 s, even if the network swallows all that is sent:
// soon enough for the answer to be written, for which pfxrd serve has 15 s.
var usualWaits = waits{connection: 2 * time.Second, answer: 7 * time.Second, call: 5 * time.Second}

const (
	// multiHostConnectTimeout is connect_timeout for an address with several hosts: after a failover each new connection
	// waits that long for the host that is lost before it tries the next one.
	multiHostConnectTimeout = "2"
	// groupLockTimeout is how long the updates of a group wait for a row that another transaction holds. After that they
	// go on alone, and only those of that row wait for as long as lock_timeout says.
	groupLockTimeout = 100 * time.Millisecond
	// migrateTimeout bounds one statement of a migration; a start may wait as long for another server's migration.
	migrateTimeout = 10 * time.Minute
	// migrateLockTimeout bounds how long a step waits for a table, behind which every other statement would wait.
	migrateLockTimeout = 10 * time.Second
	// writers is how many groups of updates are under way at the same time, each on a connection of its own. With two, 64
	// callers got 13,100 updates a second instead of 15,400: the groups are smaller, and now and then mean the same row.
	writers = 1
)

// settings are what a Config means.
type settings struct {
	pool    *pgxpool.Config // for everything but groups of updates
	writers *pgxpool.Config // for these
	migrate *pgx.ConnConfig
	index   []string // members
	audit   audit.Mode
	chosen  bool // whether the address says how statements are run
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

// withDefaults appends the defaults that the address does not name, and returns what it names. What is wrong with an
// address is not repeated from net/url, which would quote parts of the password.
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

// parameters reads a query as libpq does, for which a plus is a plus.
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

// parseError says what is wrong with an address, if that can be said without a part of its secrets.
func parseError(address *url.URL, err error) error {
	text := err.Error() // quotes the address, without what it takes for the password
	i := strings.LastIndex(text, "`: ")
	if i < 0 {
		return errors.New("the address is not one of PostgreSQL's")
	}
	reason := text[i+len("`: "):]
	given, _ := parameters(address.RawQuery) // read before
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

// name says which database it is, for logs and errors.
func (s *settings) name() string {
	var names []string
	for _, h := range hostsOf(s.pool.ConnConfig) {
		names = append(names, h[0].Host)
	}
	return fmt.Sprintf("%s on %s", s.pool.ConnConfig.Database, strings.Join(names, ", "))
}
