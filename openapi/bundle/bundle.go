// Package bundle turns an OpenAPI document into one self-contained file, as YAML or JSON, for programs that read only one
// file:
//
//	document, err := bundle.Read(text, files)
//	text, err = bundle.JSON(document)
//
// Members keep their order. An external example (`externalValue`) becomes a `value`.
package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Read parses a YAML or JSON document and replaces each relative `externalValue` by the content of its file, which must be
// YAML or JSON. files has the files under the names that the document uses. If files is nil, the document is unchanged.
func Read(text []byte, files fs.FS) (*yaml.Node, error) {
	document, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("reading the document: %w", err)
	}
	if files == nil {
		return document, nil
	}
	return document, inlineExamples(document, files)
}

func parse(text []byte) (*yaml.Node, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	if len(document.Content) == 0 {
		return nil, errors.New("it is empty")
	}
	return &document, nil
}

func inlineExamples(n *yaml.Node, files fs.FS) error {
	if n.Kind == yaml.MappingNode {
		for i := 0; i < len(n.Content); i += 2 {
			name, value := n.Content[i], n.Content[i+1]
			if name.Value != "externalValue" || strings.Contains(value.Value, "://") {
				continue
			}
			content, err := example(value.Value, files)
			if err != nil {
				return err
			}
			name.Value, n.Content[i+1] = "value", content
		}
	}
	for _, child := range n.Content {
		if err := inlineExamples(child, files); err != nil {
			return err
		}
	}
	return nil
}

func example(name string, files fs.FS) (*yaml.Node, error) {
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, fmt.Errorf("the example %s: %w", name, err)
	}
	document, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("the example %s: %w", name, err)
	}
	value := document.Content[0]
	value.Style = 0 // in block style, like the document
	return value, nil
}

// YAML returns the document as YAML, indented by two spaces.
func YAML(document *yaml.Node) ([]byte, error) {
	var text bytes.Buffer
	e := yaml.NewEncoder(&text)
	e.SetIndent(2)
	err := errors.Join(e.Encode(document), e.Close())
	return text.Bytes(), err
}

// JSON returns the document as JSON, indented by two spaces.
func JSON(document *yaml.Node) ([]byte, error) {
	compact, err := appendJSON(nil, document)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := json.Indent(&text, compact, "", "  "); err != nil {
		return nil, err
	}
	text.WriteByte('\n')
	return text.Bytes(), nil
}

func appendJSON(b []byte, n *yaml.Node) ([]byte, error) {
	switch n.Kind {
	case yaml.DocumentNode:
		return appendJSON(b, n.Content[0])
	case yaml.AliasNode:
		return appendJSON(b, n.Alias)
	case yaml.MappingNode:
		return appendMembers(b, n.Content)
	case yaml.SequenceNode:
		return appendList(b, "[]", n.Content, func(int) string { return "," })
	}
	var value any
	if err := n.Decode(&value); err != nil {
		return nil, err
	}
	text, err := json.Marshal(value)
	return append(b, text...), err
}

// appendMembers appends pairs of name and value. In YAML a name need not be a string, such as a status of 200.
func appendMembers(b []byte, content []*yaml.Node) ([]byte, error) {
	members := make([]*yaml.Node, len(content))
	for i, n := range content {
		if members[i] = n; i%2 == 0 && n.Kind == yaml.ScalarNode {
			members[i] = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: n.Value}
		}
	}
	return appendList(b, "{}", members, func(i int) string { return []string{",", ":"}[i%2] })
}

// appendList appends values between the two brackets. separator returns the text before value i, except the first.
func appendList(b []byte, brackets string, values []*yaml.Node, separator func(i int) string) ([]byte, error) {
	b = append(b, brackets[0])
	for i, value := range values {
		if i > 0 {
			b = append(b, separator(i)...)
		}
		var err error
		if b, err = appendJSON(b, value); err != nil {
			return nil, err
		}
	}
	return append(b, brackets[1]), nil
}
