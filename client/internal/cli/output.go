package cli

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/fatih/color"
	"go.yaml.in/yaml/v3"

	"github.com/pfxrecryption/pfxrecryption/client"
)

// encoder writes objects, given as JSON, in one format.
type encoder interface {
	encode(object []byte) error
	close() error
}

// newEncoder returns the encoder of a format. For json and yaml, many objects are an array, and one is not. columns are
// those of a table or CSV; nil means the default.
func newEncoder(c *console, format string, many bool, columns []string) encoder {
	switch format {
	case "jsonl":
		return jsonLines{c.out}
	case "yaml":
		return &yamlEncoder{out: c.out, many: many}
	case "table":
		return newTable(c, columns)
	case "csv":
		return newCSV(c.out, columns)
	}
	return &jsonEncoder{out: c.out, many: many}
}

type jsonLines struct{ out io.Writer }

func (l jsonLines) encode(object []byte) error {
	_, err := l.out.Write(append(object, '\n'))
	return err
}

func (jsonLines) close() error { return nil }

type jsonEncoder struct {
	out  io.Writer
	many bool
	n    int
}

func (e *jsonEncoder) encode(object []byte) error {
	var b bytes.Buffer
	prefix := ""
	if e.many {
		prefix = "  "
		b.WriteString(map[bool]string{true: "[\n", false: ",\n"}[e.n == 0] + prefix)
	}
	e.n++
	if err := json.Indent(&b, object, prefix, "  "); err != nil {
		return err
	}
	_, err := e.out.Write(b.Bytes())
	return err
}

func (e *jsonEncoder) close() error {
	end := "\n"
	if e.many && e.n == 0 {
		end = "[]\n"
	} else if e.many {
		end = "\n]\n"
	}
	_, err := io.WriteString(e.out, end)
	return err
}

type yamlEncoder struct {
	out  io.Writer
	many bool
	n    int
}

func (e *yamlEncoder) encode(object []byte) error {
	e.n++
	var node any = yamlMap(object)
	if e.many {
		node = []any{node}
	}
	text, err := yaml.Marshal(node)
	if err != nil {
		return err
	}
	_, err = e.out.Write(text)
	return err
}

func (e *yamlEncoder) close() error {
	if !e.many || e.n > 0 {
		return nil
	}
	_, err := io.WriteString(e.out, "[]\n")
	return err
}

// yamlMap returns a flat JSON object as YAML and keeps the order of its members.
func yamlMap(object []byte) *yaml.Node {
	node := &yaml.Node{Kind: yaml.MappingNode}
	for name, value := range members(object) {
		scalar := &yaml.Node{}
		_ = scalar.Encode(value) // scalars always encode
		if number, ok := value.(json.Number); ok {
			*scalar = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: number.String()}
		}
		node.Content = append(node.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: name}, scalar)
	}
	return node
}

// allColumns are the members of an object.
var allColumns = func() []string {
	var names []string
	object := reflect.TypeFor[client.Request]()
	for i := range object.NumField() {
		if name, _, _ := strings.Cut(object.Field(i).Tag.Get("json"), ","); !strings.HasPrefix(name, "@") {
			names = append(names, name)
		}
	}
	return names
}()

// csvEncoder writes comma-separated values (RFC 4180) with a heading; null is an empty field.
type csvEncoder struct {
	columns []string
	out     *csv.Writer
	begun   bool
}

func newCSV(out io.Writer, columns []string) *csvEncoder {
	if columns == nil {
		columns = allColumns
	}
	return &csvEncoder{columns: columns, out: csv.NewWriter(out)}
}

func (e *csvEncoder) encode(object []byte) error {
	if err := e.heading(); err != nil {
		return err
	}
	fields := make(map[string]string)
	for name, value := range members(object) {
		if value != nil {
			fields[name] = fmt.Sprint(value)
		}
	}
	row := make([]string, len(e.columns))
	for i, column := range e.columns {
		row[i] = fields[column]
	}
	return e.out.Write(row)
}

func (e *csvEncoder) heading() error {
	if e.begun {
		return nil
	}
	e.begun = true
	return e.out.Write(e.columns)
}

func (e *csvEncoder) close() error {
	err := e.heading()
	e.out.Flush()
	return errors.Join(err, e.out.Error())
}

// defaultColumns are the members that a table shows by default.
var defaultColumns = []string{"id", "status", "sourceType", "isDeleted", "lastModifiedTime", "deviceId", "thumbprint"}

// tableRows is how many rows a table aligns at a time: it need not wait for the end of a long listing.
const tableRows = 1000

type table struct {
	columns []string
	out     *tabwriter.Writer
	n       int
	bold    bool
}

func newTable(c *console, columns []string) *table {
	if columns == nil {
		columns = defaultColumns
	}
	return &table{columns: columns, out: tabwriter.NewWriter(c.out, 0, 0, 2, ' ', tabwriter.StripEscape), bold: c.colorOut}
}

func (t *table) encode(object []byte) error {
	if t.n == 0 {
		t.heading()
	}
	cells := make(map[string]string)
	for name, value := range members(object) {
		cells[name] = cell(value)
	}
	row := make([]string, len(t.columns))
	for i, column := range t.columns {
		row[i] = cells[column]
	}
	fmt.Fprintln(t.out, strings.Join(row, "\t"))
	if t.n++; t.n%tableRows == 0 {
		return t.out.Flush()
	}
	return nil
}

func (t *table) heading() {
	row := make([]string, len(t.columns))
	for i, column := range t.columns {
		row[i] = paint(t.bold, strings.ToUpper(column), color.Bold)
	}
	fmt.Fprintln(t.out, strings.Join(row, "\t"))
}

func (t *table) close() error { return t.out.Flush() }

// cell returns a value for a table. It escapes unprintable characters, which could control the terminal.
func cell(value any) string {
	s := fmt.Sprint(value)
	if value == nil {
		s = "null"
	}
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.QuoteToGraphic(s)
	}
	return s
}

// members iterates over the members of a flat JSON object in their order. A value is a string, a json.Number, a bool or nil.
func members(object []byte) func(yield func(string, any) bool) {
	return func(yield func(string, any) bool) {
		d := json.NewDecoder(bytes.NewReader(object))
		d.UseNumber()
		if _, err := d.Token(); err != nil { // the opening brace
			return
		}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return
			}
			value, err := d.Token()
			if err != nil || !yield(name.(string), value) {
				return
			}
		}
	}
}
