// Package odata parses OData query options that have their own grammar.
package odata

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

const (
	maxComparisons = 32
	maxDepth       = 16 // of parentheses
)

// Error is a mistake in a query option. Its text is for clients and repeats no value.
type Error struct {
	At  int // the position of the mistake in characters, counted from 1
	Msg string
}

func (e *Error) Error() string { return fmt.Sprintf("%s at character %d", e.Msg, e.At) }

// ParseFilter parses a $filter of comparisons with `eq`, joined by `and` and optionally in parentheses. Each compares a
// member with a literal, in either order (OData 4.01 URL Conventions §5.1.1; ABNF boolCommonExpr). Operators are
// case-insensitive, members and literals case-sensitive. Its error is an [*Error].
func ParseFilter(text string) (pfx.Filter, error) {
	p := parser{text: text}
	p.next()
	if err := p.conjunction(0); err != nil {
		return nil, err
	}
	if p.tok.kind != end {
		return nil, p.errorf(p.tok, "only comparisons with 'eq' joined by 'and' are supported: something else follows")
	}
	return p.filter, nil
}

type kind int

const (
	end kind = iota
	open
	closing
	word   // a name, an operator or a literal without quotes
	quoted // a string literal
	broken // an unterminated string literal
)

type token struct {
	kind kind
	text string // decoded, for a string literal
	at   int    // the offset of its first byte
}

type parser struct {
	text   string
	pos    int
	tok    token
	filter pfx.Filter
}

func (p *parser) errorf(t token, format string, args ...any) error {
	return &Error{At: utf8.RuneCountInString(p.text[:t.at]) + 1, Msg: fmt.Sprintf(format, args...)}
}

// next reads the next token.
func (p *parser) next() {
	for p.pos < len(p.text) && (p.text[p.pos] == ' ' || p.text[p.pos] == '\t') {
		p.pos++
	}
	p.tok = token{at: p.pos}
	if p.pos == len(p.text) {
		return
	}
	switch p.text[p.pos] {
	case '(':
		p.tok.kind = open
		p.pos++
	case ')':
		p.tok.kind = closing
		p.pos++
	case '\'':
		p.quoted()
	default:
		n := strings.IndexAny(p.text[p.pos:], " \t()'")
		if n < 0 {
			n = len(p.text) - p.pos
		}
		p.tok.kind, p.tok.text = word, p.text[p.pos:p.pos+n]
		p.pos += n
	}
}

// quoted reads a string literal, in which two apostrophes represent one.
func (p *parser) quoted() {
	var b strings.Builder
	for i := p.pos + 1; i < len(p.text); i++ {
		if p.text[i] != '\'' {
			b.WriteByte(p.text[i])
			continue
		}
		if i+1 < len(p.text) && p.text[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		p.tok.kind, p.tok.text, p.pos = quoted, b.String(), i+1
		return
	}
	p.tok.kind, p.pos = broken, len(p.text)
}

func (p *parser) isOperator(name string) bool {
	return p.tok.kind == word && strings.EqualFold(p.tok.text, name)
}

// conjunction reads one or more terms joined by `and`.
func (p *parser) conjunction(depth int) error {
	for {
		if err := p.term(depth); err != nil {
			return err
		}
		if !p.isOperator("and") {
			return nil
		}
		p.next()
	}
}

// term reads a comparison, or a conjunction in parentheses.
func (p *parser) term(depth int) error {
	if p.tok.kind != open {
		return p.comparison()
	}
	if depth == maxDepth {
		return p.errorf(p.tok, "at most %d parentheses may be nested: there are more", maxDepth)
	}
	p.next()
	if err := p.conjunction(depth + 1); err != nil {
		return err
	}
	if p.tok.kind != closing {
		return p.errorf(p.tok, "a closing parenthesis, 'and' or 'eq' is missing")
	}
	p.next()
	return nil
}

func (p *parser) comparison() error {
	if len(p.filter) == maxComparisons {
		return p.errorf(p.tok, "at most %d comparisons are supported: there are more", maxComparisons)
	}
	left := p.tok
	if left.kind != word && left.kind != quoted {
		return p.errorf(left, "a comparison is missing, such as status eq 6")
	}
	p.next()
	if !p.isOperator("eq") {
		return p.errorf(p.tok, "only the operators 'eq' and 'and' are supported: 'eq' is missing")
	}
	p.next()
	right := p.tok
	name, value := left, right
	v, ok := literal(right)
	if !ok {
		name, value = right, left
		if v, ok = literal(left); !ok {
			return p.errorf(right, "a literal is missing: null, true, an integer, a Guid, a time with offset, or text in apostrophes")
		}
	}
	if name.kind != word {
		return p.errorf(name, "the name of a member is missing")
	}
	c, err := pfx.NewComparison(name.text, v)
	if errors.Is(err, pfx.ErrNoMember) {
		return p.errorf(name, "a member of that name does not exist")
	}
	if err != nil {
		return p.errorf(value, "the literal is not of the member's type")
	}
	p.filter = append(p.filter, c)
	p.next()
	return nil
}

// literal returns the value of a primitive literal (OData ABNF primitiveLiteral): nil, bool, int64, edm.Guid,
// edm.DateTimeOffset or string.
func literal(t token) (any, bool) {
	if t.kind == quoted {
		return t.text, true
	}
	if t.kind != word {
		return nil, false
	}
	switch t.text {
	case "null":
		return nil, true
	case "true", "false":
		return t.text == "true", true
	}
	if n, err := strconv.ParseInt(t.text, 10, 64); err == nil && t.text[0] != '+' {
		return n, true
	}
	if g, err := edm.ParseGuid(t.text); err == nil {
		return g, true
	}
	if d, err := edm.ParseDateTimeOffset(t.text); err == nil {
		return d, true
	}
	return nil, false
}
