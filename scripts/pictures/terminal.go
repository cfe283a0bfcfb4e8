package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
)

// session is the typed and printed lines.
type session []entry

type entry struct {
	typed bool
	text  string
}

// record runs make run on a free port, pastes the line that it prints, and interrupts it.
func record(ctx context.Context) (_ session, err error) {
	dir, err := os.MkdirTemp("", "pictures")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	server := exec.CommandContext(ctx, "make", "run")
	server.Env = append(os.Environ(), "PFXR_LISTEN=127.0.0.1:0", "PFXR_ADMIN_LISTEN=127.0.0.1:0", "PFXR_STORE=sqlite:"+filepath.Join(dir, "pfxr.db"))
	server.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := server.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := server.Start(); err != nil {
		return nil, err
	}
	s, recorded := paste(ctx, out)
	_ = syscall.Kill(-server.Process.Pid, syscall.SIGINT) // it may have ended by itself
	_, _ = io.Copy(io.Discard, out)
	_ = server.Wait() // make reports the interrupt
	return s, recorded
}

// paste reads the output of make run up to the line to paste, and runs that line.
func paste(ctx context.Context, out io.Reader) (session, error) {
	s := session{{true, "make run"}}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		line := lines.Text()
		if !strings.HasPrefix(line, "curl ") {
			s = append(s, entry{false, line})
			continue
		}
		response, err := exec.CommandContext(ctx, "sh", "-c", line).Output()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", line, err)
		}
		s = append(s, entry{false, line}, entry{true, line})
		for text := range strings.Lines(string(response)) {
			s = append(s, entry{false, strings.TrimRight(text, "\r\n")})
		}
		return s, nil
	}
	return nil, errors.New("make run printed no line to paste")
}

// The dimensions of the terminal: characters in a line, and seconds for typing and printing.
const (
	columns  = 92
	maxLines = 3 // of a longer line
	typing   = 1.2
	pause    = .8
)

// shownLine is a line of the picture. It appears after Delay seconds and is typed for Typing seconds.
type shownLine struct {
	Text          string
	Typed         bool
	Delay, Typing float64
	Characters    int
}

// characterWidth is the width of a 13-pixel character in most monospaced fonts.
const characterWidth = 7.83

// Width makes each font take the same space.
func (l shownLine) Width() float64 { return characterWidth * float64(l.Characters) }

// drawTerminal wraps long lines and cuts very long ones, so that the picture stays readable.
func drawTerminal(s session) ([]byte, error) {
	var lines []shownLine
	at := .5
	for i, e := range s {
		text := neutral(e.text)
		if e.typed {
			text = "$ " + text
			if i > 0 {
				at += 2 * pause
			}
		} else if i > 0 && s[i-1].typed {
			at += pause
		}
		for _, part := range wrap(text) {
			line := shownLine{Text: part, Typed: e.typed, Delay: at, Characters: len([]rune(part))}
			if e.typed {
				line.Typing = typing * float64(line.Characters) / columns
				at += line.Typing
			}
			lines = append(lines, line)
		}
	}
	return render("terminal.svg.tmpl", map[string]any{"Lines": lines, "Height": 70 + 20*len(lines)})
}

func wrap(text string) []string {
	var parts []string
	runes := []rune(text)
	for len(runes) > columns {
		if len(parts) == maxLines-1 {
			return append(parts, string(runes[:columns-1])+"…")
		}
		parts, runes = append(parts, string(runes[:columns])), runes[columns:]
	}
	return append(parts, string(runes))
}

var (
	anyPort    = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	anyProgram = regexp.MustCompile(`'[^']*/bin/pfxrd'`)
)

// neutral replaces what is specific to this machine: the port, and the path of the program.
func neutral(text string) string {
	return anyProgram.ReplaceAllString(anyPort.ReplaceAllString(text, "127.0.0.1:8080"), "bin/pfxrd")
}
