package validate

import (
	"strings"
	"unicode/utf8"
)

// part is one part of multipart/form-data. Its content is a slice of the body and is never copied.
type part struct {
	name    string
	isFile  bool // there is a filename
	typed   bool // there is a Content-Type
	media   MediaType
	content string
	fields  map[string][]string // the other header fields
}

// maxPartHeader is the largest header of a part, in bytes.
const maxPartHeader = 8 << 10

// checkParts checks multipart/form-data (RFC 7578): an object whose members are parts. The parts of a list have the same
// name. A member's media type is one of those in its Encoding Object. Without any, the part may state its own; the default
// is JSON for objects and text for the rest. For files only the length in bytes is checked.
//
// Readers disagree about boundaries, headers and names. Ambiguous content is malformed: text before the first or after the
// last boundary, a line that only starts like a boundary, a bare CR or LF before a boundary or in a header, folded lines, a
// duplicate field or parameter, filename*, escapes in a name, and Content-Transfer-Encoding.
func (t *texts) checkParts(b *Body, q *parameter, m MediaType, data string) {
	f := form{t, q, b.Encoding, false}
	boundary, _ := m.Parameter("boundary")
	if !isBoundary(boundary) {
		t.fault(q, "contentType", 0)
		return
	}
	t.root(objectNode, "")
	r := parts{data: data, boundary: "--" + boundary}
	for r.more() && !t.full() {
		if len(t.nodes) > maxTexts {
			t.fault(q, "maxProperties", 0)
			return
		}
		p, ok := r.part()
		if !ok {
			break
		}
		f.putPart(&p)
	}
	switch {
	case r.bad:
		t.faults.Malformed, t.faults.Empty, t.faults.Offset = true, data == "", min(r.at, len(data))
	case len(t.faults.List) == 0:
		t.try(q)
	}
}

// isBoundary reports whether a boundary is valid (RFC 2046 §5.1.1).
func isBoundary(s string) bool {
	for i := range len(s) {
		if c := s[i]; !(c-'0' <= 9 || c|0x20-'a' <= 'z'-'a' || c < utf8.RuneSelf && strings.IndexByte("'()+_,-./:=? ", c) >= 0) {
			return false
		}
	}
	return s != "" && len(s) <= 70 && s[len(s)-1] != ' '
}

// parts splits a multipart body.
type parts struct {
	data     string
	boundary string // with the two dashes before it
	at       int
	bad      bool
}

// more reads a boundary and reports whether a part follows.
func (r *parts) more() bool {
	rest, ok := strings.CutPrefix(r.data[r.at:], r.boundary)
	switch {
	case r.bad || !ok:
		r.bad = true
		return false
	case strings.HasPrefix(rest, "\r\n"):
		r.at += len(r.boundary) + 2
		return true
	}
	r.bad = rest != "--" && rest != "--\r\n"
	return false
}

// part reads a part and stops before the next boundary.
func (r *parts) part() (part, bool) {
	header, body, ok := strings.Cut(r.data[r.at:], "\r\n\r\n")
	var p part
	if !ok || len(header) > maxPartHeader || !p.readHeader(header) {
		r.bad = true
		return part{}, false
	}
	r.at += len(header) + 4
	end := r.end(body)
	if end < 0 {
		r.bad = true
		return part{}, false
	}
	p.content = body[:end]
	r.at += end + 2
	return p, true
}

// end returns the offset of the line break before the boundary that ends the content at the start of s; -1 if there is none,
// or if readers disagree whether it is one.
func (r *parts) end(s string) int {
	for from := 0; ; {
		i := strings.Index(s[from:], r.boundary)
		if i < 0 {
			return -1
		}
		i += from
		if i == 0 || s[i-1] != '\n' && s[i-1] != '\r' {
			if i == 0 {
				return -1 // at the start of a line
			}
			from = i + 1
			continue
		}
		rest := s[i+len(r.boundary):]
		if i < 2 || s[i-2] != '\r' || s[i-1] != '\n' || !strings.HasPrefix(rest, "\r\n") && !strings.HasPrefix(rest, "--") {
			return -1
		}
		return i - 2
	}
}

// readHeader reads the header of a part and reports whether it is unambiguous.
func (p *part) readHeader(header string) bool {
	named := false
	for more := true; more; {
		var line string
		line, header, more = strings.Cut(header, "\r\n")
		field, value, ok := strings.Cut(line, ":")
		if !ok || !isToken(field) || strings.ContainsAny(value, "\r\n\x00") {
			return false
		}
		switch strings.ToLower(field) {
		case "content-disposition":
			if named || !p.readDisposition(value) {
				return false
			}
			named = true
		case "content-type":
			if p.typed {
				return false
			}
			if p.media, p.typed = ParseMediaType(value); !p.typed {
				return false
			}
		case "content-transfer-encoding", "content-encoding":
			return false
		default:
			p.keep(field, strings.Trim(value, " \t"))
		}
	}
	return named
}

func (p *part) keep(field, value string) {
	if p.fields == nil {
		p.fields = map[string][]string{}
	}
	field = canonicalField(field)
	p.fields[field] = append(p.fields[field], value)
}

// readDisposition reads form-data; name="a"; filename="b".
func (p *part) readDisposition(value string) bool {
	kind, rest, _ := strings.Cut(value, ";")
	if !strings.EqualFold(strings.Trim(kind, " \t"), "form-data") {
		return false
	}
	named := false
	for rest != "" {
		key, value, behind, ok := cutParameter(rest)
		if !ok || key != "" && hasParameter(behind, key) {
			return false
		}
		switch strings.ToLower(key) {
		case "name":
			p.name, named = unquote(value), true
			if strings.IndexByte(value, '\\') >= 0 || !utf8.ValidString(value) {
				return false
			}
		case "filename":
			p.isFile = true
			if strings.Contains(value, `\"`) {
				return false
			}
		case "name*", "filename*":
			return false
		}
		rest = behind
	}
	return named && p.name != ""
}

// putPart adds the member of a part to the form.
func (f *form) putPart(p *part) {
	at, s, e, keys := f.place(p.name)
	item := s
	if s.can(Array) {
		item = s.item(0)
	}
	if e != nil && len(e.Headers) > 0 {
		f.checkFields(p, e, at)
	}
	isText := !p.typed || strings.HasPrefix(p.media.Type, "text/") && !IsJSON(p.media.Type)
	switch {
	case e != nil && len(e.Types) > 0 && !p.takes(e.Types), keys != "" && !isText:
		f.fault(f.parameter, "contentType", at)
	case keys == "" && p.isOctets(e, item):
		f.putValue(at, s, node{kind: fileNode, text: p.content})
	case !p.isReadable():
		f.fault(f.parameter, "encoding", at)
	case IsJSON(p.media.Type):
		f.putJSON(at, s, p.content)
	case p.typed && keys == "" && (e == nil || e.Style == ""): // text, even if it must be an object
		f.putValue(at, s, node{kind: textNode, text: p.content})
	default:
		f.put(p.name, p.content)
	}
}

// checkFields checks the header fields of a part.
func (f *form) checkFields(p *part, e *Encoding, at int32) {
	found := checkFields(f.ctx, planOf(&e.plan, e.Headers), p.fields)
	if found == nil {
		return
	}
	place := string(f.pointer(nil, at))
	for _, fault := range found.List {
		fault.Pointer = place + fault.Pointer
		f.faults.List = append(f.faults.List, fault)
	}
	f.faults.Interrupted = f.faults.Interrupted || found.Interrupted
}

// isReadable reports whether the content is text in a supported charset.
func (p *part) isReadable() bool {
	charset := p.media.Charset()
	return ReadsCharset(charset) && utf8.ValidString(p.content) && !(isASCII(charset) && !isASCIIText(p.content)) &&
		(p.name != charsetMember || ReadsCharset(p.content))
}

// charsetMember is the member from which some readers take the charset of a form (RFC 7578 §4.6).
const charsetMember = "_charset_"

// takes reports whether the part has one of these media types. A part without a media type has the first.
func (p *part) takes(types []string) bool {
	if !p.typed {
		return true
	}
	for _, typ := range types {
		if (&Body{Type: typ}).fits(p.media) > 0 {
			return true
		}
	}
	return false
}

// isOctets reports whether only the length of the part in bytes is checked: the schema has the format binary, or it has no
// rule for characters and the part is a file.
func (p *part) isOctets(e *Encoding, s *shape) bool {
	if s.isBinary() {
		return true
	}
	declared := !p.typed && e != nil && len(e.Types) > 0 && isBinaryType(e.Types[0])
	return s.isFree() && !IsJSON(p.media.Type) && (p.isFile || declared || isBinaryType(p.media.Type))
}
