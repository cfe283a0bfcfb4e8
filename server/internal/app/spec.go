package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"

	"go.yaml.in/yaml/v3"

	"github.com/pfxrecryption/pfxrecryption/openapi"
)

type specCommand struct {
	JSON   bool   `env:"-" name:"json" help:"Print JSON instead of YAML."`
	Server string `env:"-" placeholder:"URL" help:"The absolute address of the server, base path included, such as https://graph.example.com/beta, for generators that take no relative one. It replaces /beta in the document."`
}

// Run prints the document as one file: what it refers to is part of it.
func (c *specCommand) Run(stdout io.Writer) error {
	var document yaml.Node
	if err := yaml.Unmarshal(openapi.Document, &document); err != nil {
		return err
	}
	if err := inlineExamples(&document); err != nil {
		return err
	}
	if c.Server != "" {
		if err := replaceServers(document.Content[0], c.Server); err != nil {
			return err
		}
	}
	if c.JSON {
		return printJSON(stdout, document.Content[0])
	}
	e := yaml.NewEncoder(stdout)
	e.SetIndent(2)
	return errors.Join(e.Encode(&document), e.Close())
}

// inlineExamples puts the examples that stand in files of their own into the document.
func inlineExamples(n *yaml.Node) error {
	if n.Kind == yaml.MappingNode {
		for i := 0; i < len(n.Content); i += 2 {
			if n.Content[i].Value != "externalValue" {
				continue
			}
			value, err := example(n.Content[i+1].Value)
			if err != nil {
				return err
			}
			n.Content[i].Value, n.Content[i+1] = "value", value
		}
	}
	for _, child := range n.Content {
		if err := inlineExamples(child); err != nil {
			return err
		}
	}
	return nil
}

func example(name string) (*yaml.Node, error) {
	text, err := openapi.Examples.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("the example %s: %w", name, err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("the example %s: %w", name, err)
	}
	value := document.Content[0]
	value.Style = 0 // in lines, like the document
	return value, nil
}

func replaceServers(document *yaml.Node, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("--server must be http or https, with a host and without user, query or fragment: https://graph.example.com/beta")
	}
	servers := memberOf(document, "servers")
	if servers == nil {
		return errors.New("the document has no servers")
	}
	return servers.Encode([]map[string]string{{"url": address}})
}

// memberOf returns the value of a mapping's member, or nil.
func memberOf(mapping *yaml.Node, name string) *yaml.Node {
	for i := 0; i < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == name {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// printJSON prints the members in the order of the document.
func printJSON(w io.Writer, n *yaml.Node) error {
	compact, err := appendJSON(nil, n)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := json.Indent(&text, compact, "", "  "); err != nil {
		return err
	}
	text.WriteByte('\n')
	_, err = text.WriteTo(w)
	return err
}

func appendJSON(b []byte, n *yaml.Node) ([]byte, error) {
	switch n.Kind {
	case yaml.AliasNode:
		return appendJSON(b, n.Alias)
	case yaml.MappingNode:
		return appendList(b, "{}", n.Content, func(i int) string { return []string{",", ":"}[i%2] })
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

// appendList appends values between the two brackets; separator returns what stands before the i-th one, but for the first.
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
