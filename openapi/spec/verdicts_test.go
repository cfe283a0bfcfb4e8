package spec_test

import (
	"context"
	"flag"
	"fmt"
	"net/textproto"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

var update = flag.Bool("update", false, "rewrite the verdicts in testdata/verdicts")

// TestVerdicts reads testdata/verdicts/*.txt, whose lines are
//
//	operation what data => faults
//
// where what is path (segments separated by bars), query, header (lines separated by bars), request:TYPE or STATUS:TYPE.
// Data that starts with $ is a Go string, @N means N nested arrays. A case has only the faults of its own place: a case of
// the query has no fault of a required header.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"shop.yaml", "flow.json", "files.yaml"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile("testdata/verdicts/" + name)
			if err != nil {
				t.Fatal(err)
			}
			d, err := spec.Load(context.Background(), data, spec.Options{})
			if err != nil {
				t.Fatal(err)
			}
			stem, _, _ := strings.Cut(name, ".")
			checkVerdicts(t, d, "testdata/verdicts/"+stem+".txt")
		})
	}
}

func checkVerdicts(t *testing.T, d *spec.Document, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cases := 0
	var out strings.Builder
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		i := strings.LastIndex(line, " => ")
		if i < 0 {
			fmt.Fprintln(&out, line)
			continue
		}
		cases++
		call, want := line[:i], line[i+len(" => "):]
		got := verdict(t, d, call)
		if got != want && !*update {
			t.Errorf("%s: %s\n got %s\nwant %s", file, call, got, want)
		}
		fmt.Fprintf(&out, "%s => %s\n", call, got)
	}
	if cases < 40 {
		t.Errorf("%s has %d cases, want 40", file, cases)
	}
	if *update {
		if err := os.WriteFile(file, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func verdict(t *testing.T, d *spec.Document, call string) string {
	t.Helper()
	id, rest, _ := strings.Cut(call, " ")
	what, data, _ := strings.Cut(rest, " ")
	var o *validate.Operation
	for _, other := range d.Operations {
		if other.ID == strings.ReplaceAll(id, "_", " ") {
			o = other
		}
	}
	if o == nil {
		t.Fatalf("no operation %s", id)
	}
	faults := judged(t, o, what, unquoted(t, data))
	switch {
	case faults == nil:
		return "ok"
	case faults.Empty:
		return "empty"
	case faults.Malformed:
		return "malformed"
	}
	var list []string
	for _, f := range faults.List {
		switch f.In {
		case "":
			list = append(list, strings.TrimSpace(f.Keyword+" "+f.Pointer))
		case what:
			list = append(list, f.Keyword+" "+strings.Trim(strconv.Quote(f.Name), `"`)+f.Pointer)
		}
	}
	if list == nil {
		return "ok"
	}
	return strings.Join(list, "; ")
}

func unquoted(t *testing.T, data string) string {
	if quoted, ok := strings.CutPrefix(data, "$"); ok {
		text, err := strconv.Unquote(quoted)
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		return text
	}
	if n, err := strconv.Atoi(strings.TrimPrefix(data, "@")); err == nil && data[0] == '@' {
		return strings.Repeat("[", n) + strings.Repeat("]", n)
	}
	return data
}

func judged(t *testing.T, o *validate.Operation, what, data string) *validate.Faults {
	where, mediaType, _ := strings.Cut(what, ":")
	body := o.RequestBody(mediaType)
	switch where {
	case "path":
		return o.CheckParameters(t.Context(), strings.Split(data, "|"), "", nil)
	case "query":
		return o.CheckParameters(t.Context(), nil, data, nil)
	case "header":
		header := map[string][]string{}
		for line := range strings.SplitSeq(data, "|") {
			if name, value, ok := strings.Cut(line, ":"); ok {
				key := textproto.CanonicalMIMEHeaderKey(name)
				header[key] = append(header[key], strings.TrimSpace(value))
			}
		}
		return o.CheckParameters(t.Context(), nil, "", header)
	case "request":
	default:
		status, err := strconv.Atoi(where)
		if err != nil {
			t.Fatalf("%q is not a place", what)
		}
		body = o.Response(status).Body(mediaType)
	}
	if body == nil {
		return &validate.Faults{List: []validate.Fault{{Keyword: "mediaType"}}}
	}
	return body.CheckContent(t.Context(), mediaType, []byte(data))
}
