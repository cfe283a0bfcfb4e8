package main

import (
	"bufio"
	"encoding/json"
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

// process is a child that serves.
type process struct {
	cmd     *exec.Cmd
	address string
	cleanUp func()
}

// start starts a program on a core and waits for the line of JSON by which it says that it serves, and where.
func start(core, word, program string, args ...string) (*process, error) {
	cmd := exec.Command("taskset", append([]string{"-c", core, program}, args...)...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd}
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		var line struct{ Msg, URL string }
		if json.Unmarshal(lines.Bytes(), &line) != nil || line.Msg != word {
			continue
		}
		u, err := url.Parse(line.URL)
		if err != nil {
			p.stop()
			return nil, err
		}
		p.address = u.Host
		go func() {
			for lines.Scan() { // lets it write
			}
		}()
		return p, nil
	}
	p.stop()
	return nil, fmt.Errorf("%s did not come to serve", program)
}

// startAt starts a program that says nothing, and waits until something listens at its address.
func startAt(address, core, program string, args ...string) (*process, error) {
	cmd := exec.Command("taskset", append([]string{"-c", core, program}, args...)...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, address: address}
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return p, nil
		}
	}
	p.stop()
	return nil, fmt.Errorf("%s did not come to serve", program)
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may be gone
	_ = p.cmd.Wait()
	if p.cleanUp != nil {
		p.cleanUp()
	}
}

// tick is the unit of the kernel's process times, USER_HZ.
const tick = 10 * time.Millisecond

// cpu returns the user and system time that the process has used; 0 if there is none.
func (p *process) cpu() time.Duration {
	if p == nil {
		return 0
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/stat")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	ticks := 0
	for _, f := range fields[11:13] { // utime and stime, proc(5)
		n, err := strconv.Atoi(f)
		if err != nil {
			return 0
		}
		ticks += n
	}
	return time.Duration(ticks) * tick
}
