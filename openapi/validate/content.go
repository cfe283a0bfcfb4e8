package validate

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"
	"unsafe"
)

const (
	formType      = "application/x-www-form-urlencoded"
	multipartType = "multipart/form-data"
)

// CheckContent checks the content of a body with the Content-Type contentType, which must match the body's type. It returns
// nil if the content is valid, or if the body's Spots say that it cannot be checked.
//
// The Content-Type decides how content is read, also for a range: as JSON, a form, or text. A text is a UTF-8 string, or the
// value that the schema requires it to represent. If the schema has the format binary, or the media type is binary, only the
// length in bytes is checked.
func (b *Body) CheckContent(ctx context.Context, contentType string, data []byte) *Faults {
	_, faults := b.read(ctx, contentType, data, false)
	return faults
}

// ReadContent checks content like [Body.CheckContent] and returns its value as JSON; for a form it is the object that the
// schema accepted. The value is nil if content is neither JSON nor application/x-www-form-urlencoded.
func (b *Body) ReadContent(ctx context.Context, contentType string, data []byte) ([]byte, *Faults) {
	return b.read(ctx, contentType, data, true)
}

// read checks content. For a form it returns the value only if keep is true.
func (b *Body) read(ctx context.Context, contentType string, data []byte, keep bool) ([]byte, *Faults) {
	m, ok := ParseMediaType(contentType)
	if !ok {
		return nil, &Faults{List: []Fault{{Keyword: "contentType"}}}
	}
	faults := refusedCharset(m, data)
	switch {
	case !b.reads(m):
		return nil, nil
	case faults != nil:
		return nil, faults
	case IsJSON(m.Type):
		return data, b.checkJSON(ctx, data)
	case b.Schema == nil:
		return nil, nil // Check accepts only JSON
	}
	t := beginTexts(ctx)
	defer t.end()
	if keep && m.Type == formType {
		t.values = [][]byte{nil}
	}
	t.checkContent(b, m, unsafe.String(unsafe.SliceData(data), len(data)))
	if faults := t.result(); faults != nil || t.values == nil {
		return nil, faults
	}
	return t.values[0], nil
}

// refusedCharset returns the faults of content in an unsupported or false charset; nil if there are none.
func refusedCharset(m MediaType, data []byte) *Faults {
	charset := m.Charset()
	if !ReadsCharset(charset) || isASCII(charset) && !isASCIIText(data) {
		return &Faults{List: []Fault{{Keyword: "encoding"}}}
	}
	return nil
}

func (b *Body) checkJSON(ctx context.Context, data []byte) *Faults {
	switch {
	case b.Check != nil:
		return b.Check(data)
	case b.Schema != nil:
		return b.Schema.Check(ctx, data)
	}
	return CheckJSON(data, maxDepth)
}

// checkContent checks content other than JSON.
func (t *texts) checkContent(b *Body, m MediaType, data string) {
	q := b.parameter()
	switch {
	case len(b.Spots) > 0 && b.Unreadable() != "":
	case m.Type == formType:
		t.checkForm(b, q, data)
	case m.Type == multipartType:
		t.checkParts(b, q, m, data)
	case b.isBinary(m.Type):
		t.root(fileNode, data)
		t.try(q)
	case !utf8.ValidString(data):
		t.fault(q, "encoding", 0)
	default:
		t.root(textNode, data)
		t.try(q)
	}
}

// parameter returns the body as a parameter without a place.
func (b *Body) parameter() *parameter {
	if q := b.shaped.Load(); q != nil {
		return q
	}
	q := &parameter{Parameter: &Parameter{Schema: b.Schema}, shape: shapeOf(b.Schema)}
	b.shaped.Store(q)
	return q
}

// octetTypes are prefixes of media types with binary content.
var octetTypes = []string{"image/", "audio/", "video/", "font/", "application/octet-stream", "application/pdf", "application/zip", "application/gzip"}

// isBinary reports whether content is a string of bytes.
func (b *Body) isBinary(mediaType string) bool {
	s := b.parameter().shape
	return s.isBinary() || isBinaryType(mediaType) && s.isFree()
}

func isBinaryType(mediaType string) bool {
	return slices.ContainsFunc(octetTypes, func(prefix string) bool { return strings.HasPrefix(mediaType, prefix) })
}

// isBinary reports whether a schema has the format binary.
func (s *shape) isBinary() bool {
	return slices.ContainsFunc(s.schemas, func(c *Schema) bool { return c.Expected.Format == "binary" || c.Format == "binary" })
}

// isFree reports whether the schemas have no rule for the characters of a string.
func (s *shape) isFree() bool {
	return s.kinds&^String == 0 && !slices.ContainsFunc(s.schemas, func(c *Schema) bool { return c.Enum != nil || c.Patterns != nil || c.Format != "" || c.Not != nil })
}

func isASCIIText[T string | []byte](text T) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// checkParameterContent checks a parameter whose media type the document states.
func (t *texts) checkParameterContent(q *parameter, raw string) {
	text, ok := decode(q.In, raw)
	if !ok {
		t.fault(q, "encoding", 0)
		return
	}
	if !IsJSON(q.Content) {
		t.root(textNode, text)
		t.try(q)
		return
	}
	f := q.Schema.Check(t.ctx, []byte(text))
	switch {
	case f == nil:
		if t.values != nil {
			t.values[q.index] = []byte(text)
		}
	case f.Malformed:
		t.fault(q, "malformed", 0)
	default:
		for _, one := range f.List {
			t.note(q, one)
		}
		t.faults.Interrupted = t.faults.Interrupted || f.Interrupted
	}
}
