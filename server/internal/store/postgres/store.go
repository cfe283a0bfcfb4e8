package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/audit"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/queue"
)

const (
	// maxTries bounds how often a statement is sent that did not reach the server, or that the server did not apply and
	// allows to be retried.
	maxTries = 8
)

// Store is a [pfx.Store] in a PostgreSQL database. It is safe for concurrent use. Close releases it.
type Store struct {
	log     *slog.Logger
	waits   waits
	ping    time.Duration // how long to wait for the response to a ping
	pool    *pgxpool.Pool
	writers *pgxpool.Pool // for groups of updates
	share   bool          // whether waiting updates go together
	sql     *statements
	audit   audit.Mode
	chains  chains
	queue   *queue.Queue[update]
	lost    atomic.Int64 // when a connection was last found lost, in ns of Unix time
}

var _ pfx.Store = (*Store)(nil)

// shareCommits says whether updates that wait at the same time go together. BenchmarkUpdate measures both.
const shareCommits = true

// Open connects and migrates the schema. Its error is one sentence for the operator that names the database and the cause,
// without the password. ctx bounds Open alone, not the store.
func Open(ctx context.Context, c Config) (*Store, error) {
	return open(ctx, c, shareCommits)
}

func open(ctx context.Context, c Config, share bool) (*Store, error) {
	settings, err := c.settings()
	if err != nil {
		return nil, fmt.Errorf("opening store: %w", err)
	}
	return openWith(ctx, settings, share)
}

func openWith(ctx context.Context, settings *settings, share bool) (*Store, error) {
	s := &Store{
		log: settings.log, share: share, sql: usualStatements, audit: settings.audit, chains: newChains(), waits: settings.waits, ping: cmp.Or(settings.pool.PingTimeout, settings.waits.connection),
		queue: queue.New[update](),
	}
	if err := s.open(ctx, settings); err != nil {
		s.closePools()
		return nil, fmt.Errorf("opening store %s: %w", settings.name(), oneLine{err})
	}
	s.queue.Start(writers, s.write)
	return s, nil
}

func (s *Store) open(ctx context.Context, settings *settings) error {
	if err := settings.findHost(ctx); err != nil {
		return explain(err)
	}
	// The checks share a connection, because connecting takes longer than they do.
	db := stdlib.OpenDB(*settings.migrate)
	defer func() { _ = db.Close() }() // each step has its own outcome
	from, to, err := migrate(ctx, db)
	if err != nil {
		return explain(err)
	}
	if from != to {
		s.log.Info("the database has a new schema", "from", from, "to", to)
	}
	if err := ensureIndexes(ctx, db, settings.index); err != nil {
		return err
	}
	if err := settings.adapt(ctx, db); err != nil {
		return err
	}
	if s.pool, err = s.newPool(ctx, settings.pool); err != nil {
		return err
	}
	if s.writers, err = s.newPool(ctx, settings.writers); err != nil {
		return err
	}
	if err := s.probe(ctx); err != nil {
		return err
	}
	return s.warn(ctx)
}

// oneLine removes the line breaks that pgx puts between the addresses that it has tried.
type oneLine struct{ error }

func (e oneLine) Error() string { return strings.Join(strings.Fields(e.error.Error()), " ") }

func (e oneLine) Unwrap() error { return e.error }

// Observe has the writers call fn for each group of updates from now on, possibly at the same time.
func (s *Store) Observe(fn func(pfx.Batch)) { s.queue.Observe(fn) }

// Connections returns how many connections to the database are open, how many of them are in use, and the maximum.
func (s *Store) Connections() (open, used, most int) {
	for _, pool := range []*pgxpool.Pool{s.pool, s.writers} {
		stat := pool.Stat()
		open, used, most = open+int(stat.TotalConns()), used+int(stat.AcquiredConns()), most+int(stat.MaxConns())
	}
	return open, used, most
}

// warn logs settings of the server that break the promise that an acknowledged change survives a crash.
func (s *Store) warn(ctx context.Context) error {
	var commit, fsync *string // CockroachDB has no fsync
	const query = "SELECT current_setting('synchronous_commit', true), current_setting('fsync', true)"
	if err := s.pool.QueryRow(ctx, query).Scan(&commit, &fsync); err != nil {
		return fmt.Errorf("reading the server's settings: %w", err)
	}
	if commit != nil && *commit == "off" {
		s.log.Warn("the database has synchronous_commit=off: a crash of it loses changes that were answered in the last fractions of a second")
	}
	if fsync != nil && *fsync == "off" {
		s.log.Warn("the database has fsync=off: a loss of power loses changes that were answered, and may leave the database unreadable")
	}
	return nil
}

// Get returns the request, as [pfx.Store] says.
func (s *Store) Get(ctx context.Context, tenant edm.Guid, id string) (*pfx.Request, error) {
	var r *pfx.Request
	err := s.read(ctx, func(ctx context.Context, c *pgxpool.Conn) error {
		ctx, cancel := s.patient(ctx)
		defer cancel()
		got, err := load(ctx, c, key{tenant, id})
		r = got
		return err
	})
	return r, err
}

// Update applies fn to the request, as [pfx.Store] says. If ctx ends before the update has begun, Update returns at once
// and fn does not run. It waits for the outcome of everything it has sent. fn must be quick and must not use the store.
func (s *Store) Update(ctx context.Context, tenant edm.Guid, id string, fn func(r *pfx.Request) error) (*pfx.Request, error) {
	k := key{tenant, id}
	share := s.share
	return retry(ctx, s, func(ctx context.Context) (*pfx.Request, error) {
		if share {
			r, err := s.queue.Do(ctx, update{k, pfx.AuthorOf(ctx), fn})
			if !errors.Is(err, errAlone) {
				return r, err
			}
			share = false
		}
		return s.updateAlone(ctx, k, fn)
	})
}

// updateAlone tries once to update a request by its own statement.
func (s *Store) updateAlone(ctx context.Context, k key, fn func(r *pfx.Request) error) (*pfx.Request, error) {
	r, err := s.Get(ctx, k.tenant, k.id)
	if err != nil {
		return nil, err
	}
	before := *r
	if err := store.Guard(func() error { return r.Change(fn) }); err != nil {
		return nil, err
	}
	if r.Version == before.Version {
		return r, nil
	}
	r.Normalize()
	n, err := s.changeOne(ctx, "updating a request", &s.sql.update, change{pfx.AuthorOf(ctx), &before, r}, updateArguments(r, before.Version)...)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, errMoved
	}
	return r, nil
}

// Insert stores r, as [pfx.Store] says. A nullable member that is absent becomes null.
func (s *Store) Insert(ctx context.Context, r pfx.Request) (*pfx.Request, error) {
	r.Normalize()
	return retry(ctx, s, func(ctx context.Context) (*pfx.Request, error) {
		r := r
		r.Version = pfx.NewVersion()
		n, err := s.changeOne(ctx, "inserting a request", &s.sql.insert, change{author: pfx.AuthorOf(ctx), after: &r}, arguments(&r)...)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return nil, store.ExistsError()
		}
		return &r, nil
	})
}

// Delete removes the request, as [pfx.Store] says. It waits as Update does.
func (s *Store) Delete(ctx context.Context, tenant edm.Guid, id string, check func(r *pfx.Request) error) error {
	_, err := retry(ctx, s, func(ctx context.Context) (*pfx.Request, error) {
		r, err := s.Get(ctx, tenant, id)
		if err != nil {
			return nil, err
		}
		before := *r
		if err := store.Guard(func() error { return check(r) }); err != nil {
			return nil, err
		}
		n, err := s.changeOne(ctx, "deleting a request", &s.sql.delete, change{author: pfx.AuthorOf(ctx), before: &before},
			[16]byte(tenant), id, int64(before.Version))
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return nil, errMoved
		}
		return nil, nil
	})
	return err
}

// Ready reads from the table and checks that the server accepts changes, which a standby does not.
func (s *Store) Ready(ctx context.Context) error { return s.probe(ctx) }

func (s *Store) probe(ctx context.Context) error {
	return s.read(ctx, func(ctx context.Context, c *pgxpool.Conn) error {
		var readOnly string
		const query = "SELECT current_setting('transaction_read_only'), EXISTS (SELECT 1 FROM request)"
		var some bool
		if err := c.QueryRow(ctx, query).Scan(&readOnly, &some); err != nil {
			return fmt.Errorf("reading the table: %w", err)
		}
		if readOnly == "on" {
			return store.Unavailable("The store takes no changes.", errors.New("the database is read-only: is it a standby?"))
		}
		return nil
	})
}

// retry runs attempt until it has an outcome. It retries without limit, until ctx ends, while other writers are faster. It
// retries a few times if the server has applied nothing for a temporary reason. It never retries what may have been
// applied.
func retry(ctx context.Context, s *Store, attempt func(context.Context) (*pfx.Request, error)) (*pfx.Request, error) {
	ctx, cancel := context.WithTimeout(ctx, s.waits.call)
	defer cancel()
	for tries, moved := 1, 0; ; {
		if err := s.queue.Check(ctx); err != nil {
			return nil, err
		}
		r, err := attempt(ctx)
		fate := fateOf(err)
		switch {
		case errors.Is(err, errMoved):
			moved++
			if !pause(ctx, moved-3) { // the faster writer has finished: no need to wait the first times
				return nil, store.GivenUpError(ctx)
			}
		case !isStatement(err):
			return r, err
		case (fate == transient || fate == unsent) && tries < maxTries && pause(ctx, tries):
			tries++
		default:
			return nil, writeError(err)
		}
	}
}

// pause waits a random time that doubles with each try, up to 50 ms, and returns false if ctx has ended.
func pause(ctx context.Context, try int) bool {
	if try <= 0 {
		return ctx.Err() == nil
	}
	wait := time.NewTimer(rand.N(min(time.Millisecond<<min(try, 10), 50*time.Millisecond)))
	defer wait.Stop()
	select {
	case <-wait.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// statementError is the error of a statement that changes something.
type statementError struct{ error }

func (e *statementError) Unwrap() error { return e.error }

func isStatement(err error) bool {
	_, ok := errors.AsType[*statementError](err)
	return ok
}

// patient returns a context for the response of the server, which ends after the longest time that the server may take, and
// not with ctx. To give up a statement earlier would cost its connection.
func (s *Store) patient(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), s.waits.answer)
}

// change runs fn, which sends one statement that changes something and is its own transaction. It returns the number of
// changed rows. Once the statement is sent, change waits for its outcome even if ctx ends.
func (s *Store) change(ctx context.Context, fn func(context.Context, querier) (int64, error)) (int64, error) {
	c, err := s.acquire(ctx, s.pool)
	if err != nil {
		return 0, err
	}
	defer s.release(c)
	ctx, cancel := s.patient(ctx)
	defer cancel()
	n, err := fn(ctx, c)
	if err != nil {
		s.note(c, err)
		return 0, &statementError{err}
	}
	return n, nil
}

// read runs fn, which changes nothing, with a connection, and again with another one if that is lost.
func (s *Store) read(ctx context.Context, fn func(context.Context, *pgxpool.Conn) error) error {
	beginning, cancel := context.WithTimeout(ctx, s.waits.call)
	defer cancel()
	for tries := 1; ; tries++ {
		err := s.readOnce(ctx, beginning, fn)
		switch {
		case err == nil || isPfx(err):
			return err
		case ctx.Err() != nil:
			return store.GivenUpError(ctx)
		case fateOf(err) == refused || tries == maxTries || !pause(beginning, tries-1):
			return readError(err)
		}
	}
}

// readOnce runs fn once. beginning bounds the wait for a connection.
func (s *Store) readOnce(ctx, beginning context.Context, fn func(context.Context, *pgxpool.Conn) error) error {
	c, err := s.acquire(beginning, s.pool)
	if err != nil {
		return err
	}
	defer s.release(c)
	answering, cancel := context.WithTimeout(ctx, s.waits.answer)
	defer cancel()
	if err = fn(answering, c); err != nil && !isPfx(err) && ctx.Err() == nil {
		s.note(c, err)
	}
	return err
}

func isPfx(err error) bool {
	_, ok := errors.AsType[*pfx.Error](err)
	return ok
}

// Close waits for pending updates and closes the connections.
func (s *Store) Close() error {
	s.queue.Close()
	s.closePools()
	return nil
}

func (s *Store) closePools() {
	for _, p := range []*pgxpool.Pool{s.pool, s.writers} {
		if p != nil {
			p.Close()
		}
	}
}
