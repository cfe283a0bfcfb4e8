package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/audit"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/queue"
)

// Config says which file to open and how. Only Path is required.
type Config struct {
	// Path names the file, absolute or relative to the working directory. Open creates it with mode 0600 if it does not
	// exist; its folder must exist. It is never read as a URI, and ":memory:" has no meaning. Required.
	Path string
	// Readers is how many requests can be read at the same time, 1 to 64. Each takes a connection and up to 8 MiB. Zero
	// means 4.
	Readers int
	// BusyTimeout is how long to wait for another process that writes to the same file, 1 ms to 1 min. Zero means 5 s.
	BusyTimeout time.Duration
	// Audit says what to record of each change in the audit trail, which is in the same file.
	Audit audit.Mode
	// Log receives what an operator must know and callers are not told. Nil discards it.
	Log *slog.Logger
}

func (c Config) withDefaults() Config {
	c.Readers = cmp.Or(c.Readers, 4)
	c.BusyTimeout = cmp.Or(c.BusyTimeout, 5*time.Second)
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	return c
}

func (c Config) validate() error {
	switch {
	case c.Path == "":
		return errors.New("sqlite.Config.Path is empty: want the name of a file")
	case c.Readers < 1 || c.Readers > 64:
		return fmt.Errorf("sqlite.Config.Readers is %d: want 1 to 64", c.Readers)
	case c.BusyTimeout < time.Millisecond || c.BusyTimeout > time.Minute:
		return fmt.Errorf("sqlite.Config.BusyTimeout is %s: want 1ms to 1m", c.BusyTimeout)
	}
	return nil
}

// Store is a [pfx.Store] in one SQLite file. It is safe for concurrent use. Close releases it.
type Store struct {
	log         *slog.Logger
	path        string
	busyTimeout time.Duration
	audit       audit.Mode
	chain       audit.Chain    // used only by the goroutine write
	records     []audit.Record // of the current transaction; used only by the goroutine write
	writer      *conn          // used by the goroutine write, and by Close after it has ended
	logTarget   int            // the length in pages at which the log is moved into the file
	logLimit    int            // logTarget, or more while the log cannot be moved; both used only by the goroutine write
	readers     chan *conn     // the free ones
	queue       *queue.Queue[work]
	fault       atomic.Pointer[error] // set once: why further writes are refused
	files       files                 // as they were opened
	gone        bool                  // whether the files are gone; used only by the goroutine write

	closeOnce sync.Once
	closeErr  error
}

var _ pfx.Store = (*Store)(nil)

// Observe has the writer call fn for each batch of updates from now on.
func (s *Store) Observe(fn func(pfx.Batch)) { s.queue.Observe(fn) }

// LogSize returns the length in bytes of the log next to the file, which holds changes that are not in the file yet. After
// they were moved there, the log is overwritten and not truncated.
func (s *Store) LogSize() int64 {
	info, err := os.Stat(s.path + "-wal")
	if err != nil {
		return 0 // there is no log before the first change
	}
	return info.Size()
}

// Open opens the file, creates it or migrates its schema. Its error is one sentence for the operator that names the file
// and the cause; the file is then unchanged. ctx bounds Open alone, not the store.
func Open(ctx context.Context, c Config) (*Store, error) { return open(ctx, c, usualStatements) }

func open(ctx context.Context, c Config, sql statements) (*Store, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	path, err := filepath.Abs(c.Path)
	if err != nil {
		return nil, fmt.Errorf("opening store %q: %w", c.Path, err)
	}
	s := &Store{
		log:         c.Log,
		busyTimeout: c.BusyTimeout,
		audit:       c.Audit,
		chain:       audit.NewChain(),
		logTarget:   checkpointPages,
		logLimit:    checkpointPages,
		path:        path,
		readers:     make(chan *conn, c.Readers),
		queue:       queue.New[work](),
	}
	if err := s.open(ctx, path, c, sql); err != nil {
		return nil, fmt.Errorf("opening store %q: %w", path, errors.Join(explain(err), s.closeConns(len(s.readers))))
	}
	s.queue.Start(1, s.write)
	return s, nil
}

func (s *Store) open(ctx context.Context, path string, c Config, sql statements) error {
	if err := createFile(path); err != nil {
		return err
	}
	if err := inspect(ctx, path); err != nil {
		return err
	}
	writer, err := openConn(path, c.BusyTimeout)
	if err != nil {
		return err
	}
	s.writer = writer
	if err := writer.migrate(ctx, c.BusyTimeout); err != nil {
		return err
	}
	if err := writer.prepareWriter(sql); err != nil {
		return err
	}
	for range c.Readers {
		reader, err := openConn(path, c.BusyTimeout)
		if err != nil {
			return err
		}
		s.readers <- reader
		if err := reader.prepareReader(); err != nil {
			return err
		}
		if err := reader.set("query_only", "ON", "1"); err != nil {
			return err
		}
		if err := reader.probe(); err != nil {
			return err
		}
	}
	s.files, err = identify(path)
	return err
}

// Update applies fn to the request, as [pfx.Store] says. If ctx ends before the writer claims the update, Update returns at
// once and fn does not run; after that it waits for the outcome. fn runs once, on the writer's goroutine: it must be quick
// and must not use the store.
func (s *Store) Update(ctx context.Context, tenant edm.Guid, id string, fn func(r *pfx.Request) error) (*pfx.Request, error) {
	author := pfx.AuthorOf(ctx)
	return s.do(ctx, func(c *conn, j *job) error {
		r, err := c.load(tenant, id)
		if err != nil {
			return err
		}
		before := *r
		if j.Err = store.Guard(func() error { return r.Change(fn) }); j.Err != nil {
			return nil
		}
		j.Result = r
		if r.Version == before.Version {
			return nil
		}
		r.Normalize()
		if err := c.store(c.update, r); err != nil {
			return err
		}
		s.record(author, &before, r)
		return nil
	})
}

// Insert stores r, as [pfx.Store] says. A nullable member that is absent becomes null.
func (s *Store) Insert(ctx context.Context, r pfx.Request) (*pfx.Request, error) {
	author := pfx.AuthorOf(ctx)
	return s.do(ctx, func(c *conn, j *job) error {
		r.Version = pfx.NewVersion()
		r.Normalize()
		if err := c.store(c.insert, &r); err != nil {
			return err
		}
		if c.Changes() == 0 {
			return store.ExistsError()
		}
		j.Result = &r
		s.record(author, nil, &r)
		return nil
	})
}

// Delete removes the request, as [pfx.Store] says. It waits as Update does.
func (s *Store) Delete(ctx context.Context, tenant edm.Guid, id string, check func(r *pfx.Request) error) error {
	author := pfx.AuthorOf(ctx)
	_, err := s.do(ctx, func(c *conn, j *job) error {
		r, err := c.load(tenant, id)
		if err != nil {
			return err
		}
		if j.Err = store.Guard(func() error { return check(r) }); j.Err != nil {
			return nil
		}
		c.delete.BindBytes(1, tenant[:])
		c.delete.BindText(2, id)
		if err := execute(c.delete); err != nil {
			return fmt.Errorf("deleting a request: %w", err)
		}
		s.record(author, r, nil)
		return nil
	})
	return err
}

// Get returns the request, as [pfx.Store] says.
func (s *Store) Get(ctx context.Context, tenant edm.Guid, id string) (*pfx.Request, error) {
	var r *pfx.Request
	err := s.read(ctx, func(c *conn) error {
		got, err := c.load(tenant, id)
		r = got
		return err
	})
	return r, err
}

// Ready reads from the file and has the writer begin and end an empty transaction, which writes nothing. It waits behind
// pending updates for at most as long as ctx allows. It does not report a full disk: a client that therefore stopped its
// updates would never learn that there is room again.
func (s *Store) Ready(ctx context.Context) error {
	if err := s.read(ctx, (*conn).probe); err != nil {
		return err
	}
	_, err := s.do(ctx, func(*conn, *job) error { return nil })
	return err
}

// read runs fn with its own connection.
func (s *Store) read(ctx context.Context, fn func(*conn) error) error {
	if err := s.queue.Check(ctx); err != nil {
		return err
	}
	var c *conn
	select {
	case c = <-s.readers:
	case <-ctx.Done():
		return store.GivenUpError(ctx)
	case <-s.queue.Closing():
		return store.ClosedError()
	}
	defer func() { s.readers <- c }()
	return s.outcome(fn(c))
}

// outcome turns SQLite's error into one that is safe for clients.
func (s *Store) outcome(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*pfx.Error](err); ok {
		return err
	}
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultCorrupt, sqlite.ResultNotADB:
		s.stopWriting(err)
	}
	return store.Unavailable("The store cannot be used at the moment: try again later.", err)
}

// Close waits for pending calls, moves the log into the file and closes it. Every call returns the first one's error.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		s.queue.Close()
		s.closeErr = s.closeConns(cap(s.readers))
	})
	return s.closeErr
}

// closeConns closes that many readers and the writer's connection, and waits for readers in use. The writer's is the last:
// when SQLite closes the last connection it moves the log into the file and hides errors, so a checkpoint comes first.
// After a fault the writer's connection stays open until the process ends: SQLite would remove the log, which must be read
// again.
func (s *Store) closeConns(readers int) error {
	var errs []error
	for range readers {
		errs = append(errs, (<-s.readers).Close())
	}
	if s.writer != nil && s.writer.checkpointPassive != nil && s.fault.Load() == nil {
		_, err := s.writer.checkpoint(s.writer.checkpointPassive)
		if err != nil {
			s.judge(err)
		}
		errs = append(errs, err)
	}
	if s.writer != nil && s.fault.Load() == nil {
		errs = append(errs, s.writer.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("closing store: %w", err)
	}
	return nil
}

// stopWriting makes the store refuse all further writes.
func (s *Store) stopWriting(err error) {
	if s.fault.CompareAndSwap(nil, &err) {
		s.log.Error("store takes no more changes until it is opened again", "err", err)
	}
}
