package sample

import (
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

// maxPattern is the most characters generated for a pattern.
const maxPattern = 1 << 12

// fromPattern returns a string that probably matches an ECMA-262 pattern; the caller checks it. Lookaheads and lookbehinds
// are ignored. stretch is how often it repeats an unbounded repetition.
func (t *try) fromPattern(pattern string, stretch int) (string, bool) {
	re, err := syntax.Parse(translate(pattern), syntax.Perl)
	if err != nil {
		return "", false
	}
	var b strings.Builder
	t.write(&b, re, stretch)
	return b.String(), true
}

// write writes a string that matches re.
func (t *try) write(b *strings.Builder, re *syntax.Regexp, stretch int) {
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			b.WriteRune(r)
		}
	case syntax.OpCharClass:
		b.WriteRune(t.oneOf(re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteString(t.letters(1))
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		for range t.times(re, stretch) {
			if b.Len() < maxPattern {
				t.write(b, re.Sub[0], stretch)
			}
		}
	case syntax.OpAlternate:
		t.write(b, re.Sub[t.random.IntN(len(re.Sub))], stretch)
	case syntax.OpConcat, syntax.OpCapture:
		for _, sub := range re.Sub {
			t.write(b, sub, stretch)
		}
	}
}

// times returns how often to repeat a part.
func (t *try) times(re *syntax.Regexp, stretch int) int {
	switch re.Op {
	case syntax.OpQuest:
		return t.random.IntN(2)
	case syntax.OpPlus:
		return 1 + t.random.IntN(stretch+1)
	case syntax.OpRepeat:
		room := stretch
		if re.Max >= 0 {
			room = min(stretch, re.Max-re.Min)
		}
		return re.Min + t.random.IntN(room+1)
	}
	return t.random.IntN(stretch + 1)
}

// oneOf returns a character of a class, preferably a letter or a digit. pairs are its ranges.
func (t *try) oneOf(pairs []rune) rune {
	for _, common := range []string{"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", "-_.:/+ @#"} {
		var fit []rune
		for _, r := range common {
			if in(pairs, r) {
				fit = append(fit, r)
			}
		}
		if len(fit) > 0 {
			return fit[t.random.IntN(len(fit))]
		}
	}
	if len(pairs) > 0 && utf8.ValidRune(pairs[0]) {
		return pairs[0]
	}
	return utf8.RuneError
}

func in(pairs []rune, r rune) bool {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] <= r && r <= pairs[i+1] {
			return true
		}
	}
	return false
}

// translate converts an ECMA-262 pattern for package syntax, without lookaheads and lookbehinds.
func translate(pattern string) string {
	var b strings.Builder
	class := false
	for i := 0; i < len(pattern); i++ {
		rest := pattern[i:]
		switch {
		case pattern[i] == '\\' && len(rest) > 1:
			text, n := escape(rest)
			b.WriteString(text)
			i += n - 1
			continue
		case class:
			class = pattern[i] != ']'
			if pattern[i] == '[' {
				b.WriteByte('\\')
			}
		case pattern[i] == '[':
			class = true
		case isLook(rest):
			i += group(rest) - 1
			continue
		}
		b.WriteByte(pattern[i])
	}
	return b.String()
}

func isLook(s string) bool {
	for _, prefix := range []string{"(?=", "(?!", "(?<=", "(?<!"} {
		if strings.HasPrefix(s, prefix) {
			return true
		}
	}
	return false
}

// group returns the length of the group at the start of s.
func group(s string) int {
	depth, class := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			i++
		case class:
			class = c != ']'
		case c == '[':
			class = true
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

// escape converts the escape at the start of s for package syntax, and returns its length.
func escape(s string) (string, int) {
	switch {
	case strings.HasPrefix(s, `\u{`):
		if end := strings.IndexByte(s, '}'); end > 0 {
			return `\x` + s[2:end+1], end + 1
		}
	case s[1] == 'u' && len(s) >= 6:
		return `\x{` + s[2:6] + "}", 6
	case s[1] == 'p' || s[1] == 'P':
		end := strings.IndexByte(s, '}')
		_, name, ok := strings.Cut(s[:max(end, 0)], "=")
		if ok {
			return s[:2] + "{" + name + "}", end + 1
		}
	}
	return s[:2], 2
}
