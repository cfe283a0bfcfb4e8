//go:build linux

package load

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// alarm is a kernel timer, for one goroutine at a time. Go's timers are up to a millisecond late in an idle process,
// which would count against the server.
type alarm struct {
	fd   int
	file *os.File // waits for fd without a thread of its own
}

func newAlarm() (*alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("making a timer: %w", err)
	}
	return &alarm{fd, os.NewFile(uintptr(fd), "timer")}, nil
}

func (a *alarm) close() error { return a.file.Close() }

// sleepUntil returns at a time, or at once if that has passed.
func (a *alarm) sleepUntil(t time.Time) error {
	wait := time.Until(t)
	if wait <= 0 {
		return nil
	}
	value := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(wait))}
	if err := unix.TimerfdSettime(a.fd, 0, &value, nil); err != nil {
		return fmt.Errorf("setting a timer: %w", err)
	}
	var expirations [8]byte
	_, err := a.file.Read(expirations[:])
	return err
}
