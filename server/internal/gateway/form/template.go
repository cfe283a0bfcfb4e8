package form

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"text/template"
	"text/template/parse"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/net/http/httpguts"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/strict"
)

// Parse returns the form of a template: a Content-Type line, an empty line, and a [text/template] that writes JSON from an
// [Answer]. name is the file's name, for errors.
//
//	Content-Type: application/vnd.example+json
//
//	{"code": {{.Status}}, "text": {{.Detail}}, "where": [{{range $i, $e := .Errors}}{{if $i}},{{end}}{{$e.Pointer}}{{end}}]}
//
// Each value is written as JSON with its quotes, whether or not the template calls json, so no value can end a string or act
// as markup. Parse executes the template with a sample of each status that the gateway sends.
func Parse(name string, text []byte) (*Form, error) {
	mediaType, body, err := splitHead(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s:1: %w", name, err)
	}
	t, err := template.New(name).Funcs(template.FuncMap{"json": toJSON}).Parse(body)
	if err != nil {
		return nil, plain(err)
	}
	for _, each := range t.Templates() {
		if each.Tree != nil {
			escapeList(each.Root)
		}
	}
	f := &Form{mediaType, func(buf []byte, p *graph.Problem, of *graph.Identity) ([]byte, error) {
		return execute(t, buf, newAnswer(p, of))
	}}
	if err := f.try(); err != nil {
		return nil, err
	}
	return f, nil
}

// splitHead returns the media type, and the template with its line numbers kept.
func splitHead(text string) (mediaType, body string, err error) {
	first, rest, _ := strings.Cut(text, "\n")
	second, rest, _ := strings.Cut(rest, "\n")
	field, value, _ := strings.Cut(strings.TrimSuffix(first, "\r"), ":")
	value = strings.TrimSpace(value)
	if !strings.EqualFold(field, "Content-Type") || strings.TrimSpace(second) != "" {
		return "", "", errors.New(`want "Content-Type: ", a JSON media type and an empty line, then the template`)
	}
	media, _, err := mime.ParseMediaType(value)
	if err != nil || media != "application/json" && !strings.HasSuffix(media, "+json") || !httpguts.ValidHeaderFieldValue(value) {
		return "", "", fmt.Errorf("the Content-Type is %q: want application/json or a type that ends in +json", value)
	}
	return value, "\n\n" + rest, nil
}

// encoded is JSON that needs no further escaping.
type encoded string

// toJSON is the function json of templates.
func toJSON(v any) (encoded, error) {
	if done, ok := v.(encoded); ok {
		return done, nil
	}
	text, err := strict.AppendJSON(nil, v)
	return encoded(text), err
}

// escapeList makes each action of a template write JSON, as html/template does for HTML.
func escapeList(list *parse.ListNode) {
	if list == nil {
		return
	}
	for _, n := range list.Nodes {
		switch n := n.(type) {
		case *parse.ActionNode:
			if len(n.Pipe.Decl) == 0 { // otherwise it writes nothing
				n.Pipe.Cmds = append(n.Pipe.Cmds, &parse.CommandNode{NodeType: parse.NodeCommand, Pos: n.Pos, Args: []parse.Node{parse.NewIdentifier("json").SetPos(n.Pos)}})
			}
		case *parse.IfNode:
			escapeBranch(&n.BranchNode)
		case *parse.RangeNode:
			escapeBranch(&n.BranchNode)
		case *parse.WithNode:
			escapeBranch(&n.BranchNode)
		}
	}
}

func escapeBranch(b *parse.BranchNode) {
	escapeList(b.List)
	escapeList(b.ElseList)
}

func execute(t *template.Template, buf []byte, a *Answer) ([]byte, error) {
	var b bytes.Buffer
	if err := t.Execute(&b, a); err != nil {
		return nil, plain(err)
	}
	text := bytes.TrimSpace(b.Bytes())
	if !jsontext.Value(text).IsValid() {
		return nil, &invalidError{a.Status, b.Bytes(), t.Name()}
	}
	return append(buf, text...), nil
}

// plain removes the names of Go types from an error of a template. The file name and the line stay.
func plain(err error) error {
	return errors.New(strings.NewReplacer("template: ", "", " in type *form.Answer", "", " in type strict.Entry", "").Replace(err.Error()))
}

// invalidError reports a template that wrote something other than JSON.
type invalidError struct {
	status int
	text   []byte
	name   string
}

func (e *invalidError) Error() string {
	d := jsontext.NewDecoder(bytes.NewReader(e.text))
	_, err := d.ReadValue()
	offset := d.InputOffset()
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		offset = syntax.ByteOffset
	}
	rest := bytes.TrimLeft(e.text[min(int(offset), len(e.text)):], " \t\r\n")
	line := 1 + bytes.Count(e.text[:len(e.text)-len(rest)], []byte("\n"))
	return fmt.Sprintf("%s:%d: its output for status %d is not one JSON value", e.name, line, e.status)
}

// try writes a sample of each status, with faults and without.
func (f *Form) try() error {
	id := graph.Identity{Start: time.Unix(0, 0), RequestID: edm.Guid{1}, ClientRequestID: edm.Guid{2}}
	for _, status := range statuses {
		for _, faults := range samples {
			p := &graph.Problem{Status: status, Code: "Sample", Message: `A "sample" \ </script>` + "\n", Faults: faults}
			if _, err := f.Append(nil, p, &id); err != nil {
				return err
			}
		}
	}
	return nil
}

// statuses are the statuses of the gateway's own responses with a body.
var statuses = []int{
	http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotAcceptable,
	http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusRequestHeaderFieldsTooLarge,
	http.StatusInternalServerError, http.StatusNotImplemented, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
}

var samples = [][]graph.Fault{
	nil,
	{{Pointer: "/a~1b/0", Name: `a/b"`, Keyword: "type", Message: `A "sample".`}},
	{{In: "query", Name: `"`, Keyword: "required", Message: `A "sample".`}, {In: "header", Name: "Cookie", Pointer: "/c", Keyword: "type", Message: "A sample."}},
}
