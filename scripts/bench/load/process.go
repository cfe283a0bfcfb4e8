//go:build linux

package load

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is a child that serves. Its output goes to a file, like a service's, so that it never waits for a reader.
type Process struct {
	Address string // of the server
	cmd     *exec.Cmd
	log     string
	ended   chan struct{}
}

// Start starts a program and waits for the JSON line that announces its address.
func Start(cmd *exec.Cmd) (*Process, error) { return launch(cmd, announced) }

// StartAt starts a program that does not announce its address, and waits until ready is true for the given one.
func StartAt(address string, ready func(address string) bool, cmd *exec.Cmd) (*Process, error) {
	return launch(cmd, func(string) string {
		if !ready(address) {
			return ""
		}
		return address
	})
}

// Listens reports whether a server listens at an address.
func Listens(address string) bool {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return false
	}
	_ = c.Close() // nothing was sent
	return true
}

const (
	startTimeout = time.Minute
	startPoll    = 10 * time.Millisecond
)

// launch starts a program and waits until announced returns its address.
func launch(cmd *exec.Cmd, address func(log string) string) (*Process, error) {
	log, err := os.CreateTemp("", "log")
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the program has its own descriptor
	cmd.Stdout, cmd.Stderr = log, log
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGTERM
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, os.Remove(log.Name()))
	}
	p := &Process{cmd: cmd, log: log.Name(), ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // it is ended by a signal
		close(p.ended)
	}()
	timeout := time.After(startTimeout)
	for {
		if p.Address = address(p.log); p.Address != "" {
			return p, nil
		}
		select {
		case <-time.After(startPoll):
			continue
		case <-p.ended:
		case <-timeout:
		}
		text, _ := os.ReadFile(p.log) // the error is useful without the log
		p.Stop()
		return nil, fmt.Errorf("%s did not come to serve: %s", cmd.Args[0], text[max(0, len(text)-1000):])
	}
}

// announced returns the address in a log, or "".
func announced(log string) string {
	text, _ := os.ReadFile(log) // the caller tries again
	for line := range bytes.Lines(text) {
		var said struct{ Msg, URL string }
		if json.Unmarshal(line, &said) != nil || said.Msg != "serving" {
			continue
		}
		if u, err := url.Parse(said.URL); err == nil {
			return u.Host
		}
	}
	return ""
}

// Stop ends the process and waits for it.
func (p *Process) Stop() { p.StopBy(syscall.SIGTERM) }

// StopBy is like Stop, with another signal.
func (p *Process) StopBy(signal syscall.Signal) {
	_ = p.cmd.Process.Signal(signal) // it may have ended
	<-p.ended
	_ = os.Remove(p.log) // it is in the folder for temporary files
}

// FreeAddress returns a free loopback address.
func FreeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// tick is the unit of the kernel's process times, USER_HZ.
const tick = 10 * time.Millisecond

// CPU returns the user and system time of the process and its children, including ended ones; 0 if there is no process.
func (p *Process) CPU() time.Duration {
	var ticks int64
	for _, pid := range p.pids() {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) // it may have ended
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if len(fields) < 15 {
			continue
		}
		for _, f := range fields[11:15] { // utime, stime, cutime and cstime, proc(5)
			n, _ := strconv.ParseInt(f, 10, 64) // the kernel writes a number
			ticks += n
		}
	}
	return time.Duration(ticks) * tick
}

// Memory returns the bytes of memory of the process and its children. Shared bytes count once.
func (p *Process) Memory() int64 {
	var sum int64
	for _, pid := range p.pids() {
		rollup, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid)) // it may have ended
		for line := range strings.Lines(string(rollup)) {
			if value, ok := strings.CutPrefix(line, "Pss:"); ok {
				kib, _ := strconv.ParseInt(strings.Fields(value)[0], 10, 64) // the kernel writes a number
				sum += kib << 10
			}
		}
	}
	return sum
}

// pids returns the process and its children.
func (p *Process) pids() []int {
	if p == nil {
		return nil
	}
	pid := p.cmd.Process.Pid
	pids := []int{pid}
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid)) // an ended process has none
	for child := range strings.FieldsSeq(string(children)) {
		if n, err := strconv.Atoi(child); err == nil {
			pids = append(pids, n)
		}
	}
	return pids
}
