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
	// logDelay is how long a line waits for others: one system call then writes them all.
	logDelay = time.Millisecond
	// logBacklog is how many bytes wait for whoever reads the log. What comes on top of them is lost, and counted.
	logBacklog = 1 << 20
	// logCloseTimeout is how long the end of the program waits for whoever reads the log.
	logCloseTimeout = time.Second
)

// logWriter writes whole lines to out in the background, in their order, so that no answer waits for whoever reads the
// log. It is safe for concurrent use.
type logWriter struct {
	out   io.Writer
	wake  chan struct{} // has room for one: there are lines
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

// newHandler returns what makes handlers of a form, json or text, for lines from a level on.
func newHandler(form string, level slog.Level) func(io.Writer) slog.Handler {
	options := &slog.HandlerOptions{Level: level}
	if form == "text" {
		return func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, options) }
	}
	return func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, options) }
}

// logger returns a logger that writes lines of a form.
func (w *logWriter) logger(form string, level slog.Level) *slog.Logger {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.form = newHandler(form, level)
	return slog.New(w.form(w))
}

// Write takes a line, or loses it. It never fails, for nobody could do anything about that.
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
		_, _ = w.out.Write(batch) // an error has nowhere else to go
	}
	_, _ = w.out.Write(w.take(batch[:0]))
}

// take returns the lines that wait, and leaves room for those that come.
func (w *logWriter) take(room []byte) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	batch := w.lines
	w.lines = room
	if w.lost == 0 {
		return batch
	}
	tail := bytes.NewBuffer(batch)
	slog.New(w.form(tail)).Warn("log lines lost: nobody read them in time", "lines", w.lost)
	w.lost = 0
	return tail.Bytes()
}

// Close writes what waits. Whoever does not read it in time does not keep the program from ending.
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
		return fmt.Errorf("nobody has read the log for %s", logCloseTimeout)
	}
}
