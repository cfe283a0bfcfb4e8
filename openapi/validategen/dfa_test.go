package main

import (
	"regexp"
	"slices"
	"testing"
	"unicode/utf8"
)

// matches runs the automaton as the generated tables do.
func (a *automaton) matches(s string) bool {
	state := 0
	for _, r := range s {
		state = a.next[state][min(int(r), other)]
	}
	return a.accepts[state]
}

func TestCompile(t *testing.T) {
	t.Parallel()
	for _, p := range []string{`\bword\b`, `(?m)^a$`, `[é]`, `(?i)k`, `[a-zà-ü]`, `\pL`, `x{1000}`} {
		if _, ok := compile(p); ok {
			t.Errorf("%s: got an automaton, want RE2", p)
		}
	}
	for _, p := range []string{`^$`, `a|^b$`, `[^\x00]*`, `^(a|b)*abb$`, `.`, `(?s).`, `(?i)ab`, `^a{2,5}$`} {
		if _, ok := compile(p); !ok {
			t.Errorf("%s: got no automaton", p)
		}
	}
}

// FuzzAutomaton compares the automata with RE2.
func FuzzAutomaton(f *testing.F) {
	for _, p := range []string{
		`^@|@`, `^[^\x00]*$`, `^(\*|([ \t]*,)*[ \t]*(W/)?"[^\x00-\x20"\x7f]*"([ \t]*,([ \t]*(W/)?"[^\x00-\x20"\x7f]*")?)*[ \t]*)$`,
		formatPatterns["uuid"], formatPatterns["edm-datetimeoffset"], `^$`, `a|^b$|^`, `(a|^b)+$`, `$a`, `^(ab|cd)*e?$`, `x.y`, `(?i)a[^b]`, `^^a$$`, `(^a|b$)c*`, ``,
	} {
		for _, s := range []string{"", "a", "b", "xéy", "W/\"a\", \"b\"", "2017-01-01T00:03Z", "\x00", "x@", "ab\n", "bc"} {
			f.Add(p, s)
		}
	}
	f.Fuzz(func(t *testing.T, pattern, s string) {
		re, err := regexp.Compile(pattern)
		if err != nil || len(pattern) > 250 || !utf8.ValidString(s) {
			return
		}
		a, ok := compile(pattern)
		if !ok {
			return
		}
		if got, want := a.matches(s), re.MatchString(s); got != want {
			t.Errorf("%q on %q: got %v, RE2 says %v", pattern, s, got, want)
		}
		if c, ok := a.withoutByte(); ok && slices.Contains([]byte(s), c) == a.matches(s) {
			t.Errorf("%q on %q: does not match exactly the strings without %q", pattern, s, c)
		}
	})
}

func TestImplied(t *testing.T) {
	t.Parallel()
	tests := []struct {
		format, pattern string
		want            bool
	}{
		{"uuid", formatPatterns["uuid"], true},
		{"uuid", `^[^ ]{36}$`, true},
		{"uuid", `-`, true},
		{"uuid", `^[0-9a-f-]*$`, false},
		{"uuid", `^.{35}$`, false},
		{"edm-datetimeoffset", formatPatterns["edm-datetimeoffset"], true},
		{"edm-datetimeoffset", `^[0-9]{4}-`, true},
		{"edm-datetimeoffset", `Z$`, false},
		{"date", `^20`, false},
		{"email", `.`, false},
		{"", ``, false},
	}
	for _, tt := range tests {
		if got := implied(tt.format, tt.pattern); got != tt.want {
			t.Errorf("format %s implies %s: got %v, want %v", tt.format, tt.pattern, got, tt.want)
		}
	}
}
