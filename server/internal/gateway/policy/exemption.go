package policy

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Exemption is a kind of violation that an operation lets pass while the rest is enforced.
type Exemption struct {
	Operation string // "" for requests that match no operation
	Direction Direction
	Kind      Kind
}

// String returns the exemption as a policy on one line.
func (e Exemption) String() string {
	n := tree([]Exemption{e})
	for _, value := range n.Content {
		flow(value)
	}
	return strings.TrimSuffix(encode(n), "\n")
}

// Exempt returns a policy file with all the exemptions.
func Exempt(list []Exemption) string { return encode(tree(list)) }

type mapping = map[string]any

func tree(list []Exemption) *yaml.Node {
	root := mapping{}
	for _, e := range list {
		at := root
		if e.Operation != "" {
			at = below(below(root, "operations"), e.Operation)
		}
		below(below(at, e.Direction.String()), "violations")[e.Kind.String()] = Monitor.String()
	}
	n := &yaml.Node{}
	if err := n.Encode(root); err != nil {
		panic(err) // maps of strings always encode
	}
	return n
}

func below(m mapping, name string) mapping {
	if m[name] == nil {
		m[name] = mapping{}
	}
	return m[name].(mapping)
}

func flow(n *yaml.Node) {
	n.Style |= yaml.FlowStyle
	for _, c := range n.Content {
		if c.Kind == yaml.MappingNode {
			flow(c)
		}
	}
}

func encode(n *yaml.Node) string {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(n); err != nil {
		panic(err) // a buffer never fails
	}
	return b.String()
}
