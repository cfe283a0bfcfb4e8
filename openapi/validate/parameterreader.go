package validate

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode/utf8"
)

// Place is the place of a parameter, and what the contract requires there.
type Place struct {
	In, Name string
	Expected *Expected
}

// ParameterReader reads the parameters of one request for generated code. It records faults in a [Reader] without data, so
// that the same functions check strings of bodies and of parameters. The offset of a fault is the index of the parameter in
// the list.
type ParameterReader struct {
	Reader
	list []Place
	seen uint64
}

// ParametersOf returns a reader of the parameters in list, at most 64.
func ParametersOf(list []Place) ParameterReader { return ParameterReader{list: list} }

// Close returns the faults, nil if there are none: first of undeclared options, then of the parameters in the order of the
// list. For a repeated parameter it returns only that fault.
func (p *ParameterReader) Close() *Faults {
	valid := p.marks == nil
	if valid && p.unheld == nil {
		return nil
	}
	marks := slices.Concat(p.marks, p.unheld)
	slices.SortStableFunc(marks, func(a, b mark) int { return cmp.Compare(p.rank(&a), p.rank(&b)) })
	f := &Faults{Undecodable: valid}
	for _, m := range marks {
		name := m.member
		if m.in == "" {
			if m.keyword != "repeated" && p.isRepeated(m.at) || len(f.List) > 0 && m.keyword == "repeated" && f.List[len(f.List)-1].isRepeated(p.list[m.at]) {
				continue
			}
			m.in, name = p.list[m.at].In, p.list[m.at].Name
		}
		m.member = ""
		f.List = append(f.List, m.fault("", name))
	}
	return f
}

// rank is the position of a fault in the list of faults.
func (p *ParameterReader) rank(m *mark) int {
	if m.in != "" {
		return -1
	}
	return m.at
}

func (p *ParameterReader) isRepeated(i int) bool {
	return slices.ContainsFunc(p.marks, func(m mark) bool { return m.in == "" && m.at == i && m.keyword == "repeated" })
}

func (f *Fault) isRepeated(p Place) bool {
	return f.Keyword == "repeated" && f.In == p.In && f.Name == p.Name
}

// Path decodes path parameter i.
func (p *ParameterReader) Path(i int, raw string) (string, bool) {
	s, ok := unescapePercent(raw, false)
	if !ok {
		p.Fault(i, "encoding", "", p.list[i].Expected)
	}
	return s, ok
}

// Option removes the next option from a raw query. It returns the decoded name, the raw value and the rest, and reports
// false if there is no option or its name cannot be decoded.
func (p *ParameterReader) Option(query string) (string, string, string, bool) {
	option, rest, _ := strings.Cut(query, "&")
	name, value, _ := strings.Cut(option, "=")
	decoded, ok := unescapePercent(name, true)
	if !ok {
		p.note(mark{in: "query", member: strings.ToValidUTF8(name, "\uFFFD"), keyword: "encoding", want: &Expected{}})
	}
	return decoded, value, rest, ok && option != ""
}

// SystemOption returns the declared OData system query option that a name means, or else the name. The comparison is
// case-insensitive and ignores a missing $ (OData 4.01 §5.1).
func SystemOption(name string, declared ...string) string {
	bare := strings.TrimPrefix(name, "$")
	for _, d := range declared {
		if len(bare) == len(d)-1 && strings.EqualFold(bare, d[1:]) { // of equal length, so that only ASCII letters fold
			return d
		}
	}
	return name
}

// Query decodes the value of query parameter i. It rejects a duplicate.
func (p *ParameterReader) Query(i int, raw string) (string, bool) {
	if p.seen&(1<<i) != 0 {
		p.Fault(i, "repeated", "", p.list[i].Expected)
		return "", false
	}
	p.seen |= 1 << i
	s, ok := unescapePercent(raw, true)
	if !ok {
		p.Fault(i, "encoding", "", p.list[i].Expected)
	}
	return s, ok
}

// Unknown records an undeclared query option.
func (p *ParameterReader) Unknown(name string) {
	p.note(mark{in: "query", member: name, keyword: "additionalProperties", want: &Expected{}})
}

// Header returns the value of header field i, which must not have several lines.
func (p *ParameterReader) Header(i int, lines []string) (string, bool) {
	switch len(lines) {
	case 0:
		return "", false
	case 1:
		p.seen |= 1 << i
		if !utf8.ValidString(lines[0]) {
			p.Fault(i, "encoding", "", p.list[i].Expected)
			return "", false
		}
		return lines[0], true
	}
	p.seen |= 1 << i
	p.Fault(i, "repeated", "", p.list[i].Expected)
	return "", false
}

// ListHeader returns the value of a header field whose lines may be joined by commas (RFC 9110 §5.3).
func (p *ParameterReader) ListHeader(i int, lines []string) (string, bool) {
	if len(lines) > 1 {
		lines = []string{strings.Join(lines, ", ")}
	}
	return p.Header(i, lines)
}

// HeaderLine returns the only line of a header field without allocating, or all its lines joined.
func HeaderLine(lines []string) *string {
	if len(lines) == 1 {
		return &lines[0]
	}
	return new(strings.Join(lines, ", "))
}

// Require records that a required parameter is missing.
func (p *ParameterReader) Require(i int) {
	if p.seen&(1<<i) == 0 {
		p.Fault(i, "required", "", p.list[i].Expected)
	}
}

// Number returns the value of a parameter as a number literal.
func (p *ParameterReader) Number(i int, s string) ([]byte, bool) {
	lit := []byte(s)
	if !isNumber(lit) {
		p.Fault(i, "type", "", p.list[i].Expected)
		return nil, false
	}
	return lit, true
}

// Boolean returns the value of a parameter that is true or false.
func (p *ParameterReader) Boolean(i int, s string) bool {
	if s != "true" && s != "false" {
		p.Fault(i, "type", "", p.list[i].Expected)
	}
	return s == "true"
}

// unescapePercent decodes percent-encoding exactly once (RFC 3986 §2.4), and in a form a plus sign as a space. It reports
// false for a percent sign without two digits and for invalid UTF-8.
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

// Explain returns the faults of parameters as [Operation.CheckParameters] does. found are the faults of decoding. They are
// used if the contract accepts the values, which then do not fit into their Go types.
func (o *Operation) Explain(found *Faults, path []string, query string, header map[string][]string) *Faults {
	if all := o.CheckParameters(context.Background(), path, query, header); all != nil {
		return all
	}
	return found
}
