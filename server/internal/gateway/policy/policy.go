// Package policy says what happens on each kind of violation, by direction and operation: refuse it, only record it, or do
// not look. It knows neither HTTP nor a contract.
//
// A policy file is YAML; policy.schema.json describes it for editors:
//
//	requests:
//	  mode: enforce
//	  violations: {unknown-member: monitor}
//	responses: monitor
//	operations:
//	  updatePfxRecryptionRequest:
//	    responses: off
//
// The most specific setting wins: the operation's violation, the operation's mode, the direction's violation, the
// direction's mode. A mode for value also applies to read-only, unless that has its own.
//
// A file has at most 1 MiB.
package policy

import (
	"bytes"
	_ "embed" // for the schema
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Schema is the JSON Schema of a policy file.
//
//go:embed policy.schema.json
var Schema []byte

// Mode is what happens on a violation. The zero value is Enforce.
type Mode int

const (
	// Enforce refuses the request or the response.
	Enforce Mode = iota
	// Monitor records what Enforce would have done, and forwards the message unchanged.
	Monitor
	// Off does not check.
	Off
)

var modes = []string{"enforce", "monitor", "off"}

func (m Mode) String() string { return modes[m] }

// UnmarshalText reads enforce, monitor or off.
func (m *Mode) UnmarshalText(text []byte) error {
	i := slices.Index(modes, string(text))
	if i < 0 {
		return errors.New("must be enforce, monitor or off")
	}
	*m = Mode(i)
	return nil
}

// Kind is a kind of violation.
type Kind int

// The kinds of violations.
const (
	Malformed     Kind = iota // the body is not one I-JSON text, or a required body is missing
	UnknownMember             // a member that the contract does not have
	Required                  // a required member is missing
	Type                      // the value has the wrong JSON type
	Format                    // the value breaks format or pattern
	Size                      // the body, the header fields or a value is too long or too short
	Value                     // the value breaks another rule, such as enum or maximum
	ReadOnly                  // the member may only be sent by the other side: readOnly, writeOnly
	Parameter                 // a parameter in path, query or header
	MediaType                 // Content-Type, Content-Encoding, Accept
	Header                    // a header field that servers could read differently; in a response, one that breaks the contract
	Path                      // a path that the contract does not have
	Method                    // a method that the path does not have
	Status                    // a status that the operation does not have
	Credentials               // required credentials are missing, if no token is checked
	NotJudged                 // a part of the contract that cannot be judged
	KindCount
)

var kinds = [KindCount]string{
	"malformed", "unknown-member", "required", "type", "format", "size", "value", "read-only", "parameter", "media-type", "header", "path",
	"method", "status", "credentials", "not-judged",
}

func (k Kind) String() string { return kinds[k] }

// UnmarshalText reads the name of a kind.
func (k *Kind) UnmarshalText(text []byte) error {
	i := slices.Index(kinds[:], string(text))
	if i < 0 {
		return fmt.Errorf("must be one of %s", strings.Join(kinds[:], ", "))
	}
	*k = Kind(i)
	return nil
}

// KindOf returns the kind of a body's fault from the broken keyword.
func KindOf(keyword string) Kind {
	switch keyword {
	case "malformed", "empty":
		return Malformed
	case "additionalProperties", "unevaluatedProperties":
		return UnknownMember
	case "required":
		return Required
	case "type", "nullable":
		return Type
	case "format", "pattern":
		return Format
	case "maxLength", "minLength", "maxItems", "minItems", "maxProperties", "minProperties", "x-maxBytes":
		return Size
	case "readOnly", "writeOnly":
		return ReadOnly
	}
	return Value
}

// Direction is the direction of a message.
type Direction int

// The directions.
const (
	Requests Direction = iota
	Responses
)

func (d Direction) String() string { return [...]string{"requests", "responses"}[d] }

// Rules are the modes of all kinds.
type Rules [KindCount]Mode

// All reports whether every kind has the mode.
func (r *Rules) All(m Mode) bool {
	for _, mode := range r {
		if mode != m {
			return false
		}
	}
	return true
}

// setting is a policy for one direction. The zero value sets nothing.
type setting struct {
	Mode       *Mode
	Violations map[Kind]Mode
}

// read reads a single mode, or a mode with violations.
func (s *setting) read(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		s.Mode = new(Mode)
		return decode(n, s.Mode)
	}
	return members(n, "a mode, or mode and violations", func(name, value *yaml.Node) error {
		switch name.Value {
		case "mode":
			s.Mode = new(Mode)
			return decode(value, s.Mode)
		case "violations":
			s.Violations = map[Kind]Mode{}
			if err := members(value, "kinds of violations with their modes", s.violation); err != nil {
				return err
			}
			s.spread()
			return nil
		}
		return at(name, fmt.Errorf("%s: must be mode or violations", quoted(name.Value)))
	})
}

func (s *setting) violation(name, value *yaml.Node) error {
	var kind Kind
	var mode Mode
	if err := errors.Join(decode(name, &kind), decode(value, &mode)); err != nil {
		return err
	}
	s.Violations[kind] = mode
	return nil
}

// spread applies the mode of value to read-only, unless that has its own.
func (s *setting) spread() {
	mode, general := s.Violations[Value]
	if _, own := s.Violations[ReadOnly]; general && !own {
		s.Violations[ReadOnly] = mode
	}
}

// members calls do for each member of a mapping; what describes the mapping in errors.
func members(n *yaml.Node, what string, do func(name, value *yaml.Node) error) error {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode {
		return at(n, fmt.Errorf("must be %s", what))
	}
	seen := map[string]bool{}
	for i := 0; i < len(n.Content); i += 2 {
		name := n.Content[i]
		if seen[name.Value] {
			return at(name, fmt.Errorf("%s is a duplicate", quoted(name.Value)))
		}
		seen[name.Value] = true
		if err := do(name, n.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// decode reads a scalar from its source text: YAML 1.1 would read off as false.
func decode(n *yaml.Node, into interface{ UnmarshalText([]byte) error }) error {
	if n.Kind != yaml.ScalarNode {
		return at(n, errors.New("must be a word"))
	}
	if err := into.UnmarshalText([]byte(n.Value)); err != nil {
		return at(n, fmt.Errorf("%s: %w", quoted(n.Value), err))
	}
	return nil
}

// quoted quotes the beginning of a word of the file, for an error.
func quoted(word string) string {
	const enough = 100
	if len(word) > enough {
		return fmt.Sprintf("%q…", word[:enough])
	}
	return fmt.Sprintf("%q", word)
}

func at(n *yaml.Node, err error) error { return fmt.Errorf("line %d: %w", n.Line, err) }

func (s *setting) apply(r *Rules) {
	if s.Mode != nil {
		for kind := range r {
			r[kind] = *s.Mode
		}
	}
	for kind, mode := range s.Violations {
		r[kind] = mode
	}
}

// Policy is the content of a policy file. The zero value sets nothing.
type Policy struct {
	directions
	Operations map[string]directions
}

type directions struct{ Requests, Responses setting }

// read reads one member of a mapping, and reports whether it names a direction.
func (d *directions) read(name, value *yaml.Node) (bool, error) {
	switch name.Value {
	case "requests":
		return true, d.Requests.read(value)
	case "responses":
		return true, d.Responses.read(value)
	}
	return false, nil
}

func (d *directions) of(direction Direction) *setting {
	if direction == Responses {
		return &d.Responses
	}
	return &d.Requests
}

// maxBytes bounds a policy file and so the memory to read it. It is enough for some ten thousand operations.
const maxBytes = 1 << 20

// Parse reads a policy file of at most 1 MiB. Errors name the line.
func Parse(data []byte) (*Policy, error) {
	if len(data) > maxBytes {
		return nil, fmt.Errorf("reading the policy: it must have at most %d bytes", maxBytes)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return &Policy{}, nil
	} else if err != nil {
		return nil, fmt.Errorf("reading the policy: %w", err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("reading the policy: it must be one YAML document")
	}
	p := &Policy{Operations: map[string]directions{}}
	if err := p.read(document.Content[0]); err != nil {
		return nil, fmt.Errorf("reading the policy: %w", err)
	}
	return p, nil
}

func (p *Policy) read(n *yaml.Node) error {
	return members(n, "requests, responses and operations", func(name, value *yaml.Node) error {
		if known, err := p.directions.read(name, value); known {
			return err
		}
		if name.Value != "operations" {
			return at(name, fmt.Errorf("%s: must be requests, responses or operations", quoted(name.Value)))
		}
		return members(value, "operations by their operationId", func(id, value *yaml.Node) error {
			var own directions
			err := members(value, "requests and responses", func(name, value *yaml.Node) error {
				known, err := own.read(name, value)
				if !known {
					return at(name, fmt.Errorf("%s: must be requests or responses", quoted(name.Value)))
				}
				return err
			})
			p.Operations[id.Value] = own
			return err
		})
	})
}

// Defaults apply where a policy sets nothing; the pointers override it.
type Defaults struct {
	// Requests and Responses apply to a direction whose mode the policy does not set.
	Requests, Responses Mode
	// ForceRequests and ForceResponses, unless nil, replace the policy's own mode of a direction.
	ForceRequests, ForceResponses *Mode
	// Unknown, unless nil, replaces the mode of Path and Method.
	Unknown *Mode
}

// Rules returns the rules of an operation. The operation "" is for requests that match none.
func (p *Policy) Rules(operation string, direction Direction, d Defaults) Rules {
	mode, force := d.Requests, d.ForceRequests
	if direction == Responses {
		mode, force = d.Responses, d.ForceResponses
	}
	general := *p.of(direction)
	switch {
	case force != nil:
		general.Mode = force
	case general.Mode == nil:
		general.Mode = &mode
	}
	var r Rules
	general.apply(&r)
	if own, ok := p.Operations[operation]; ok {
		own.of(direction).apply(&r)
	}
	if d.Unknown != nil && direction == Requests {
		r[Path], r[Method] = *d.Unknown, *d.Unknown
	}
	return r
}
