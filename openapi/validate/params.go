package validate

import (
	"strings"
	"unicode/utf8"
)

// param is where a parameter stands and what it is.
type param struct {
	in, name string
	want     *Expected
}

// params checks the parameters of one request. It is a lexer without data: what checks a string of a body checks one of
// a parameter too, and an offset is the index of the parameter instead.
type params struct {
	lexer
	list []param
	seen uint64
}

// close returns the faults, nil if there are none.
func (p *params) close() *Faults {
	if p.marks == nil {
		return nil
	}
	f := &Faults{}
	for _, m := range p.marks {
		name := m.member
		if m.in == "" {
			m.in, name = p.list[m.at].in, p.list[m.at].name
		}
		m.member = ""
		f.List = append(f.List, m.fault("", name))
	}
	return f
}

// path decodes the path parameter number i.
func (p *params) path(i int, raw string) (string, bool) {
	s, ok := unescapePercent(raw, false)
	if !ok {
		p.fault(i, "encoding", "", p.list[i].want)
	}
	return s, ok
}

// option takes the next option off a raw query: its name, its value as it is written, and what is left. It reports false
// where there is none or its name cannot be read.
func (p *params) option(query string) (string, string, string, bool) {
	option, rest, _ := strings.Cut(query, "&")
	name, value, _ := strings.Cut(option, "=")
	decoded, ok := unescapePercent(name, true)
	if !ok {
		p.note(mark{in: "query", member: strings.ToValidUTF8(name, "\uFFFD"), keyword: "encoding", want: &Expected{}})
	}
	return decoded, value, rest, ok && option != ""
}

// systemOption returns which of the declared OData system query options a name means, or the name itself. They may be
// written in any letter case and without the $ (OData 4.01 §5.1).
func systemOption(name string, declared ...string) string {
	bare := strings.TrimPrefix(name, "$")
	for _, d := range declared {
		if len(bare) == len(d)-1 && strings.EqualFold(bare, d[1:]) { // of one length: no letter but an ASCII one folds
			return d
		}
	}
	return name
}

// query decodes the value of the query parameter number i and refuses a second one of that name.
func (p *params) query(i int, raw string) (string, bool) {
	if p.seen&(1<<i) != 0 {
		p.fault(i, "repeated", "", p.list[i].want)
		return "", false
	}
	p.seen |= 1 << i
	s, ok := unescapePercent(raw, true)
	if !ok {
		p.fault(i, "encoding", "", p.list[i].want)
	}
	return s, ok
}

// unknown notes a query option that is not declared.
func (p *params) unknown(name string) {
	p.note(mark{in: "query", member: name, keyword: "additionalProperties", want: &Expected{}})
}

// header returns the value of the header field number i, which may stand once.
func (p *params) header(i int, lines []string) (string, bool) {
	switch len(lines) {
	case 0:
		return "", false
	case 1:
		p.seen |= 1 << i
		if !utf8.ValidString(lines[0]) {
			p.fault(i, "encoding", "", p.list[i].want)
			return "", false
		}
		return lines[0], true
	}
	p.seen |= 1 << i
	p.fault(i, "repeated", "", p.list[i].want)
	return "", false
}

// listHeader returns the value of a header field whose lines may be joined by commas (RFC 9110 §5.3).
func (p *params) listHeader(i int, lines []string) (string, bool) {
	if len(lines) > 1 {
		lines = []string{strings.Join(lines, ", ")}
	}
	return p.header(i, lines)
}

// line returns the one line of a header field, in place so that nothing is allocated, or all of its lines joined.
func line(lines []string) *string {
	if len(lines) == 1 {
		return &lines[0]
	}
	return new(strings.Join(lines, ", "))
}

// require notes a required parameter that is not there.
func (p *params) require(i int) {
	if p.seen&(1<<i) == 0 {
		p.fault(i, "required", "", p.list[i].want)
	}
}

// number returns the value of a parameter as the literal that it has to be.
func (p *params) number(i int, s string) ([]byte, bool) {
	lit := []byte(s)
	if !isNumber(lit) {
		p.fault(i, "type", "", p.list[i].want)
		return nil, false
	}
	return lit, true
}

// boolean returns the value of a parameter that is true or false.
func (p *params) boolean(i int, s string) bool {
	if s != "true" && s != "false" {
		p.fault(i, "type", "", p.list[i].want)
	}
	return s == "true"
}

// unescapePercent decodes percent-encoding exactly once (RFC 3986 §2.4), and a plus sign as a space in a form. It
// reports false for a percent sign without two digits and for what is not UTF-8.
func unescapePercent(s string, form bool) (string, bool) {
	if strings.IndexByte(s, '%') < 0 && (!form || strings.IndexByte(s, '+') < 0) {
		return s, utf8.ValidString(s)
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '%':
			if i+2 >= len(s) || unhex(s[i+1])|unhex(s[i+2]) > 0xf {
				return "", false
			}
			b = append(b, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
		case c == '+' && form:
			b = append(b, ' ')
		default:
			b = append(b, c)
		}
	}
	return string(b), utf8.Valid(b)
}
