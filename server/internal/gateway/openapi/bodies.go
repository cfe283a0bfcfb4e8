package openapi

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// maxDepth is how deep objects and arrays may nest: as deep as CheckJSON goes.
const maxDepth = 64

// body is a body of one media type, or of a range of them.
type body struct {
	mediaType string
	schema    *schema // nil without one
	structure bool    // the schema asks for what only JSON can be
	octets    bool    // a string of bytes rather than of characters
	form      *parameter
	shape     *shape
}

func isJSON(mediaType string) bool {
	return mediaType == "application/json" || mediaType == "text/json" || strings.HasSuffix(mediaType, "+json")
}

func isRange(mediaType string) bool { return strings.HasSuffix(mediaType, "/*") }

// mediaType returns a media type in lower case and without parameters.
func mediaType(s string) string {
	s, _, _ = strings.Cut(s, ";")
	return strings.ToLower(strings.TrimSpace(s))
}

// find returns the body that a media type, or a range that the contract has, means: the most specific one.
func find(bodies []*body, mediaType string) *body {
	major, _, _ := strings.Cut(mediaType, "/")
	for _, name := range []string{mediaType, major + "/*", "*/*"} {
		for _, b := range bodies {
			if b.mediaType == name {
				return b
			}
		}
	}
	return nil
}

// check returns the faults of a body that was sent as mediaType.
func (b *body) check(mediaType string, data []byte) []fault {
	switch {
	case isJSON(mediaType) || b.structure:
		return b.checkJSON(data)
	case b.form != nil:
		return b.checkForm(string(data))
	case b.schema == nil:
		return nil
	}
	text := string(data)
	if b.octets {
		// a character for each byte, so that lengths count bytes
		runes := make([]rune, len(data))
		for i, c := range data {
			runes[i] = rune(c)
		}
		text = string(runes)
	} else if !utf8.Valid(data) {
		return []fault{{keyword: "encoding"}}
	}
	p := parameter{schema: b.schema, shape: b.shape}
	return p.judge(func(plain bool) any { return b.shape.primitive(text, plain) })
}

func (b *body) checkJSON(data []byte) []fault {
	if f := validate.CheckJSON(data, maxDepth); f != nil {
		if f.Empty {
			return []fault{{keyword: "empty"}}
		}
		return []fault{{keyword: "malformed"}}
	}
	if b.schema == nil {
		return nil
	}
	value, err := decodeJSON(data)
	if err != nil {
		return []fault{{keyword: "malformed"}}
	}
	faults := b.schema.check(value)
	if len(faults) > 1 {
		return inOrder(data, faults)
	}
	return faults
}

// checkForm checks application/x-www-form-urlencoded: an object whose members are options as those of a query.
func (b *body) checkForm(data string) []fault {
	var pairs []pair
	for option := range strings.SplitSeq(data, "&") {
		name, raw, _ := strings.Cut(option, "=")
		key, ok := unescape(name, true)
		if !ok {
			return []fault{{keyword: "encoding"}}
		}
		if option != "" {
			pairs = append(pairs, pair{key, raw})
		}
	}
	faults := b.form.checkPairs(pairs, true)
	for i := range faults {
		if n := len(faults[i].path); n > 0 && faults[i].name == "" {
			faults[i].name = faults[i].path[0]
		}
	}
	return faults
}

const form = "application/x-www-form-urlencoded"

var binary = []string{"image/", "audio/", "video/", "font/", "application/octet-stream", "application/pdf", "application/zip", "application/gzip"}

// bodies reads a content map.
func (l *loading) bodies(content node, schemas *bundle) ([]*body, error) {
	var list []*body
	for _, name := range content.members() {
		b := &body{mediaType: mediaType(name)}
		n := content.get(name)
		if slices.ContainsFunc(list, func(other *body) bool { return other.mediaType == b.mediaType }) {
			return nil, n.errorf("%s is there twice, but for letter case and parameters, which do not tell bodies apart", b.mediaType)
		}
		if err := l.body(b, n, schemas); err != nil {
			return nil, err
		}
		list = append(list, b)
	}
	slices.SortStableFunc(list, func(a, b *body) int { return generality(a.mediaType) - generality(b.mediaType) })
	return list, nil
}

// generality is 0 for a media type, more for ranges.
func generality(mediaType string) int {
	switch {
	case mediaType == "*/*":
		return 2
	case isRange(mediaType):
		return 1
	}
	return 0
}

func (l *loading) body(b *body, n node, schemas *bundle) error {
	at := n.get("schema")
	if at.v == nil {
		return nil
	}
	if !isJSON(b.mediaType) && n.has("encoding") {
		return n.get("encoding").errorf("the encoding of members is not understood")
	}
	if strings.HasPrefix(b.mediaType, "multipart/") {
		return at.errorf("the parts of %s cannot be checked; leave the schema out if their length alone may be", b.mediaType)
	}
	b.schema = schemas.add(at)
	if isJSON(b.mediaType) {
		return nil
	}
	s, err := shapeOf(at, 0)
	if err != nil && !isRange(b.mediaType) {
		return err
	}
	if err != nil || isRange(b.mediaType) && s.kinds != 0 && s.kinds&primitives == 0 {
		b.structure = true
		return nil
	}
	b.shape = s
	if b.mediaType == form {
		if err := s.settle(at, false, true); err != nil {
			return err
		}
		if s.kinds != objects {
			return at.errorf("the schema of a form must be an object")
		}
		b.form = &parameter{style: "form", explode: true, shape: s, schema: b.schema}
		return nil
	}
	if s.kinds == 0 {
		s.kinds = texts
	}
	if s.kinds&^primitives != 0 {
		return at.errorf("objects and arrays of the media type %s cannot be checked; leave the schema out if their length alone may be", b.mediaType)
	}
	b.octets = wantOf(at).format == "binary" || slices.ContainsFunc(binary, func(prefix string) bool { return strings.HasPrefix(b.mediaType, prefix) })
	return nil
}
