package app

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	// logDelay is how long a line waits, so that one system call writes several
	logDelay = 10 * time.Millisecond
	// logBacklog is the most bytes that wait for the log's reader; further lines are dropped and counted
	logBacklog = 1 << 20
	// logCloseTimeout is how long the end of the program waits for the log's reader
	logCloseTimeout = time.Second
)

// logWriter writes whole lines to out in the background, in order, so that no response waits for the log's reader. It is
// safe for concurrent use.
type logWriter struct {
	out   io.Writer
	wake  chan struct{} // has a buffer of one: there are lines
	ended chan struct{}

	mu     sync.Mutex
	lines  []byte
	lost   int
	closed bool
	form   func(io.Writer) slog.Handler
}

func newLogWriter(out io.Writer) *logWriter {
	w := &logWriter{out: out, wake: make(chan struct{}, 1), ended: make(chan struct{}), form: newHandler("json", slog.LevelInfo)}
	go w.run()
	return w
}

// newHandler returns a constructor of handlers for a format and a lowest level.
func newHandler(form string, level slog.Level) func(io.Writer) slog.Handler {
	options := &slog.HandlerOptions{Level: level}
	if form == "text" {
		return func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, options) }
	}
	return func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, options) }
}

func (w *logWriter) logger(form string, level slog.Level) *slog.Logger {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.form = newHandler(form, level)
	return slog.New(w.form(w))
}

// Write queues a line, or drops it if the backlog is full. It never fails, because no caller could handle that.
func (w *logWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || len(w.lines)+len(line) > logBacklog {
		w.lost++
		return len(line), nil
	}
	w.lines = append(w.lines, line...)
	select {
	case w.wake <- struct{}{}:
	default:
	}
	return len(line), nil
}

func (w *logWriter) run() {
	defer close(w.ended)
	var batch []byte
	for range w.wake {
		time.Sleep(logDelay)
		batch = w.take(batch[:0])
		_, _ = w.out.Write(batch) // there is no place to report an error
	}
	_, _ = w.out.Write(w.take(batch[:0]))
}

// take returns the waiting lines, and keeps room as the next buffer.
func (w *logWriter) take(room []byte) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	batch := w.lines
	w.lines = room
	if w.lost == 0 {
		return batch
	}
	tail := bytes.NewBuffer(batch)
	slog.New(w.form(tail)).Warn("log lines dropped: the log was not read in time", "lines", w.lost)
	w.lost = 0
	return tail.Bytes()
}

// Close writes the waiting lines. A slow reader cannot keep the program from ending.
func (w *logWriter) Close() error {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.wake)
	}
	w.mu.Unlock()
	select {
	case <-w.ended:
		return nil
	case <-time.After(logCloseTimeout):
		return fmt.Errorf("the log has not been read for %s", logCloseTimeout)
	}
}
