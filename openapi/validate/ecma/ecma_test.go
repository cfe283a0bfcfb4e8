package ecma

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

// judged returns patterns, strings and the verdicts of node's engine; see testdata/engine.mjs.
func judged(t testing.TB) (patterns, texts []string, verdicts [][3]string) {
	t.Helper()
	var cases struct{ Patterns, Strings []string }
	for name, into := range map[string]any{"patterns": &cases, "engine": &verdicts} {
		data, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, into); err != nil {
			t.Fatal(err)
		}
	}
	if len(verdicts) != len(cases.Patterns) {
		t.Fatalf("got verdicts for %d of %d patterns: run testdata/engine.mjs", len(verdicts), len(cases.Patterns))
	}
	return cases.Patterns, cases.Strings, verdicts
}

// refusedAll are patterns that the grammar without u accepts and this package rejects.
var refusedAll = map[string]bool{
	`\A\w\z`: true, `\Z`: true, `\a`: true, `\pL`: true, `\x{41}`: true, `\1`: true, `\01`: true, `(?=a)*`: true, `\c`: true,
	`\u12`: true, `[\d-\B]`: true, `\p{Foo}`: true, `\p{Script=Foo}`: true, `\u{110000}`: true, `\k<n>`: true,
}

func TestVerdictsAreTheEngines(t *testing.T) {
	t.Parallel()
	patterns, texts, verdicts := judged(t)
	for i, pattern := range patterns {
		want, tolerated := verdicts[i][1], false
		if want == "" && !refusedAll[pattern] {
			want, tolerated = verdicts[i][2], verdicts[i][2] != ""
		}
		p, err := Compile(pattern)
		if (err == nil) != (want != "") {
			t.Errorf("%s: got error %v, the engine's verdict is %q", pattern, err, want)
			continue
		}
		if err != nil {
			continue
		}
		if p.Tolerant() != tolerated || Valid(pattern) == tolerated {
			t.Errorf("%s: tolerant is %v, want %v", pattern, p.Tolerant(), tolerated)
		}
		for j, text := range texts {
			if got := p.MatchString(text); got != (want[j] == '1') {
				t.Errorf("%s on %.60q: got %v", pattern, text, got)
			}
			if got := p.Match([]byte(text)); got != (want[j] == '1') {
				t.Errorf("%s on the bytes of %.60q: got %v", pattern, text, got)
			}
		}
	}
}

// TestMatchersAgree compares all matchers that support a pattern.
func TestMatchersAgree(t *testing.T) {
	t.Parallel()
	patterns, texts, _ := judged(t)
	for _, pattern := range patterns {
		p, root, err := parse(pattern)
		if err != nil || p.uses.reference {
			continue
		}
		program, err := assemble(pattern, root)
		short, shortErr := assemble(pattern, shorten(root, true, true))
		if err != nil || shortErr != nil {
			t.Fatal(err, shortErr)
		}
		matchers := map[string]matcher{"simulation": automaton{program}, "shortened": automaton{short}}
		if table := tabulate(program); table != nil {
			matchers["table"] = table
		}
		if list := counted(root); list != nil {
			matchers["runs"] = list
		}
		for _, text := range texts {
			if len(text) > 1000 {
				continue
			}
			want := backtrack(root, p.groups, text)
			for name, m := range matchers {
				if got := m.match(text); got != want {
					t.Errorf("%s on %q: %s returns %v, backtracking %v", pattern, text, name, got, want)
				}
			}
		}
	}
}

func TestEngineFileIsCurrent(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("needs node")
	}
	input, err := os.Open("testdata/patterns.json")
	if err != nil {
		t.Fatal(err)
	}
	defer input.Close()
	command := exec.CommandContext(t.Context(), node, "testdata/engine.mjs")
	command.Stdin = input
	got, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/engine.json")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("testdata/engine.json is stale")
	}
}

func TestUnsupported(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"emoji have no table":             `\p{Emoji}`,
		"script extensions have no table": `\p{scx=Latn}`,
		"too many states":                 `^(?:.*a.{100}b){100}$`,
		"too deep":                        strings.Repeat("(", 300) + strings.Repeat(")", 300),
		"too long":                        strings.Repeat("a", maxPattern+1),
	}
	for name, pattern := range tests {
		_, err := Compile(pattern)
		var unsupported *Unsupported
		if !errors.As(err, &unsupported) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestCountsAtTheEnds: where a match begins and ends does not matter, so large counts there need no states.
func TestCountsAtTheEnds(t *testing.T) {
	t.Parallel()
	for pattern, matches := range map[string]map[string]bool{
		`^.{1,2097152}`:              {"": false, "\n": false, "a\n": true},
		`\S{1,8192}`:                 {"": false, " ": false, " a": true},
		`\p{ASCII}{0,8192}`:          {"": true, "é": true},
		`[\P{M}\p{M}]{1,20000}[^/]$`: {"": false, "a": false, "ab": true, "a/": false},
		`(?:a|(b{1,9999}))c`:         {"c": false, "bbc": true, "ac": true},
		`x(?:a{2,9999}|b{0,9999})`:   {"xa": true, "ab": false},
		`(?:a{0,9999}|b)$`:           {"": true, "c": true},
		`a{3,9999}|b{0,9999}c`:       {"aa": false, "aaa": true, "xc": true, "b": false},
	} {
		p, err := Compile(pattern)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		for text, want := range matches {
			if got := p.MatchString(text); got != want {
				t.Errorf("%s on %q: got %t", pattern, text, got)
			}
		}
	}
}

// TestHostilePatterns has patterns that take exponential time or memory with backtracking or naive counting. A
// regression makes go test time out.
func TestHostilePatterns(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 1<<16) + "!"
	for _, pattern := range []string{
		`^(a+)+$`, `(a*)*b`, `^(?=(?:a+)+$)`, `(?:(?!b).)*b`, `(a*)*\1b`, `^(?:a|aa)+$`, `((a{9}){9}){9}`, `(?:){999999999}`,
		`(?:a?){999999999}`, `^.*x.{999}$`, `a{1000000000}`, `^a{0,4294967296}$`, `((((a*)*)*)*)*b`, `(?<=(?=a*)a*)b`,
	} {
		if p, err := Compile(pattern); err == nil {
			p.MatchString(long)
		}
	}
}

func TestPatternsAreSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{`^a+$`, `(?<=a)a(?!b)`, `(a)\1`} {
		p := MustCompile(pattern)
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				for range 100 {
					if !p.MatchString("aaa") || p.MatchString("b") {
						t.Error("wrong verdict")
					}
				}
			})
		}
		group.Wait()
	}
}

func FuzzCompile(f *testing.F) {
	patterns, texts, _ := judged(f)
	for i, pattern := range patterns {
		f.Add(pattern, texts[i%len(texts)])
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 200 || len(text) > 200 || !utf8.ValidString(text) {
			return
		}
		p, err := Compile(pattern)
		if err != nil {
			return
		}
		got := p.MatchString(text)
		parser, root, _ := parse(pattern)
		b := &backtracker{text: text, captures: make([]capture, parser.groups+1)}
		if parser.uses.reference {
			return
		}
		want := false
		for pos := range text + "." {
			b.forget(0, len(b.captures))
			want = want || b.match(root, pos, false, func(int) bool { return true })
		}
		if !b.overworked && got != want {
			t.Errorf("%q on %q: got %v, backtracking returns %v", pattern, text, got, want)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	for _, tt := range []struct{ pattern, text string }{
		{`^[a-zA-Z0-9_-]{1,64}$`, "order-2024-00017_final"},
		{`^(?=.*\d)(?=.*[a-z])(?=.*[A-Z]).{8,64}$`, "correctHorse7battery"},
		{`^[^@\s]+@[^@\s]+\.[^@\s]+$`, "someone@example.com"},
		{`(?<!a)b(?!c)`, "acbcbbcacbcbcbcb"},
		{`^(\d{4})([-/])\d\d\2\d\d$`, "2024-05-06"},
	} {
		p := MustCompile(tt.pattern)
		b.Run(tt.pattern, func(b *testing.B) {
			for b.Loop() {
				p.MatchString(tt.text)
			}
		})
	}
}

func TestImplies(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern, other string
		want           bool
	}{
		{`^[a-f]{8}$`, `^[a-z]{8}$`, true},
		{`^[a-f]{8}$`, `a|b|c|d|e|f`, true},
		{`^[a-f]{8}$`, `^.{7}$`, false},
		{`^a+$`, `^a*$`, true},
		{`^a*$`, `^a+$`, false},
		{`^é$`, `^[à-ü]$`, true},
		{`^[à-ü]$`, `^é$`, false},
		{`^[^b]$`, `^[^ab]$`, false},
		{`ab`, `b`, true},
		{`b`, `ab`, false},
		{`\bw\b`, `w`, true},
		{`w`, `\bw\b`, false},
		{`^(a)\1$`, `^aa$`, false},
		{`^a$`, `(?=a)`, false},
		{`^a$`, `(`, false},
	}
	for _, tt := range tests {
		if got := Implies(tt.pattern, tt.other); got != tt.want {
			t.Errorf("%s implies %s: got %v, want %v", tt.pattern, tt.other, got, tt.want)
		}
	}
}
