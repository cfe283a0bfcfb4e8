package openapi

import (
	"bytes"
	"encoding/json"
	"net/textproto"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// parameter is a parameter of an operation.
type parameter struct {
	in, name   string
	field      string // the header field's name in the form of http.Header
	segment    int    // of a path parameter, counted among the template's parameters
	style      string
	explode    bool
	required   bool
	allowEmpty bool
	content    bool // the text is JSON
	free       bool // a key that a security scheme asks for; its value is no business of ours
	shape      *shape
	schema     *schema
	want       want
}

// pair is a part of a query, a form or a header: a key, decoded, and the text of its value.
type pair struct{ key, raw string }

func (p *parameter) fault(keyword string, path ...string) fault {
	f := fault{in: p.in, name: p.name, keyword: keyword, want: p.want, path: path}
	if p.in == "cookie" {
		// cookies stand in a header field
		f.in, f.name, f.path = "header", "Cookie", append([]string{p.name}, path...)
	}
	return f
}

// spread reports whether the parameter is an object whose members are query options of their own.
func (p *parameter) spread() bool {
	return p.in == "query" && p.style == "form" && p.explode && p.shape != nil && p.shape.kinds&objects != 0
}

func (p *parameter) deep() bool { return p.style == "deepObject" }

// options are the query options of an operation.
type options struct {
	byName map[string]int // parameter by the name of an option
	rest   int            // the parameter whose members have any name, or -1
	params []*parameter
}

// find returns the parameter that a query option belongs to, and the option's name within it.
func (o *options) find(name string) (*parameter, string) {
	if i, ok := o.byName[name]; ok {
		return o.params[i], name
	}
	if base, key, ok := strings.Cut(name, "["); ok && strings.HasSuffix(key, "]") {
		key = key[:len(key)-1]
		for _, p := range o.params {
			if p.deep() && p.name == base && key != "" && !strings.ContainsAny(key, "[]") {
				return p, key
			}
		}
	}
	if o.rest >= 0 {
		return o.params[o.rest], name
	}
	return nil, ""
}

// checkParameters returns the faults of all parameters: unknown query options first.
func (o *Operation) checkParameters(path []string, query string, header map[string][]string) []fault {
	var faults []fault
	pairs := make([][]pair, len(o.options.params))
	for query != "" && len(faults) < maxFaults {
		var option string
		option, query, _ = strings.Cut(query, "&")
		if option == "" {
			continue
		}
		name, raw, _ := strings.Cut(option, "=")
		decoded, ok := unescape(name, true)
		if !ok {
			faults = append(faults, fault{in: "query", name: strings.ToValidUTF8(name, "\uFFFD"), keyword: "encoding"})
			continue
		}
		p, key := o.options.find(decoded)
		if p == nil {
			faults = append(faults, fault{in: "query", name: decoded, keyword: "additionalProperties"})
			continue
		}
		i := slices.Index(o.options.params, p)
		pairs[i] = append(pairs[i], pair{key, raw})
	}
	for _, p := range o.params {
		if len(faults) >= maxFaults {
			break
		}
		switch p.in {
		case "path":
			if p.segment < len(path) {
				faults = append(faults, p.checkSegment(path[p.segment])...)
			} else {
				faults = append(faults, p.fault("required"))
			}
		case "query":
			faults = append(faults, p.checkQuery(pairs[slices.Index(o.options.params, p)])...)
		case "header":
			faults = append(faults, p.checkLines(header[p.field])...)
		case "cookie":
			faults = append(faults, p.checkCookie(header["Cookie"])...)
		}
	}
	return faults
}

func (p *parameter) checkSegment(raw string) []fault {
	var ok bool
	prefix := ""
	switch p.style {
	case "label":
		prefix = "."
	case "matrix":
		prefix = ";"
		if !p.explode || p.content || p.shape.kinds&objects == 0 {
			prefix += p.name + "="
		}
	}
	if raw, ok = strings.CutPrefix(raw, prefix); !ok {
		return []fault{p.fault("type")}
	}
	separator := ","
	if p.explode && p.style != "simple" {
		separator = prefix
	}
	return p.checkText(raw, separator, func(s string) (string, bool) { return unescape(s, false) })
}

func (p *parameter) checkQuery(pairs []pair) []fault {
	if len(pairs) == 0 {
		if p.required {
			return []fault{p.fault("required")}
		}
		return nil
	}
	if p.free {
		return nil
	}
	if p.spread() || p.deep() {
		return p.checkPairs(pairs, true)
	}
	decode := func(s string) (string, bool) { return unescape(s, true) }
	if p.allowEmpty && len(pairs) == 1 && pairs[0].raw == "" {
		return nil
	}
	if !p.content && p.explode && p.shape.kinds&arrays != 0 {
		list := make([]string, len(pairs))
		for i, part := range pairs {
			list[i] = part.raw
		}
		return p.checkList(list, decode)
	}
	if len(pairs) > 1 {
		return []fault{p.fault("repeated")}
	}
	raw, separator := pairs[0].raw, ","
	switch p.style {
	case "spaceDelimited":
		raw, separator = strings.ReplaceAll(raw, "%20", "+"), "+"
	case "pipeDelimited":
		raw, separator = strings.NewReplacer("%7C", "|", "%7c", "|").Replace(raw), "|"
	}
	return p.checkText(raw, separator, decode)
}

func (p *parameter) checkLines(lines []string) []fault {
	if len(lines) == 0 {
		if p.required {
			return []fault{p.fault("required")}
		}
		return nil
	}
	if p.free {
		return nil
	}
	if len(lines) > 1 && (p.content || p.shape.kinds&(arrays|objects) == 0) {
		return []fault{p.fault("repeated")}
	}
	// RFC 9110 §5.3: lines are joined by commas, §5.6.1: white space around items does not count
	return p.checkText(strings.Join(lines, ","), ",", func(s string) (string, bool) { return strings.Trim(s, " \t"), utf8.ValidString(s) })
}

// checkCookie checks one cookie. Its text is taken as it stands: RFC 6265 knows no encoding, and upstreams differ.
func (p *parameter) checkCookie(lines []string) []fault {
	var found []string
	for _, line := range lines {
		for cookie := range strings.SplitSeq(line, ";") {
			if name, value, _ := strings.Cut(strings.Trim(cookie, " \t"), "="); name == p.name {
				found = append(found, value)
			}
		}
	}
	switch {
	case len(found) > 1:
		return []fault{p.fault("repeated")}
	case len(found) == 1 && !p.free:
		return p.checkText(found[0], ",", func(s string) (string, bool) { return s, utf8.ValidString(s) })
	case len(found) == 0 && p.required:
		return []fault{p.fault("required")}
	}
	return nil
}

// checkText checks a parameter that is one text. What separates the items of lists stands as itself: a separator that is
// percent-encoded is part of an item.
func (p *parameter) checkText(raw, separator string, decode func(string) (string, bool)) []fault {
	if p.content {
		text, ok := decode(raw)
		if !ok {
			return []fault{p.fault("encoding")}
		}
		return p.checkJSON(text)
	}
	switch {
	case p.shape.kinds&objects != 0:
		pairs, ok := p.members(raw, separator, decode)
		if !ok {
			return []fault{p.fault("type")}
		}
		return p.checkPairsWith(pairs, decode)
	case p.shape.kinds&arrays != 0:
		list := strings.Split(raw, separator)
		return p.checkList(list, decode)
	}
	return p.checkList([]string{raw}, decode)
}

// members splits the text of an object: R,100,G,200, or R=100,G=200 if it is exploded.
func (p *parameter) members(raw, separator string, decode func(string) (string, bool)) ([]pair, bool) {
	if raw == "" {
		return nil, true
	}
	parts := strings.Split(raw, separator)
	var pairs []pair
	for i := 0; i < len(parts); i++ {
		key, value, ok := strings.Cut(parts[i], "=")
		if !p.explode {
			if i+1 == len(parts) {
				return nil, false
			}
			key, value, ok = parts[i], parts[i+1], true
			i++
		}
		name, valid := decode(key)
		if !ok || !valid {
			return nil, false
		}
		pairs = append(pairs, pair{name, value})
	}
	return pairs, true
}

func (p *parameter) checkList(raw []string, decode func(string) (string, bool)) []fault {
	list := make([]string, len(raw))
	for i, s := range raw {
		text, ok := decode(s)
		if !ok {
			return []fault{p.fault("encoding")}
		}
		list[i] = text
	}
	return p.judge(func(plain bool) any { return p.shape.list(list, plain) })
}

func (p *parameter) checkPairs(pairs []pair, form bool) []fault {
	return p.checkPairsWith(pairs, func(s string) (string, bool) { return unescape(s, form) })
}

func (p *parameter) checkPairsWith(pairs []pair, decode func(string) (string, bool)) []fault {
	object := map[string][]string{}
	var faults []fault
	for _, m := range pairs {
		text, ok := decode(m.raw)
		if !ok {
			faults = append(faults, p.fault("encoding", m.key))
		} else if _, again := object[m.key]; again && !p.shape.repeats(m.key) {
			faults = append(faults, p.fault("repeated", m.key))
		}
		if len(faults) == maxFaults {
			break
		}
		object[m.key] = append(object[m.key], text)
	}
	if faults != nil {
		return faults
	}
	return p.judge(func(plain bool) any {
		value := make(map[string]any, len(object))
		for name, list := range object {
			value[name] = p.shape.member(name).list(list, plain)
		}
		return value
	})
}

// judge checks what a text stands for. Where it can stand for a number or a string, either may fit.
func (p *parameter) judge(value func(plain bool) any) []fault {
	faults := p.schema.check(value(false))
	if faults != nil && p.shape.ambiguous() && p.schema.check(value(true)) == nil {
		return nil
	}
	return p.place(faults)
}

// place says that faults of a value are those of the parameter.
func (p *parameter) place(faults []fault) []fault {
	for i := range faults {
		f := p.fault(faults[i].keyword, faults[i].path...)
		f.want, f.value = faults[i].want, faults[i].value
		if p.in == "" {
			f.name = faults[i].name
		}
		faults[i] = f
	}
	return faults
}

func (p *parameter) checkJSON(text string) []fault {
	if validate.CheckJSON([]byte(text), maxDepth) != nil {
		return []fault{p.fault("malformed")}
	}
	value, err := decodeJSON([]byte(text))
	if err != nil {
		return []fault{p.fault("malformed")}
	}
	return p.place(p.schema.check(value))
}

// decodeJSON decodes what CheckJSON has let through, with numbers as they are written.
func decodeJSON(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

// unescape decodes percent-encoding exactly once (RFC 3986 §2.4), and a plus sign as a space in a form. It reports false for
// a percent sign without two digits and for what is not UTF-8.
func unescape(s string, form bool) (string, bool) {
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

// unhex returns the value of a hexadecimal digit, 0xff for anything else.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 0xff
}

// ignored are the header fields that OpenAPI describes elsewhere (OpenAPI 3.0.3, Parameter Object).
var ignored = []string{"Accept", "Content-Type", "Authorization"}

// styles are those that a place can have.
var styles = map[string][]string{
	"path":   {"simple", "label", "matrix"},
	"query":  {"form", "spaceDelimited", "pipeDelimited", "deepObject"},
	"header": {"simple"},
	"cookie": {"form"},
}

// parameter reads a Parameter Object. It returns nil for one that is to be ignored.
func (l *loading) parameter(n node) (*parameter, error) {
	p := &parameter{in: n.get("in").string(), name: n.get("name").string(), required: n.get("required").bool(), allowEmpty: n.get("allowEmptyValue").bool()}
	if p.in == "header" {
		p.field = textproto.CanonicalMIMEHeaderKey(p.name)
		if slices.Contains(ignored, p.field) {
			return nil, nil
		}
	}
	if len(styles[p.in]) == 0 {
		return nil, n.errorf("%q is no place for a parameter", p.in)
	}
	p.style = styles[p.in][0]
	if n.has("style") {
		p.style = n.get("style").string()
	}
	if !slices.Contains(styles[p.in], p.style) {
		return nil, n.errorf("a %s parameter cannot have the style %q", p.in, p.style)
	}
	p.explode = p.style == "form" || p.deep()
	if n.has("explode") {
		p.explode = n.get("explode").bool()
	}
	at := n.get("schema")
	if n.has("content") {
		types := n.get("content").members()
		if len(types) != 1 || !isJSON(mediaType(types[0])) {
			return nil, n.get("content").errorf("a parameter's content must be one JSON media type")
		}
		p.content, p.style = true, styles[p.in][0]
		if at = n.get("content").get(types[0]).get("schema"); at.v == nil {
			return p, nil
		}
	}
	p.want, p.schema = wantOf(at), l.requests.add(at)
	if p.content {
		return p, nil
	}
	var err error
	if p.shape, err = shapeOf(at, 0); err != nil {
		return nil, err
	}
	if err := p.shape.settle(at, false, p.deep() || p.spread()); err != nil {
		return nil, err
	}
	return p, p.fits(n)
}

// fits refuses styles that do not fit the value's type.
func (p *parameter) fits(n node) error {
	switch structured := p.shape.kinds&(arrays|objects) != 0; {
	case p.deep() && (p.shape.kinds != objects || !p.explode):
		return n.errorf("deepObject is for exploded objects")
	case p.style == "spaceDelimited" || p.style == "pipeDelimited":
		if !structured {
			return n.errorf("%s is for arrays and objects", p.style)
		}
		if p.explode && p.shape.kinds&objects != 0 {
			return n.errorf("%s has no exploded objects", p.style)
		}
	case p.in == "cookie" && structured && p.explode:
		return n.errorf("an exploded array or object has no form in a cookie")
	}
	return nil
}
