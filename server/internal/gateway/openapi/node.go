package openapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// maxNodes bounds what the aliases of a YAML document can multiply to.
const maxNodes = 1 << 20

// parse reads JSON or YAML into maps, slices, strings, booleans, nil and json.Number. It is the only reader of the
// document: kin-openapi is given what parse returns, so the two cannot see different documents.
func parse(data []byte) (map[string]any, error) {
	var value any
	if trimmed := bytes.TrimSpace(data); len(trimmed) > 0 && trimmed[0] == '{' && validate.CheckJSON(data, 64) == nil {
		d := json.NewDecoder(bytes.NewReader(data))
		d.UseNumber()
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
	} else {
		d := yaml.NewDecoder(bytes.NewReader(data))
		var n yaml.Node
		if err := d.Decode(&n); err != nil {
			return nil, err
		}
		if d.Decode(new(yaml.Node)) == nil {
			return nil, errors.New("there is more than one YAML document")
		}
		var err error
		left := maxNodes
		if value, err = fromYAML(&n, &left); err != nil {
			return nil, err
		}
	}
	root, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("the document is not an object")
	}
	return root, nil
}

func fromYAML(n *yaml.Node, left *int) (any, error) {
	if *left--; *left < 0 {
		return nil, errors.New("the document is too large")
	}
	switch n.Kind {
	case yaml.DocumentNode:
		return fromYAML(n.Content[0], left)
	case yaml.AliasNode:
		return fromYAML(n.Alias, left)
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, c := range n.Content {
			v, err := fromYAML(c, left)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case yaml.MappingNode:
		return mapping(n, left)
	}
	return scalar(n)
}

func mapping(n *yaml.Node, left *int) (any, error) {
	object := make(map[string]any, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind == yaml.AliasNode {
			k = k.Alias
		}
		if k.Kind != yaml.ScalarNode || k.ShortTag() == "!!merge" {
			return nil, fmt.Errorf("line %d: keys must be plain names: merge keys and keys that are objects are not understood", k.Line)
		}
		if _, ok := object[k.Value]; ok {
			return nil, fmt.Errorf("line %d: %q stands twice in one object", k.Line, k.Value)
		}
		v, err := fromYAML(n.Content[i+1], left)
		if err != nil {
			return nil, err
		}
		object[k.Value] = v
	}
	return object, nil
}

func scalar(n *yaml.Node) (any, error) {
	switch n.ShortTag() {
	case "!!null":
		return nil, nil
	case "!!bool":
		var b bool
		err := n.Decode(&b)
		return b, err
	case "!!int", "!!float":
		if isNumber(n.Value) {
			return json.Number(n.Value), nil
		}
		var integer int64
		if n.Decode(&integer) == nil {
			return json.Number(strconv.FormatInt(integer, 10)), nil
		}
		var number float64
		if err := n.Decode(&number); err != nil {
			return nil, err
		}
		if text := strconv.FormatFloat(number, 'g', -1, 64); isNumber(text) {
			return json.Number(text), nil
		}
		return nil, fmt.Errorf("line %d: %s has no form in JSON", n.Line, n.Value)
	case "!!binary":
		return nil, fmt.Errorf("line %d: binary values have no form in JSON", n.Line)
	}
	return n.Value, nil // what YAML takes for a time is a string to JSON
}

// isNumber reports whether s is a number literal of JSON.
func isNumber(s string) bool {
	if s == "" || s[0] != '-' && (s[0] < '0' || s[0] > '9') || s[len(s)-1] < '0' || s[len(s)-1] > '9' {
		return false
	}
	return json.Valid([]byte(s))
}

// node is a value of the document and where it stands.
type node struct {
	doc *document
	at  string // JSON Pointer, after following $ref
	v   any
}

// document is what was parsed.
type document struct {
	root map[string]any
	v31  bool
}

// errorf says what is wrong with the value at n.
func (n node) errorf(format string, args ...any) error {
	return fmt.Errorf("at %s: "+format, append([]any{n.at}, args...)...)
}

func escapeToken(s string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(s) }

// lookup finds the value at a JSON Pointer without following references.
func (d *document) lookup(pointer string) (node, error) {
	var v any = d.root
	if pointer == "" {
		return node{d, "", v}, nil
	}
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		found := false
		switch parent := v.(type) {
		case map[string]any:
			v, found = parent[token]
		case []any:
			if i, err := strconv.Atoi(token); err == nil && i >= 0 && i < len(parent) {
				v, found = parent[i], true
			}
		}
		if !found {
			return node{}, fmt.Errorf("nothing is at %s", pointer)
		}
	}
	return node{d, pointer, v}, nil
}

// target returns where a reference leads.
func (n node) target(ref string) (node, error) {
	fragment, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return node{}, n.errorf("%q leads out of the document; bundle the documents first", ref)
	}
	pointer, err := url.PathUnescape(fragment)
	if err != nil || pointer != "" && pointer[0] != '/' {
		return node{}, n.errorf("%q is no reference to a place in the document", ref)
	}
	t, err := n.doc.lookup(pointer)
	if err != nil {
		return node{}, n.errorf("following %q: %w", ref, err)
	}
	return t, nil
}

// resolve follows $ref as long as there is one. It is for everything but schemas, where a reference may have siblings.
func (n node) resolve() (node, error) {
	for range 32 {
		ref, ok := n.get("$ref").v.(string)
		if !ok {
			return n, nil
		}
		var err error
		if n, err = n.target(ref); err != nil {
			return node{}, err
		}
	}
	return node{}, n.errorf("the reference leads to itself")
}

// get returns the member name, whose value is nil if there is none.
func (n node) get(name string) node {
	object, _ := n.v.(map[string]any)
	return node{n.doc, n.at + "/" + escapeToken(name), object[name]}
}

func (n node) has(name string) bool {
	object, _ := n.v.(map[string]any)
	_, ok := object[name]
	return ok
}

func (n node) string() string {
	s, _ := n.v.(string)
	return s
}

func (n node) bool() bool {
	b, _ := n.v.(bool)
	return b
}

// items returns the items of an array.
func (n node) items() []node {
	list, _ := n.v.([]any)
	nodes := make([]node, len(list))
	for i, v := range list {
		nodes[i] = node{n.doc, n.at + "/" + strconv.Itoa(i), v}
	}
	return nodes
}

// members returns the names of an object, sorted.
func (n node) members() []string {
	object, _ := n.v.(map[string]any)
	return sortedKeys(object)
}
