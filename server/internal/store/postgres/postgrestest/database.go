package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Env is the variable with the address of a PostgreSQL to test on. Its user must be allowed to create databases.
const Env = "PFXR_TEST_POSTGRES"

// ErrNone says that no PostgreSQL is installed.
var ErrNone = errors.New("no PostgreSQL is installed: initdb and postgres are neither in PATH nor under /usr/lib/postgresql")

// server is where databases are created, with one connection for all tests of the process: connecting takes longer than
// most tests.
type server struct {
	private *Cluster // kept so that it does not end; nil for the server of the variable
	dsn     string

	mu        sync.Mutex
	conn      *pgx.Conn
	made      int
	templates map[string]*template
}

// template is a database that is copied for tests.
type template struct {
	sync.Once
	name string
	err  error
}

// shared is the server of this process. A private one runs without durability.
var shared = sync.OnceValues(func() (*server, error) {
	ctx := context.Background()
	s := &server{dsn: os.Getenv(Env)}
	if s.dsn == "" {
		c, err := Start(ctx, "fsync=off")
		if err != nil {
			return nil, err
		}
		s.private, s.dsn = c, c.DSN("postgres")
	}
	conn, err := pgx.Connect(ctx, s.dsn)
	s.conn = conn
	return s, err
})

// Database creates an empty database for the test and returns its address, to which parameters can be appended with &. If
// PostgreSQL is not installed, it skips the test, or fails it if the variable CI is set.
func Database(t testing.TB) string {
	t.Helper()
	return Copy(t, "", nil)
}

// Copy creates a database for the test as Database does, as a copy of one that prepare has filled. The first call with a
// name runs prepare. prepare must leave no connection open.
func Copy(t testing.TB, name string, prepare func(dsn string) error) string {
	t.Helper()
	s, err := shared()
	skipWithout(t, err)
	of := ""
	if prepare != nil {
		if of, err = s.template(name, prepare); err != nil {
			t.Fatal(err)
		}
	}
	dsn, err := s.create(of, t.Cleanup)
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

// template returns the prepared database with the caller's name. It lasts as long as the process; on the server of the
// variable it stays, without data.
func (s *server) template(name string, prepare func(dsn string) error) (string, error) {
	s.mu.Lock()
	if s.templates == nil {
		s.templates = map[string]*template{}
	}
	t := s.templates[name]
	if t == nil {
		t = &template{}
		s.templates[name] = t
	}
	s.mu.Unlock()
	t.Do(func() {
		var dsn string
		if dsn, t.err = s.create("", func(func()) {}); t.err != nil {
			return
		}
		u, err := url.Parse(dsn)
		t.name = strings.TrimPrefix(u.Path, "/")
		t.err = errors.Join(err, prepare(dsn))
	})
	return t.name, t.err
}

// create creates a database, empty or as a copy of the named one.
func (s *server) create(of string, cleanup func(func())) (string, error) {
	u, err := url.Parse(s.dsn)
	if err != nil {
		return "", errors.New(Env + " is not a URL")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made++
	name := fmt.Sprintf("pfxr_test_%d_%d", os.Getpid(), s.made)
	u.Path = "/" + name
	if u.RawQuery == "" {
		u.RawQuery = "sslmode=prefer" // the default
	}
	if _, err := s.conn.Exec(context.Background(), "CREATE DATABASE "+name+copyOf(of)+s.strategy()); err != nil {
		return "", err
	}
	if s.private == nil { // a private cluster is removed as a whole
		cleanup(func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			_, _ = s.conn.Exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)") // people can remove what is left
		})
	}
	return u.String(), nil
}

func copyOf(template string) string {
	if template == "" {
		return ""
	}
	return " TEMPLATE " + template
}

// strategy copies the template's files if durability is not needed: logging each page takes twice as long.
func (s *server) strategy() string {
	major, _, _ := strings.Cut(s.conn.PgConn().ParameterStatus("server_version"), ".")
	if release, err := strconv.Atoi(major); s.private == nil || err != nil || release < 15 {
		return ""
	}
	return " STRATEGY file_copy"
}

// Private starts a cluster for one test, which may kill it.
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
