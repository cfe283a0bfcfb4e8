package spec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"
)

const (
	maxNesting    = 500     // levels of nested objects and arrays in a file
	maxAliasNodes = 1 << 18 // values that aliases may add to a YAML file
	maxAliasBytes = 4 << 20 // bytes of text that aliases may add
	maxMembers    = 1 << 15 // members of an object or items of an array
	maxValues     = 1 << 20 // values; each takes up to 400 bytes during reading
)

// budget limits the memory of files. Bytes that are mostly values take a hundred times their length. Aliases multiply YAML:
// a thousand aliases of one long string are small as YAML, but large as JSON.
type budget struct{ values, aliasNodes, aliasBytes int }

func newBudget() *budget { return &budget{maxValues, maxAliasNodes, maxAliasBytes} }

// parse reads JSON or YAML.
func parse(data []byte) (*node, error) { return newBudget().parse(data) }

// parse reads JSON or YAML. It rejects duplicate members.
func (b *budget) parse(data []byte) (*node, error) {
	if b.values -= countValues(data); b.values < 0 || len(data) > maxFileBytes {
		return nil, fmt.Errorf("the document is too large: at most %d MiB and some %d values are read", maxFileBytes>>20, maxValues)
	}
	if err := checkText(data); err != nil {
		return nil, err
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	trimmed := bytes.TrimLeft(data, " \t\r\n")
	if len(trimmed) == 0 || trimmed[0] != '{' && trimmed[0] != '[' {
		return b.parseYAML(data)
	}
	n, failed := parseJSON(data)
	if failed == nil {
		return n, nil
	}
	if !json.Valid(data) { // it may be YAML in flow style
		n, err := b.parseYAML(data)
		if err == nil || !bytes.HasPrefix(bytes.TrimLeft(trimmed[1:], " \t\r\n"), []byte{'"'}) {
			return n, err
		}
	}
	return nil, errors.New(strings.TrimPrefix(failed.Error(), "jsontext: "))
}

// checkText finds what no parser accepts, to name its line.
func checkText(data []byte) error {
	if bytes.HasPrefix(data, []byte("\xfe\xff")) || bytes.HasPrefix(data, []byte("\xff\xfe")) {
		return nil // UTF-16
	}
	line := 1
	for rest := data; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		switch {
		case r == '\n':
			line++
		case r == utf8.RuneError && size == 1:
			return fmt.Errorf("line %d is not UTF-8: save the document in that encoding", line)
		case r < ' ' && r != '\t' && r != '\r':
			return fmt.Errorf("line %d has the control character %U: remove or escape it", line, r)
		}
		rest = rest[size:]
	}
	return nil
}

// countValues returns an upper bound of the number of values in a file, from the characters that can start one.
func countValues(data []byte) int {
	n := bytes.Count(data, []byte("- "))
	for i, c := range data {
		if c == '\n' || (c == ',' || c == '[' || c == '{') && (i+1 == len(data) || data[i+1] != '\n') {
			n++
		}
	}
	return n
}

func parseJSON(data []byte) (*node, error) {
	d := jsontext.NewDecoder(bytes.NewReader(data))
	n, err := readJSON(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more than one JSON value")
	}
	return n, nil
}

func readJSON(d *jsontext.Decoder, depth int) (*node, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("values nest more than %d levels deep", maxNesting)
	}
	token, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case '"':
		return &node{kind: textKind, text: token.String()}, nil
	case '0':
		return &node{kind: numberKind, text: token.String()}, nil
	case 't', 'f':
		return &node{kind: boolKind, text: token.String()}, nil
	case '[':
		return readList(d, depth)
	case '{':
		return readObject(d, depth)
	}
	return &node{kind: nullKind}, nil
}

func readList(d *jsontext.Decoder, depth int) (*node, error) {
	n := &node{kind: listKind}
	for d.PeekKind() != ']' {
		item, err := readJSON(d, depth+1)
		if err != nil {
			return nil, err
		}
		n.add(item)
		if len(n.items) > maxMembers {
			return nil, errMembers
		}
	}
	_, err := d.ReadToken()
	return n, err
}

// errMembers limits an object or array, because its members or items are compared with each other.
var errMembers = fmt.Errorf("an object or an array has more than %d members", maxMembers)

func readObject(d *jsontext.Decoder, depth int) (*node, error) {
	n := &node{kind: objectKind}
	for d.PeekKind() != '}' {
		token, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		name := token.String()
		item, err := readJSON(d, depth+1)
		if err != nil {
			return nil, err
		}
		n.set(name, item)
		if len(n.items) > maxMembers {
			return nil, errMembers
		}
	}
	_, err := d.ReadToken()
	return n, err
}

// directive is the YAML directive of version 1.2. The parser reads YAML 1.2, but accepts only the directive of 1.1.
var directive = regexp.MustCompile(`\A(?:[ \t]*(?:#.*)?\r?\n)*%YAML[ \t]+1\.2`)

func (b *budget) parseYAML(data []byte) (*node, error) {
	if at := directive.FindIndex(data); at != nil {
		data = slices.Concat(data[:at[1]-1], []byte{'1'}, data[at[1]:])
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	var y yaml.Node
	if err := d.Decode(&y); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the document is empty")
		}
		return nil, withHint(err)
	}
	if !errors.Is(d.Decode(new(yaml.Node)), io.EOF) {
		return nil, errors.New("there is more than one YAML document")
	}
	return b.read(&y, 0, false)
}

// withHint adds what is most often wrong to an error of the YAML parser, whose line can be one too low.
func withHint(err error) error {
	text := err.Error()
	switch {
	case strings.Contains(text, "cannot start any token"):
		return fmt.Errorf("%w: indent with spaces, not with tabs", err)
	case strings.Contains(text, "did not find expected"), strings.Contains(text, "mapping values are not allowed"):
		return fmt.Errorf("%w: look at the indentation, colons and quotes of this line and the next", err)
	}
	return err
}

func (b *budget) read(y *yaml.Node, depth int, copied bool) (*node, error) {
	if copied {
		b.aliasNodes--
		b.aliasBytes -= len(y.Value)
	}
	if b.aliasNodes < 0 || b.aliasBytes < 0 {
		return nil, fmt.Errorf("line %d: the aliases make the document too large", y.Line)
	}
	if depth > maxNesting {
		return nil, fmt.Errorf("line %d: values nest more than %d levels deep, or contain themselves", y.Line, maxNesting)
	}
	if len(y.Content) > 2*maxMembers || len(y.Content) > maxMembers && y.Kind == yaml.SequenceNode {
		return nil, fmt.Errorf("line %d: %w", y.Line, errMembers)
	}
	switch y.Kind {
	case yaml.DocumentNode:
		return b.read(y.Content[0], depth, copied)
	case yaml.AliasNode:
		return b.read(y.Alias, depth+1, true)
	case yaml.SequenceNode:
		n := &node{kind: listKind}
		for _, item := range y.Content {
			value, err := b.read(item, depth+1, copied)
			if err != nil {
				return nil, err
			}
			n.add(value)
		}
		return n, nil
	case yaml.MappingNode:
		return b.mapping(y, depth, copied)
	}
	return scalar(y)
}

func (b *budget) mapping(y *yaml.Node, depth int, copied bool) (*node, error) {
	n := &node{kind: objectKind}
	var merged []*yaml.Node
	for i := 0; i+1 < len(y.Content); i += 2 {
		key := y.Content[i]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("line %d: the name of a member must be a scalar", key.Line)
		}
		if key.ShortTag() == "!!merge" {
			merged = append(merged, y.Content[i+1])
			continue
		}
		value, err := b.read(y.Content[i+1], depth+1, copied)
		if err != nil {
			return nil, err
		}
		if !n.set(key.Value, value) {
			return nil, fmt.Errorf("line %d: duplicate member %q", key.Line, key.Value)
		}
		if copied {
			b.aliasBytes -= len(key.Value)
		}
	}
	return n, b.merge(n, merged, depth)
}

// merge applies merge keys (<<: *alias, or a list of aliases). Existing members take precedence.
func (b *budget) merge(n *node, merged []*yaml.Node, depth int) error {
	for _, y := range merged {
		value, err := b.read(y, depth+1, true)
		if err != nil {
			return err
		}
		sources := []*node{value}
		if value.kind == listKind {
			sources = value.items
		}
		for _, from := range sources {
			if from.kind != objectKind {
				return fmt.Errorf("line %d: a merge key needs a mapping", y.Line)
			}
			for name, member := range from.members() {
				n.set(name, member)
			}
		}
	}
	return nil
}

func scalar(y *yaml.Node) (*node, error) {
	switch y.ShortTag() {
	case "!!null":
		return &node{kind: nullKind}, nil
	case "!!bool":
		return &node{kind: boolKind, text: strings.ToLower(y.Value)}, nil
	case "!!int", "!!float":
		if text, ok := number(y); ok {
			return &node{kind: numberKind, text: text}, nil
		}
	case "!!binary":
		return nil, fmt.Errorf("line %d: JSON has no binary values", y.Line)
	}
	return &node{kind: textKind, text: y.Value}, nil // in JSON, times and infinity are strings
}

// number returns a number as a JSON literal. It keeps the digits of a YAML number that is one already.
func number(y *yaml.Node) (string, bool) {
	if isNumber(y.Value) {
		return y.Value, true
	}
	var integer int64
	if y.ShortTag() == "!!int" && y.Decode(&integer) == nil {
		return strconv.FormatInt(integer, 10), true
	}
	var float float64
	if y.Decode(&float) != nil {
		return "", false
	}
	text := strconv.FormatFloat(float, 'g', -1, 64)
	return text, isNumber(text)
}

// isNumber reports whether s is a JSON number.
func isNumber(s string) bool {
	if s == "" || s[0] != '-' && (s[0] < '0' || s[0] > '9') || s[len(s)-1] < '0' || s[len(s)-1] > '9' {
		return false
	}
	return json.Valid([]byte(s))
}
