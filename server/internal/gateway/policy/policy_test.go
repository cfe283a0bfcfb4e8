package policy_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
)

func TestPrecedence(t *testing.T) {
	t.Parallel()
	p := mustParse(t, `
requests:
  mode: monitor
  violations: {type: enforce, size: off}
responses: off
operations:
  a:
    requests: enforce
  b:
    requests:
      violations: {type: off}
    responses:
      mode: enforce
      violations: {status: monitor}
`)
	monitor, enforce := policy.Monitor, policy.Enforce
	for _, tt := range []struct {
		name      string
		operation string
		direction policy.Direction
		kind      policy.Kind
		defaults  policy.Defaults
		want      policy.Mode
	}{
		{"the direction's mode", "c", policy.Requests, policy.Format, policy.Defaults{}, policy.Monitor},
		{"the direction's violation", "c", policy.Requests, policy.Type, policy.Defaults{}, policy.Enforce},
		{"the operation's mode precedes the direction's violation", "a", policy.Requests, policy.Size, policy.Defaults{}, policy.Enforce},
		{"the operation's violation", "b", policy.Requests, policy.Type, policy.Defaults{}, policy.Off},
		{"the direction's violation if the operation sets nothing", "b", policy.Requests, policy.Size, policy.Defaults{}, policy.Off},
		{"the other direction", "b", policy.Responses, policy.Status, policy.Defaults{}, policy.Monitor},
		{"the other direction's mode", "c", policy.Responses, policy.Status, policy.Defaults{Responses: enforce}, policy.Off},
		{"a forced mode", "c", policy.Responses, policy.Status, policy.Defaults{ForceResponses: &monitor}, policy.Monitor},
		{"a forced mode leaves violations", "c", policy.Requests, policy.Size, policy.Defaults{ForceRequests: &enforce}, policy.Off},
		{"an unknown path", "", policy.Requests, policy.Path, policy.Defaults{}, policy.Monitor},
		{"an unknown method, forced", "", policy.Requests, policy.Method, policy.Defaults{Unknown: &enforce}, policy.Enforce},
	} {
		if got := p.Rules(tt.operation, tt.direction, tt.defaults)[tt.kind]; got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
	if r := new(policy.Policy).Rules("a", policy.Requests, policy.Defaults{}); !r.All(policy.Enforce) {
		t.Errorf("an empty policy does not refuse: %v", r)
	}
}

// TestReadOnlyIsAKindOfItsOwn: the mode of value applies to read-only unless the policy names that.
func TestReadOnlyIsAKindOfItsOwn(t *testing.T) {
	t.Parallel()
	for rules, want := range map[string][2]policy.Mode{
		"{}":                                   {policy.Enforce, policy.Enforce},
		"{value: off}":                         {policy.Off, policy.Off},
		"{read-only: monitor}":                 {policy.Enforce, policy.Monitor},
		"{value: off, read-only: monitor}":     {policy.Off, policy.Monitor},
		"{read-only: enforce, value: monitor}": {policy.Monitor, policy.Enforce},
		"{read-only: off, type: off, size: monitor}": {policy.Enforce, policy.Off},
	} {
		r := mustParse(t, "requests: {violations: "+rules+"}").Rules("", policy.Requests, policy.Defaults{})
		if got := [2]policy.Mode{r[policy.Value], r[policy.ReadOnly]}; got != want {
			t.Errorf("%s: got %v, want %v", rules, got, want)
		}
	}
	if policy.KindOf("readOnly") != policy.ReadOnly || policy.KindOf("writeOnly") != policy.ReadOnly || policy.KindOf("enum") != policy.Value {
		t.Error("readOnly and enum have the same kind")
	}
}

// TestFiles: the parser and the schema for editors agree on each file.
func TestFiles(t *testing.T) {
	t.Parallel()
	schema := compile(t)
	for name, tt := range map[string]struct{ file, err string }{
		"empty":                        {"{}", ""},
		"modes":                        {"requests: off\nresponses: monitor\n", ""},
		"quoted off":                   {"requests: 'off'\n", ""},
		"every kind":                   {"requests: {violations: {malformed: off, unknown-member: off, required: off, type: off, format: off, size: off, value: off, read-only: off, parameter: off, media-type: off, header: off, path: off, method: off, status: off, credentials: off, not-judged: off}}", ""},
		"operation":                    {"operations: {a: {requests: {mode: enforce}}}", ""},
		"unknown mode":                 {"requests: log\n", `line 1: "log": must be enforce, monitor or off`},
		"unknown kind":                 {"requests:\n  violations:\n    unknown: off\n", `line 3: "unknown": must be one of malformed`},
		"unknown word":                 {"request: off\n", `"request": must be requests, responses or operations`},
		"unknown word inside":          {"requests: {modes: off}\n", `"modes": must be mode or violations`},
		"too long":                     {"# " + strings.Repeat("x", 1<<20), "it must have at most 1048576 bytes"},
		"a long word":                  {strings.Repeat("x", 1000) + ": off\n", `"` + strings.Repeat("x", 100) + `"…: must be`},
		"aliases of aliases":           {"requests: &a {violations: {type: off}}\noperations: {a: {requests: *a}, b: {requests: *a}}", ""},
		"list":                         {"requests: [off]\n", "must be a mode"},
		"unknown word of an operation": {"operations: {a: {request: off}}", `"request": must be requests or responses`},
		"mode is a map":                {"requests: {mode: {a: b}}", "must be a word"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := policy.Parse([]byte(tt.file))
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %v, want %q", err, tt.err)
			}
			if valid := schema.Validate(document(t, tt.file)) == nil; valid != (tt.err == "") {
				t.Errorf("the schema returns %t", valid)
			}
		})
	}
	for name, file := range map[string]string{"two documents": "{}\n---\n{}\n", "a kind twice": "requests:\n  violations:\n    type: off\n    type: off\n", "no YAML": "\t"} {
		if _, err := policy.Parse([]byte(file)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestKindOfEveryName(t *testing.T) {
	t.Parallel()
	for k := range policy.KindCount {
		var back policy.Kind
		if err := back.UnmarshalText([]byte(k.String())); err != nil || back != k {
			t.Errorf("%d has the name %s, which is parsed as %d, %v", k, k, back, err)
		}
	}
	for keyword, want := range map[string]policy.Kind{
		"malformed": policy.Malformed, "additionalProperties": policy.UnknownMember, "pattern": policy.Format, "maxItems": policy.Size,
		"oneOf": policy.Value, "": policy.Value,
	} {
		if got := policy.KindOf(keyword); got != want {
			t.Errorf("KindOf(%s) = %s, want %s", keyword, got, want)
		}
	}
}

func mustParse(t *testing.T, file string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(policy.Schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("policy.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("policy.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// document reads YAML like an editor and converts it to JSON's types.
func document(t *testing.T, file string) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(file), &v); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}
