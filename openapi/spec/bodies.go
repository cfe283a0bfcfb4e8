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

// generality is 0 for a media type and larger for ranges.
func generality(mediaType string) int {
	switch {
	case mediaType == "*/*":
		return 3
	case strings.HasSuffix(mediaType, "/*"):
		return 2
	case strings.Contains(mediaType, "/*+"):
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
	if l.options.Examples {
		l.mediaPlaces[b] = to
	}
	schema := to.get("schema")
	if schema == nil {
		return b
	}
	b.Schema = l.compiler.add(schema, direction)
	l.roots = append(l.roots, b.Schema)
	var headers []*validate.Parameter
	if b.Type == formType || strings.HasPrefix(b.Type, "multipart/") {
		b.Encoding, headers = l.encodings(to.get("encoding"), direction)
	}
	l.media = append(l.media, mediaBody{b, schema, headers})
	return b
}

const (
	formType      = "application/x-www-form-urlencoded"
	multipartType = "multipart/form-data"
)

// mediaType splits a Content-Type into the media type, in lower case, and its parameters.
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

// encodings reads the Encoding Objects of a form. It also returns the header fields of all of them.
func (l *loader) encodings(n *node, direction Direction) (map[string]*validate.Encoding, []*validate.Parameter) {
	if !n.is(objectKind) || len(n.names) == 0 {
		return nil, nil
	}
	all := map[string]*validate.Encoding{}
	var headers []*validate.Parameter
	for name, e := range n.members() {
		all[name] = encoding(e)
		all[name].Headers = l.headers(e.get("headers"), direction)
		headers = append(headers, all[name].Headers...)
	}
	return all, headers
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

// mediaBody is a body with a schema. Whether the body can be checked is known only once the schema is filled.
type mediaBody struct {
	*validate.Body
	at      *node
	headers []*validate.Parameter // header fields of the body's parts
}

// supported reports whether bodies of the media type can be checked by the schema. JSON and forms can, and so can ranges,
// which may match them. Every other type is text or bytes.
func (l *loader) supported(b mediaBody) {
	if reason := b.Unreadable(); reason != "" {
		b.Spots = append(b.Spots, l.spot(b.at, "%s", reason))
	}
}
