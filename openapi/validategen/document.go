package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v3"
)

// document is an OpenAPI document as the tree that it was written as. kin-openapi says whether the document is one;
// the tree says in which order its members stand, where they are, and what kin-openapi does not know.
type document struct {
	root *yaml.Node
}

// node is a place of a document. Its pointer is the JSON Pointer of the place where it is defined.
type node struct {
	doc     *document
	yaml    *yaml.Node
	pointer string
}

// unsupported is an error about a place of the document.
type unsupported struct {
	pointer, text string
}

func (e *unsupported) Error() string { return e.pointer + ": " + e.text }

func (n node) errorf(format string, args ...any) error {
	return &unsupported{n.pointer, fmt.Sprintf(format, args...)}
}

func parse(data []byte) (*document, error) {
	loader := openapi3.NewLoader()
	t, err := loader.LoadFromData(data)
	if err != nil {
		return nil, fmt.Errorf("reading the document: %w", err)
	}
	if !strings.HasPrefix(t.OpenAPI, "3.0.") {
		return nil, &unsupported{"/openapi", "version " + t.OpenAPI + " is not supported, only 3.0.x is"}
	}
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return nil, fmt.Errorf("reading the document: %w", err)
	}
	// What validategen itself cannot honour has a better message than kin-openapi's, so this check comes last.
	doc := &document{root: root.Content[0]}
	return doc, nil
}

// check asks kin-openapi whether data is a correct document.
func check(data []byte) error {
	loader := openapi3.NewLoader()
	t, err := loader.LoadFromData(data)
	if err != nil {
		return err
	}
	if err := t.Validate(loader.Context, openapi3.DisableExamplesValidation()); err != nil {
		return fmt.Errorf("checking the document: %w", err)
	}
	return nil
}

func (d *document) node() node { return node{d, d.root, ""} }

// get returns the member of a mapping. It follows YAML aliases, not $ref.
func (n node) get(key string) (node, bool) {
	for k, v := range n.members() {
		if k == key {
			return v, true
		}
	}
	return node{}, false
}

// at returns the place below n that a path leads to, following $ref on the way.
func (n node) at(path ...string) (node, bool) {
	for _, key := range path {
		var ok bool
		if n, ok = n.get(key); !ok {
			return node{}, false
		}
		var err error
		if n, err = n.resolve(); err != nil {
			return node{}, false
		}
	}
	return n, true
}

// members yields the members of a mapping in the order in which they stand.
func (n node) members() iter.Seq2[string, node] {
	return func(yield func(string, node) bool) {
		y := unalias(n.yaml)
		if y == nil || y.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(y.Content); i += 2 {
			key := y.Content[i].Value
			if !yield(key, node{n.doc, unalias(y.Content[i+1]), n.pointer + "/" + escapePointer(key)}) {
				return
			}
		}
	}
}

// items yields the items of a sequence.
func (n node) items() iter.Seq2[int, node] {
	return func(yield func(int, node) bool) {
		y := unalias(n.yaml)
		if y == nil || y.Kind != yaml.SequenceNode {
			return
		}
		for i, item := range y.Content {
			if !yield(i, node{n.doc, unalias(item), fmt.Sprint(n.pointer, "/", i)}) {
				return
			}
		}
	}
}

func unalias(y *yaml.Node) *yaml.Node {
	for y != nil && y.Kind == yaml.AliasNode {
		y = y.Alias
	}
	return y
}

// pointerEscapes is made once: it is asked for every member that a reference leads past.
var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

func escapePointer(key string) string { return pointerEscapes.Replace(key) }

// text returns the text of a scalar, "" for anything else.
func (n node) text() string {
	if n.yaml == nil || n.yaml.Kind != yaml.ScalarNode {
		return ""
	}
	return n.yaml.Value
}

func (n node) isTrue() bool { return n.yaml != nil && n.yaml.Tag == "!!bool" && n.yaml.Value == "true" }

func (n node) isFalse() bool {
	return n.yaml != nil && n.yaml.Tag == "!!bool" && n.yaml.Value == "false"
}

// json returns a scalar as JSON.
func (n node) json() (string, error) {
	if n.yaml.Kind == yaml.ScalarNode {
		switch n.yaml.Tag {
		case "!!str", "!!timestamp":
			b, err := json.Marshal(n.yaml.Value)
			return string(b), err
		case "!!int", "!!float":
			if json.Valid([]byte(n.yaml.Value)) {
				return n.yaml.Value, nil
			}
		case "!!bool", "!!null":
			if v := strings.ToLower(n.yaml.Value); v == "true" || v == "false" {
				return v, nil
			}
			return "null", nil
		}
	}
	return "", n.errorf("the value is not a string, a number as JSON writes it, a boolean or null")
}

var errForeign = errors.New("only references into the same document are supported")

// resolve follows $ref until it comes to a place that is none.
func (n node) resolve() (node, error) {
	for seen := map[string]bool{}; ; {
		ref, ok := n.get("$ref")
		if !ok {
			return n, nil
		}
		for key, sibling := range n.members() {
			if key != "$ref" && !describes(key) {
				return node{}, sibling.errorf("a member beside $ref has no meaning (OpenAPI 3.0.3 §4.7.23)")
			}
		}
		if seen[n.pointer] {
			return node{}, n.errorf("the reference leads back to itself")
		}
		seen[n.pointer] = true
		to, err := n.doc.lookup(ref.text())
		if err != nil {
			return node{}, ref.errorf("%v", err)
		}
		n = to
	}
}

// lookup returns the place that a reference names.
func (d *document) lookup(ref string) (node, error) {
	fragment, ok := strings.CutPrefix(ref, "#/")
	if !ok {
		return node{}, errForeign
	}
	n := d.node()
	for token := range strings.SplitSeq(fragment, "/") {
		token, err := url.PathUnescape(token)
		if err != nil {
			return node{}, err
		}
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		if n, ok = n.get(token); !ok {
			return node{}, fmt.Errorf("%s is nowhere in the document", ref)
		}
	}
	return n, nil
}
