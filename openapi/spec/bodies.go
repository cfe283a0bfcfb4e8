package spec

import (
	"cmp"
	"mime"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// content reads a map of media types.
func (l *loader) content(content *node, direction Direction) []*validate.Body {
	var list []*validate.Body
	for name, n := range content.members() {
		if strings.HasPrefix(name, "x-") {
			continue
		}
		b := l.body(name, n, direction)
		if b != nil {
			list = append(list, b)
			l.bodies = append(l.bodies, b)
		}
	}
	slices.SortStableFunc(list, func(a, b *validate.Body) int {
		return cmp.Or(cmp.Compare(generality(a.Type), generality(b.Type)), cmp.Compare(len(b.Parameters), len(a.Parameters)))
	})
	return list
}

// generality is 0 for a media type, and more for ranges.
func generality(mediaType string) int {
	switch {
	case mediaType == "*/*":
		return 2
	case strings.HasSuffix(mediaType, "/*"):
		return 1
	}
	return 0
}

func (l *loader) body(name string, n *node, direction Direction) *validate.Body {
	b := &validate.Body{}
	b.Type, b.Parameters = mediaType(name)
	to, err := l.resolve(n)
	if err != nil {
		b.Spots = append(b.Spots, l.spot(n, "the reference %v", err))
		return b
	}
	schema := to.get("schema")
	if schema == nil {
		return b
	}
	b.Schema = l.compiler.add(schema, direction)
	l.roots = append(l.roots, b.Schema)
	l.texts = append(l.texts, mediaBody{b, schema})
	if b.Type == formType || strings.HasPrefix(b.Type, "multipart/") {
		b.Encoding = l.encodings(to.get("encoding"))
	}
	return b
}

const (
	formType      = "application/x-www-form-urlencoded"
	multipartType = "multipart/form-data"
)

// mediaType returns a media type in lower case, and its parameters.
func mediaType(name string) (string, map[string]string) {
	typ, parameters, err := mime.ParseMediaType(name)
	if err != nil {
		typ, _, _ = strings.Cut(name, ";")
		typ, parameters = strings.ToLower(strings.TrimSpace(typ)), nil
	}
	if len(parameters) == 0 {
		parameters = nil
	}
	return typ, parameters
}

// encodings reads the Encoding Objects of a form.
func (l *loader) encodings(n *node) map[string]*validate.Encoding {
	if !n.is(objectKind) || len(n.names) == 0 {
		return nil
	}
	all := map[string]*validate.Encoding{}
	for name, e := range n.members() {
		all[name] = encoding(e)
	}
	return all
}

func encoding(n *node) *validate.Encoding {
	e := &validate.Encoding{AllowReserved: n.get("allowReserved").isTrue(), Style: n.get("style").string()}
	for part := range strings.SplitSeq(n.get("contentType").string(), ",") {
		if typ, _ := mediaType(part); typ != "" {
			e.Types = append(e.Types, typ)
		}
	}
	if e.Style == "" && (n.has("explode") || n.has("allowReserved")) {
		e.Style = "form"
	}
	e.Explode = e.Style == "form"
	if explode := n.get("explode"); explode != nil {
		e.Explode = explode.isTrue()
	}
	return e
}

// mediaBody is a body with a schema. Whether its media type can be judged is known when the schema is filled.
type mediaBody struct {
	*validate.Body
	at *node
}

// supported reports whether the schema of a body of the media type can be judged: JSON and forms are, ranges stand for
// them, and any other type is a text or bytes.
func (l *loader) supported(b mediaBody) {
	form := b.Type == formType || b.Type == multipartType
	types := possible(b.Schema, map[*validate.Schema]bool{}) &^ validate.Null
	switch {
	case isJSON(b.Type) || generality(b.Type) > 0:
	case form && types&validate.Object == 0:
		b.Spots = append(b.Spots, l.spot(b.at, "a form is an object, which its schema does not allow"))
	case form:
	case strings.HasPrefix(b.Type, "multipart/"):
		b.Spots = append(b.Spots, l.spot(b.at, "the parts of %s are not checked", b.Type))
	case types&^(validate.Object|validate.Array) == 0:
		b.Spots = append(b.Spots, l.spot(b.at, "objects and arrays of the media type %s are not checked", b.Type))
	}
}

// possible returns the types that the values of a schema may have. Without a type the other keywords tell it: a schema
// with properties is meant for objects.
func possible(s *validate.Schema, seen map[*validate.Schema]bool) validate.Types {
	if s == nil || seen[s] {
		return validate.AnyType
	}
	seen[s] = true
	types := s.Types
	if types == validate.AnyType {
		types = implied(s)
	}
	for _, part := range s.AllOf {
		types &= possible(part, seen)
	}
	for _, list := range [][]*validate.Schema{s.AnyOf, s.OneOf} {
		var any validate.Types
		for _, alternative := range list {
			any |= possible(alternative, seen)
		}
		if len(list) > 0 {
			types &= any
		}
	}
	return types
}

// implied returns the types that the keywords of a schema without a type are about, all types if none is.
func implied(s *validate.Schema) validate.Types {
	var types validate.Types
	if s.Properties != nil || s.Required != nil || s.AdditionalProperties != nil || s.PatternProperties != nil {
		types |= validate.Object
	}
	if s.Items != nil || s.PrefixItems != nil || s.MinItems != nil || s.MaxItems != nil || s.Contains != nil {
		types |= validate.Array
	}
	if s.MinLength != nil || s.MaxLength != nil || s.Patterns != nil || s.Format != "" {
		types |= validate.String
	}
	if s.Minimum != nil || s.Maximum != nil || s.MultipleOf != nil {
		types |= validate.Number | validate.Integer
	}
	if types == 0 || s.Enum != nil {
		return validate.AnyType
	}
	return types
}
