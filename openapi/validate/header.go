package validate

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
)

// checkLines checks a header field. It joins the lines of a list or an object (RFC 9110 §5.3).
func (t *texts) checkLines(q *parameter, lines []string) {
	switch {
	case len(lines) == 0:
		t.require(q)
	case len(lines) > 1 && !q.key && q.Content == "" && IsListField(q.field):
		t.checkText(q, strings.Join(lines, ", "), delimitersIn(q))
	case len(lines) > 1 && (q.key || q.Content != "" || !q.shape.can(Array|Object)):
		t.fault(q, "repeated", 0)
	case q.key || q.Spot != nil:
	case len(lines) == 1:
		t.checkText(q, lines[0], delimitersIn(q))
	default:
		t.checkText(q, strings.Join(lines, ","), delimitersIn(q))
	}
}

// CheckHeader checks the header fields of a response that the document describes. The keys of header are case-insensitive,
// because servers may write other forms than http.Header's.
func (r *Response) CheckHeader(ctx context.Context, header map[string][]string) *Faults {
	if len(r.Headers) == 0 {
		return nil
	}
	return checkFields(ctx, planOf(&r.plan, r.Headers), header)
}

// planOf returns the plan for header fields, which known caches.
func planOf(known *atomic.Pointer[plan], fields []*Parameter) *plan {
	p := known.Load()
	if p == nil {
		p = &plan{}
		for _, f := range fields {
			p.add(newParameter(f))
		}
		known.Store(p)
	}
	return p
}

func checkFields(ctx context.Context, p *plan, header map[string][]string) *Faults {
	t := beginTexts(ctx)
	defer t.end()
	for _, q := range p.params {
		lines := linesOf(header, q.field)
		if q.field == "Set-Cookie" && len(lines) > 1 { // its lines must not be joined (RFC 9110 §5.3)
			for i := range lines {
				t.checkLines(q, lines[i:i+1])
			}
			continue
		}
		t.checkLines(q, lines)
	}
	return t.result()
}

// linesOf returns the lines of a header field, case-insensitive.
func linesOf(header map[string][]string, field string) []string {
	lines, others := header[field], make([]string, 0, 4)
	for name := range header {
		if len(name) == len(field) && name != field && strings.EqualFold(name, field) {
			others = append(others, name)
		}
	}
	if len(others) == 1 && lines == nil {
		return header[others[0]]
	}
	slices.Sort(others)
	for _, name := range others {
		lines = append(slices.Clip(lines), header[name]...)
	}
	return lines
}

// readCookies assigns cookies to parameters. Readers disagree on malformed pairs (RFC 6265 §4.1.1), so such a pair is a
// fault of the whole field.
func (t *texts) readCookies(p *plan, lines []string) {
	for _, line := range lines {
		for more := true; more; {
			var pair string
			pair, line, more = strings.Cut(line, ";")
			name, value, ok := strings.Cut(strings.Trim(pair, " \t"), "=")
			if !p.isPair(name, value, ok) {
				t.faults.List = append(t.faults.List, Fault{In: "header", Name: "Cookie", Keyword: "malformed"})
				return
			}
			if q := p.cookies[name]; q != nil {
				t.give(q, option{name: name, raw: value, own: true})
			}
		}
	}
}

// isPair reports whether all readers find the same cookie in a pair, or none of the contract's. assigned reports whether it
// has an equals sign. A quoted string must end in its pair, because some readers let it continue in the next (RFC 2965
// §3.2).
func (p *plan) isPair(name, value string, assigned bool) bool {
	decoded, _ := unescapePercent(name, false)
	switch {
	case strings.ContainsAny(name, " \t"), name == "" && assigned:
		return false
	case strings.HasPrefix(value, `"`) && (len(value) == 1 || !strings.HasSuffix(value, `"`)):
		return false
	case p.cookies[name] != nil:
		return assigned
	}
	return p.cookies[decoded] == nil
}

// checkCookie checks one cookie.
func (t *texts) checkCookie(q *parameter) {
	first, one := t.given(q)
	switch {
	case first == nil:
		t.require(q)
	case !one:
		t.fault(q, "repeated", 0)
	case q.key || q.Spot != nil:
	case q.Content == "" && q.Explode && q.shape.must(Array):
		t.checkExploded(q)
	default:
		t.checkText(q, first.raw, delimitersIn(q))
	}
}

// listFields are the header fields whose lines may be split and joined (RFC 9110 §5.3). Conditional fields are left out: a
// duplicate is more likely a proxy's mistake than a list.
var listFields = []string{
	"Accept-Charset", "Accept-Encoding", "Accept-Language", "Accept-Patch", "Accept-Ranges", "Allow", "Cache-Control", "Content-Language",
	"Forwarded", "Link", "Prefer", "Preference-Applied", "Proxy-Authenticate", "Server-Timing", "Vary", "Via", "Warning", "Www-Authenticate",
}

// IsListField reports whether the lines of a header field may be joined by commas (RFC 9110 §5.3). The name has the form of
// [net/http.Header].
func IsListField(name string) bool { return slices.Contains(listFields, name) }
