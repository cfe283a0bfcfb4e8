package app

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
)

// TestLogOrder: lines of many writers arrive whole and in each writer's order, and Close flushes all.
func TestLogOrder(t *testing.T) {
	const writers, lines = 8, 500
	var out bytes.Buffer
	w := newLogWriter(&out)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for n := range lines {
				fmt.Fprintf(w, "%d %d\n", i, n)
			}
		})
	}
	wg.Wait()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	next := [writers]int{}
	for line := range strings.Lines(out.String()) {
		var i, n int
		if _, err := fmt.Sscanf(line, "%d %d\n", &i, &n); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if n != next[i] {
			t.Fatalf("line %d of writer %d follows line %d", n, i, next[i]-1)
		}
		next[i]++
	}
	for i, n := range next {
		if n != lines {
			t.Errorf("%d lines of writer %d, want %d", n, i, lines)
		}
	}
}

// TestLogStalledReader: a writer never waits for the reader. Dropped lines are reported once reading resumes.
func TestLogStalledReader(t *testing.T) {
	r, out := io.Pipe() // each write waits for a reader
	w := newLogWriter(out)
	line := []byte(strings.Repeat("x", 1023) + "\n")
	const lines = 4 * logBacklog / 1024
	for range lines {
		if n, err := w.Write(line); n != len(line) || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
	}
	read := make(chan []byte)
	go func() {
		all, err := io.ReadAll(r)
		if err != nil {
			t.Error(err)
		}
		read <- all
	}()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	all := <-read
	kept, told := bytes.Count(all, line), 0
	for rest := range strings.Lines(string(all)) {
		if _, after, found := strings.Cut(rest, `"lines":`); found {
			n := 0
			if _, err := fmt.Sscan(after, &n); err != nil {
				t.Fatalf("%q: %v", rest, err)
			}
			told += n
		}
	}
	if told == 0 || kept+told != lines {
		t.Errorf("%d lines kept and %d reported as lost, want %d together", kept, told, lines)
	}
}

// TestLogCloseUnread: a reader that never returns cannot keep the program from ending.
func TestLogCloseUnread(t *testing.T) {
	r, out := io.Pipe()
	w := newLogWriter(out)
	fmt.Fprintln(w, "never read")
	if err := w.Close(); err == nil {
		t.Error("Close = nil, want an error")
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	<-w.ended
}
