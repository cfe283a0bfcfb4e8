//go:build linux

package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// clock sets the wall clock of one process. A Go program asks neither libc, where libfaketime could intervene, nor the
// kernel: it calls the code of the vDSO, which is mapped into each process. clock replaces that code in the process by code
// that asks the kernel and adds an offset. The monotonic clock is unchanged, as when somebody sets a machine's clock.
type clock struct {
	memory string
	offset int64 // address of the added offset
}

// setsClocks is the replacement code for amd64.
var setsClocks = []byte{
	0xb8, 0xe4, 0, 0, 0, // mov eax, clock_gettime
	0x0f, 0x05, // syscall
	0x85, 0xff, // test edi, edi: is it CLOCK_REALTIME?
	0x75, 0x0a, // jne to ret
	0x48, 0x8b, 0x0d, 6, 0, 0, 0, // mov rcx, [offset]
	0x48, 0x01, 0x0e, // add [rsi], rcx: the seconds
	0xc3, // ret
	0, 0, // followed by the offset
}

// clock takes control of a server's clock.
func (s *server) clock() (*clock, error) {
	if runtime.GOARCH != "amd64" {
		return nil, fmt.Errorf("there is no code that sets the clock of a process on %s", runtime.GOARCH)
	}
	pid := s.pid(false)
	memory := fmt.Sprintf("/proc/%d/mem", pid)
	from, to, err := vdso(pid)
	if err != nil {
		return nil, err
	}
	image := make([]byte, to-from)
	f, err := os.Open(memory)
	if err != nil {
		return nil, err
	}
	_, err = f.ReadAt(image, from)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("reading the vDSO: %w", err)
	}
	library, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		return nil, fmt.Errorf("reading the vDSO: %w", err)
	}
	symbols, err := library.DynamicSymbols()
	if err != nil {
		return nil, fmt.Errorf("reading the vDSO: %w", err)
	}
	free := len(image) - len(setsClocks) - 8 // the end of the last page is unused
	if len(bytes.Trim(image[free:], "\x00")) > 0 {
		return nil, errors.New("the vDSO has no room for more code")
	}
	c := &clock{memory, from + int64(free+len(setsClocks))}
	for _, symbol := range symbols {
		if symbol.Name != "__vdso_clock_gettime" {
			continue
		}
		jump := binary.LittleEndian.AppendUint32([]byte{0xe9}, uint32(int64(free)-int64(symbol.Value)-5))
		// No thread may be at the address where the jump is written.
		err := errors.Join(
			syscall.Kill(pid, syscall.SIGSTOP),
			c.write(from+int64(free), setsClocks),
			c.write(from+int64(symbol.Value), jump),
			syscall.Kill(pid, syscall.SIGCONT),
		)
		return c, err
	}
	return nil, errors.New("the vDSO has no clock_gettime")
}

// set moves the clock away from the machine's by an offset.
func (c *clock) set(offset time.Duration) error {
	return c.write(c.offset, binary.LittleEndian.AppendUint64(nil, uint64(offset/time.Second)))
}

func (c *clock) write(at int64, data []byte) error {
	f, err := os.OpenFile(c.memory, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(data, at)
	return errors.Join(err, f.Close())
}

// vdso returns the address range of a process's vDSO.
func vdso(pid int) (from, to int64, err error) {
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(maps)) {
		if strings.HasSuffix(line, "[vdso]\n") {
			_, err := fmt.Sscanf(line, "%x-%x", &from, &to)
			return from, to, err
		}
	}
	return 0, 0, errors.New("the process has no vDSO")
}
