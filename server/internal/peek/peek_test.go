package peek_test

import (
	"io"
	"net"
	"testing"

	"go.uber.org/goleak"

	"github.com/pfxrecryption/pfxrecryption/server/internal/peek"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestAt: looking changes nothing, and a read then finds what was seen.
func TestAt(t *testing.T) {
	t.Parallel()
	if !peek.Possible {
		t.Skip("this system cannot look")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	far, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	near, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	raw, err := near.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	look := func() (state peek.State) {
		if err := raw.Control(func(fd uintptr) { state = peek.At(fd) }); err != nil {
			t.Fatal(err)
		}
		return state
	}
	// await looks until there is something to read.
	await := func(want peek.State) {
		t.Helper()
		state := look()
		for state == peek.Silent {
			state = look()
		}
		if state != want || look() != want {
			t.Errorf("got %d, want %d", state, want)
		}
	}
	if got := look(); got != peek.Silent {
		t.Errorf("got %d before anything was sent", got)
	}
	if _, err := io.WriteString(far, "x"); err != nil {
		t.Fatal(err)
	}
	await(peek.Data)
	if _, err := io.ReadFull(near, make([]byte, 1)); err != nil {
		t.Error(err)
	}
	if got := look(); got != peek.Silent {
		t.Errorf("got %d after everything was read", got)
	}
	far.Close()
	await(peek.Ended)
}
