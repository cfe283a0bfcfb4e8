package postgres

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/audit"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/queue"
)

// update is the work of a job: it tries once to update a request. The job's error is errMoved if another server was faster,
// and errAlone if the group stored nothing for a reason that another update may have caused.
type update struct {
	key    key
	author pfx.Author
	fn     func(*pfx.Request) error
}

type job = queue.Job[update]

// entry is a request with the updates of a group that change it, in order.
type entry struct {
	key     key
	jobs    []*job
	request *pfx.Request // as changed by the updates, nil if the tenant has none
	stored  pfx.Version  // the version in the database
	changes []change     // one for each update that has changed it
}

// write runs groups of updates until the store is closed and no update waits.
func (s *Store) write() {
	for first := s.queue.Next(); first != nil; first = s.queue.Next() {
		s.serve(first)
	}
}

// serve runs first and the other waiting updates as a group. It claims them when it has a connection: until then their
// callers may give up.
func (s *Store) serve(first *job) {
	begun := time.Now()
	c, err := s.acquireWriter()
	if err == nil {
		defer s.release(c)
	}
	group := s.queue.Claim(nil, first)
	ended, storing := false, time.Time{}
	defer func() {
		var commit time.Duration
		if !storing.IsZero() {
			commit = time.Since(storing)
		}
		s.queue.Report(group, first, begun, commit)
		for _, j := range group {
			if !ended { // the function of an update called runtime.Goexit, which ends this goroutine; the other updates must not suffer
				j.Result, j.Err = nil, errAlone
			}
			j.Finish()
		}
		if !ended {
			s.queue.Start(1, s.write)
		}
	}()
	if err != nil {
		for _, j := range group {
			j.Err = err
		}
	} else {
		storing = s.run(c, group)
	}
	ended = true
}

func (s *Store) acquireWriter() (*pgxpool.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), s.waits.connection)
	defer cancel()
	c, err := s.take(ctx, s.writers)
	if err != nil {
		return nil, store.Unavailable("The store cannot be reached: nothing was changed. Try again later.", fmt.Errorf("connecting: %w", oneLine{err}))
	}
	return c, nil
}

// run gives each job of a group its outcome. One statement or one transaction stores the changes, so the log is synced
// once. run returns when that was sent, or zero if nothing was.
func (s *Store) run(c *pgxpool.Conn, group []*job) time.Time {
	ctx, cancel := s.patient(context.Background())
	defer cancel()
	entries := arrange(group)
	if err := loadGroup(ctx, c, entries); err != nil {
		s.note(c, err)
		settle(entries, errAlone) // an update on its own repeats the read
		return time.Time{}
	}
	changed := applyAll(entries)
	if len(changed) == 0 {
		return time.Time{}
	}
	storing := time.Now()
	moved, err := s.storeGroup(ctx, c, changed)
	switch {
	case err == nil:
		settle(moved, errMoved)
	case isPartial(err):
		s.runLocked(ctx, c, changed)
	default:
		s.note(c, err)
		settle(changed, groupError(err))
	}
	return storing
}

// groupError returns the error for the jobs of a group whose statement has failed.
func groupError(err error) error {
	if fateOf(err) == unknown {
		return writeError(err)
	}
	return errAlone
}

// arrange groups the jobs by request, in order of arrival, and sorts the requests by key: so two servers lock the same rows
// in the same order.
func arrange(group []*job) []*entry {
	byKey := make(map[key]*entry, len(group))
	var entries []*entry
	for _, j := range group {
		e := byKey[j.Work.key]
		if e == nil {
			e = &entry{key: j.Work.key}
			byKey[e.key] = e
			entries = append(entries, e)
		}
		e.jobs = append(e.jobs, j)
	}
	slices.SortFunc(entries, func(a, b *entry) int {
		return cmp.Or(bytes.Compare(a.key.tenant[:], b.key.tenant[:]), strings.Compare(a.key.id, b.key.id))
	})
	return entries
}

// applyAll applies the jobs of all entries, and returns the entries that have changed.
func applyAll(entries []*entry) []*entry {
	var changed []*entry
	for _, e := range entries {
		e.apply()
		if e.request != nil && e.request.Version != e.stored {
			changed = append(changed, e)
		}
	}
	return changed
}

// apply runs the functions of e's jobs one after the other, each on the result of those before it.
func (e *entry) apply() {
	for _, j := range e.jobs {
		if e.request == nil {
			j.Err = pfx.NotFoundError()
			continue
		}
		r := *e.request
		if err := store.Guard(func() error { return r.Change(j.Work.fn) }); err != nil {
			j.Err = err
			continue
		}
		r.Normalize()
		if r.Version != e.request.Version {
			e.changes = append(e.changes, change{j.Work.author, e.request, &r})
		}
		result := r // the caller gets its own copy
		e.request, j.Result = &r, &result
	}
}

// settle gives all jobs of the entries the same error. None has its own outcome, not even one that changed nothing or was
// refused: it may have seen a change that was then undone.
func settle(entries []*entry, err error) {
	for _, e := range entries {
		for _, j := range e.jobs {
			j.Result, j.Err = nil, err
		}
	}
}

// loadGroup loads the stored requests into the entries.
func loadGroup(ctx context.Context, q querier, entries []*entry) error {
	if len(entries) == 1 { // takes half the time
		return entries[0].load(ctx, q)
	}
	rows, err := q.Query(ctx, selectGroup, keyArguments(entries)...)
	if err != nil {
		return fmt.Errorf("loading requests: %w", err)
	}
	return scanGroup(rows, entries)
}

// keyArguments returns the arguments of selectGroup.
func keyArguments(entries []*entry) []any {
	tenants, ids := make([][16]byte, len(entries)), make([]string, len(entries))
	for i, e := range entries {
		tenants[i], ids[i] = e.key.tenant, e.key.id
	}
	return []any{tenants, ids}
}

// scanGroup reads the rows of selectGroup into the entries.
func scanGroup(rows pgx.Rows, entries []*entry) error {
	byKey := make(map[key]*entry, len(entries))
	for _, e := range entries {
		byKey[e.key] = e
	}
	defer rows.Close()
	for rows.Next() {
		var r pfx.Request
		if err := scan(rows, &r, (*[16]byte)(&r.TenantID)); err != nil {
			return err
		}
		e := byKey[key{r.TenantID, r.ID}]
		e.request, e.stored = &r, r.Version
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("loading requests: %w", err)
	}
	return nil
}

func (e *entry) load(ctx context.Context, q querier) error {
	r, err := load(ctx, q, e.key)
	if isPfx(err) {
		return nil // NotFound
	}
	if err != nil {
		return err
	}
	e.request, e.stored = r, r.Version
	return nil
}

// storeGroup stores the entries that are unchanged in the database since they were loaded, and returns the others.
func (s *Store) storeGroup(ctx context.Context, c *pgxpool.Conn, entries []*entry) ([]*entry, error) {
	switch {
	case len(entries) == 1 && len(entries[0].changes) == 1:
		return s.storeSingle(ctx, c, entries[0])
	case s.audit != audit.Off:
		return s.storeRecorded(ctx, c, entries)
	}
	rows, err := c.Query(ctx, s.sql.updateGroup.plain, groupArguments(entries)...)
	if err != nil {
		return nil, fmt.Errorf("updating requests: %w", err)
	}
	return notStored(rows, entries)
}

// storeSingle stores an entry that was changed once, if it is unchanged in the database. Otherwise it returns the entry.
func (s *Store) storeSingle(ctx context.Context, q querier, e *entry) ([]*entry, error) {
	n, err := s.execRecorded(ctx, q, "updating a request", &s.sql.update, e.changes, updateArguments(e.request, e.stored))
	if err != nil || n == 1 {
		return nil, err
	}
	return []*entry{e}, nil
}

// notStored reads the keys that were stored and returns the other entries.
func notStored(rows pgx.Rows, entries []*entry) ([]*entry, error) {
	defer rows.Close()
	stored := make(map[key]bool, len(entries))
	for rows.Next() {
		var k key
		if err := rows.Scan((*[16]byte)(&k.tenant), &k.id); err != nil {
			return nil, fmt.Errorf("reading a row: %w", err)
		}
		stored[k] = true
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("updating requests: %w", err)
	}
	var moved []*entry
	for _, e := range entries {
		if !stored[e.key] {
			moved = append(moved, e)
		}
	}
	return moved, nil
}
