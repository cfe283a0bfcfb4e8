package app

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestProgressWithoutTerminal: one line every five seconds, and none for shorter parts.
func TestProgressWithoutTerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := newProgress(&out)
	now := time.Unix(0, 0)
	p.now = func() time.Time { return now }
	p.begin("copying")
	for range 11 {
		now = now.Add(time.Second)
		p.add(2000)
	}
	p.end()
	if p.count != 22_000 || p.rate() != 2000 {
		t.Errorf("got %d objects, %d a second, want 22000 and 2000", p.count, p.rate())
	}
	p.begin("verifying")
	now = now.Add(4 * time.Second)
	p.add(1)
	p.end()
	want := "copying: 10000 objects, 2000 a second\ncopying: 20000 objects, 2000 a second\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestProgressOnTerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := newProgress(&out)
	p.terminal = true
	p.begin("copying")
	p.add(2000)
	p.end()
	if !bytes.Contains(out.Bytes(), []byte("copying")) {
		t.Errorf("got %q, want a bar", &out)
	}
}
