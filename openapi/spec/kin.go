package spec

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// maxConsulted is the largest document, in bytes, that kin-openapi checks.
const maxConsulted = 16 << 20

// consult lets kin-openapi check the document. Its mistakes are only warnings; they do not affect validation.
func consult(root *node) <-chan []string {
	said := make(chan []string, 1)
	w := &taker{root: root}
	w.value(root)
	switch {
	case w.refused != "":
		said <- []string{"kin-openapi did not validate the document: it does not follow " + w.refused}
	case len(w.text) > maxConsulted:
		said <- []string{"kin-openapi did not validate the document, which is too large"}
	default:
		go func() { said <- complaints(w.text) }()
	}
	return said
}

// complaints returns the mistakes that kin-openapi finds in a document. Examples and defaults are left out: they do not
// affect validation and cost most of the time.
func complaints(text []byte) (list []string) {
	defer func() {
		if p := recover(); p != nil {
			list = append(list, fmt.Sprint("kin-openapi did not validate the document: ", p))
		}
	}()
	loader := openapi3.NewLoader()
	t := &openapi3.T{}
	err := t.UnmarshalJSON(text) // the loader would fall back to YAML, ten times slower
	if err == nil {
		err = loader.ResolveRefsIn(t, nil)
	}
	if err != nil {
		return []string{"kin-openapi did not validate the document: " + firstLine(err)}
	}
	err = t.Validate(loader.Context, openapi3.EnableMultiError(), openapi3.DisableExamplesValidation(),
		openapi3.DisableSchemaDefaultsValidation(), openapi3.DisableSchemaPatternValidation())
	several, ok := errors.AsType[openapi3.MultiError](err)
	if !ok && err != nil {
		several = openapi3.MultiError{err}
	}
	for _, one := range several {
		list = append(list, "kin-openapi: "+firstLine(one))
	}
	return list
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// taker writes a document in the form that kin-openapi's loader accepts, which is narrower than OpenAPI.
type taker struct {
	root    *node
	text    []byte
	schema  bool   // within a schema
	refused string // a reference that kin-openapi does not follow and that cannot be left out
}

func (w *taker) value(n *node) {
	switch {
	case n.kind == objectKind:
		w.object(n)
	case n.kind == listKind:
		w.text = append(w.text, '[')
		for i, item := range n.items {
			w.separate(i)
			w.value(item)
		}
		w.text = append(w.text, ']')
	case n.kind == numberKind && (n.key == "openapi" || n.key == "version"):
		w.text = validate.AppendString(w.text, n.text) // many documents write 3.0 as a number
	default:
		w.text = n.appendJSON(w.text)
	}
}

func (w *taker) separate(i int) {
	if i > 0 {
		w.text = append(w.text, ',')
	}
}

func (w *taker) object(n *node) {
	if ref := n.get("$ref"); ref.is(textKind) {
		if text := w.instead(n, ref.text); text != "" {
			w.text = append(w.text, text...)
			return
		}
	}
	outer := w.schema
	w.text = append(w.text, '{')
	count := 0
	for name, child := range n.members() {
		if w.leavesOut(n, name) {
			continue
		}
		w.schema = outer || name == "schema" || name == "schemas"
		w.separate(count)
		w.text = append(validate.AppendString(w.text, name), ':')
		w.value(child)
		count++
	}
	w.schema = outer
	w.text = append(w.text, '}')
}

// instead returns the text that replaces a reference; "" means the reference itself. kin-openapi validates the target at
// each use, with everything that it refers to: 85 s for a document of 3.5 MB whose schemas refer to each other. Here it
// checks each place once, where it is defined.
func (w *taker) instead(n *node, ref string) string {
	switch {
	case w.schema || n.parent == nil || n.parent == w.root.get("paths"):
		return "{}"
	case n.parent.key == "responses":
		return `{"description":""}`
	case n.key == "requestBody":
		return `{"content":{}}`
	}
	if u, err := url.Parse(ref); err == nil && strings.HasPrefix(ref, "#/") && w.root.lookup(u.Fragment).is(objectKind) {
		return ""
	}
	if w.refused == "" {
		w.refused = ref
	}
	return "{}"
}

// leavesOut reports whether kin-openapi does not know a member, or would report it as a mistake.
func (w *taker) leavesOut(n *node, name string) bool {
	if strings.HasPrefix(name, "x-") && n.key != "properties" && n.key != "headers" {
		return true
	}
	switch {
	case n == w.root:
		return name == "webhooks"
	case n == w.root.get("components"):
		return name == "pathItems"
	case n.key == "discriminator":
		return name == "mapping"
	}
	return w.schema && !maps[n.key] && slices.Contains([]string{"description", "default", "$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor", "$vocabulary"}, name)
}
