package sqlite

import (
	"context"
	"errors"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/queue"
)

const (
	// queueTimeout bounds how long a caller waits for the writer to start its update.
	queueTimeout = 10 * time.Second
	// checkpointPages is the length of the log, in pages of 4 KiB, at which it is moved into the file. The log can exceed
	// it by one batch and by what other processes add. A start after a crash reads at most that much.
	checkpointPages = 2048
	pageBytes       = 4 << 10
	// checkpointBusy is how long a checkpoint waits for other processes.
	checkpointBusy = 20 * time.Millisecond
)

// work runs in the current transaction and sets the outcome of its job. It returns a *pfx.Error if only this job has
// failed, and SQLite's error if the transaction has failed.
type work func(c *conn, j *job) error

type job = queue.Job[work]

// do has the writer run a job and returns its outcome.
func (s *Store) do(ctx context.Context, run work) (*pfx.Request, error) {
	ctx, cancel := context.WithTimeout(ctx, queueTimeout)
	defer cancel()
	return s.queue.Do(ctx, run)
}

// write runs jobs until the store is closed and no job waits.
func (s *Store) write() {
	defer func() {
		if !s.writer.AutocommitEnabled() { // the function of an update called runtime.Goexit
			s.stopWriting(errors.Join(errors.New("the function of an update ended the writer"), execute(s.writer.rollback)))
		}
	}()
	batch := make([]*job, 0, queue.MaxBatch)
	for first := s.queue.Next(); first != nil; first = s.queue.Next() {
		batch = s.runBatch(batch[:0], first)
		clear(batch)
		s.limitLog()
	}
}

// runBatch runs first and the other waiting jobs in one transaction, and gives them their outcomes. It claims them after
// the transaction has begun: until then, while another process writes, their callers may give up.
func (s *Store) runBatch(batch []*job, first *job) []*job {
	begun := time.Now()
	err := s.begin()
	chain := s.chain
	batch = s.queue.Claim(batch, first)
	for _, j := range batch {
		if err != nil {
			break
		}
		err = s.runJob(j)
	}
	if err == nil {
		err = s.storeRecords()
	}
	clear(s.records)
	s.records = s.records[:0]
	committing := time.Now()
	if err == nil {
		err = execute(s.writer.commit) // without an fsync if no job has written
	}
	commit := time.Since(committing)
	if err != nil {
		s.chain = chain // if the outcome of the commit is unknown, begin refuses further writes until the store is opened again
	}
	if err == nil {
		err = s.checkFiles("The store's file is gone: the change may be lost. Read the object before you send it again.")
	}
	if err != nil {
		err = s.abort(err)
	}
	s.queue.Report(batch, first, begun, commit)
	for _, j := range batch {
		// After a failed transaction no job has its own outcome, not even one that changed nothing or was refused: it may
		// have seen a change that was then undone.
		if err != nil {
			j.Result, j.Err = nil, err
		}
		j.Finish()
	}
	return batch
}

// begin starts a write transaction: other processes cannot change what a job reads before the commit.
func (s *Store) begin() error {
	if fault := s.fault.Load(); fault != nil {
		return store.Unavailable("The store takes no more changes after a fault of its disk.", *fault)
	}
	if err := s.checkFiles("The store's file is gone: nothing was changed."); err != nil {
		return err
	}
	return execute(s.writer.begin)
}

// runJob runs j and stores its error in j. If the error is SQLite's, the transaction has failed and runJob returns it.
func (s *Store) runJob(j *job) error {
	err := j.Work(s.writer, j)
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*pfx.Error](err); ok {
		j.Err = e
		return nil
	}
	return err
}

// abort rolls the transaction back and returns the error for its callers.
func (s *Store) abort(err error) error {
	if !s.writer.AutocommitEnabled() {
		err = errors.Join(err, execute(s.writer.rollback))
	}
	s.judge(err)
	return s.outcome(err)
}

// judge stops all writes if err shows that the disk or the file cannot be trusted. After a failed fsync the kernel may drop
// what it could not write and report success the next time (https://lwn.net/Articles/752063). Only reading the file again
// after a restart shows what was stored. A full disk is no such fault.
func (s *Store) judge(err error) {
	switch code := sqlite.ErrCode(err); {
	case code == sqlite.ResultIOErrSHMSize:
		// The disk is full, found while the log's index grows. The index need not survive a crash.
	case code.ToPrimary() == sqlite.ResultIOErr, code.ToPrimary() == sqlite.ResultCorrupt, code.ToPrimary() == sqlite.ResultNotADB:
		s.stopWriting(err)
	case !s.writer.AutocommitEnabled():
		s.stopWriting(err) // the rollback has failed
	}
}

// limitLog moves the log into the file when it has s.logLimit pages. The next commit then overwrites it from its start. The
// log keeps its size on disk: truncating it takes 14 ms, and makes every fsync half as long again until it has grown back.
func (s *Store) limitLog() {
	if s.fault.Load() != nil || s.gone {
		return
	}
	state, err := s.writer.checkpoint(s.writer.checkpointNoop)
	if err == nil && state.pages < s.logTarget {
		s.logLimit = s.logTarget // this process or another one has restarted it
		return
	}
	// If all of the log is in the file already, the next commit either overwrites it or adds pages that can be moved later.
	if err == nil && (state.pages < s.logLimit || state.moved == state.pages) {
		return
	}
	begunAnew := false
	if err == nil {
		begunAnew, err = s.moveLog()
	}
	if err != nil {
		s.log.Warn("moving the log into the file", "err", err)
		s.judge(err)
	}
	s.logLimit = s.logTarget
	if !begunAnew {
		s.logLimit = max(state.pages, s.logTarget) + s.logTarget/8 // another process reads, or the disk is full
	}
}

// moveLog moves the log into the file and reports whether the next commit restarts it.
func (s *Store) moveLog() (bool, error) {
	// Only what the oldest reader can see can be moved, so first wait until all earlier readers have left. The log restarts
	// only while it has no reader at all. Under constant load there is always one, so readers pause again, for
	// microseconds.
	s.pauseReaders()()
	if _, err := s.writer.checkpoint(s.writer.checkpointPassive); err != nil {
		return false, err
	}
	defer s.pauseReaders()()
	// Do not wait for long: callers wait too, and a later checkpoint can do it.
	s.writer.SetBusyTimeout(checkpointBusy)
	defer s.writer.SetBusyTimeout(s.busyTimeout)
	state, err := s.writer.checkpoint(s.writer.checkpointRestart)
	return err == nil && !state.busy, err
}

// pauseReaders waits for active readers and blocks new ones until resume is called.
func (s *Store) pauseReaders() (resume func()) {
	readers := make([]*conn, cap(s.readers))
	for i := range readers {
		readers[i] = <-s.readers
	}
	return func() {
		for _, c := range readers {
			s.readers <- c
		}
	}
}
