package policy_test

import (
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
)

// TestExemption: a line lets only one kind of one operation pass. Exempting value also exempts read-only.
func TestExemption(t *testing.T) {
	t.Parallel()
	operations := []string{"", "getThing", "GET /things/{id}", "a: b", "off", "null", "1e3", `"quoted"`, "é #x", "<<", "- a", "two\nlines", strings.Repeat("long", 100)}
	for _, operation := range operations {
		for _, d := range []policy.Direction{policy.Requests, policy.Responses} {
			for k := range policy.KindCount {
				line := policy.Exemption{Operation: operation, Direction: d, Kind: k}.String()
				if strings.Contains(line, "\n") && len(operation) < 100 {
					t.Errorf("%q: more than a line:\n%s", operation, line)
				}
				expectExempt(t, line, operation, d, k)
			}
		}
	}
}

func expectExempt(t *testing.T, text, operation string, d policy.Direction, k policy.Kind) {
	t.Helper()
	p, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for kind, mode := range p.Rules(operation, d, policy.Defaults{}) {
		follows := k == policy.Value && policy.Kind(kind) == policy.ReadOnly // unless the policy names it
		if (mode == policy.Monitor) != (policy.Kind(kind) == k || follows) {
			t.Errorf("%s of %q is %s by\n%s", policy.Kind(kind), operation, mode, text)
		}
	}
	if other := p.Rules("another", d, policy.Defaults{}); operation != "" && !other.All(policy.Enforce) {
		t.Errorf("another operation is exempt by\n%s", text)
	}
	if other := p.Rules(operation, 1-d, policy.Defaults{}); !other.All(policy.Enforce) {
		t.Errorf("the other direction is exempt by\n%s", text)
	}
}

func TestExemptAll(t *testing.T) {
	t.Parallel()
	got := policy.Exempt([]policy.Exemption{
		{"b", policy.Requests, policy.Type}, {"", policy.Requests, policy.Path}, {"b", policy.Requests, policy.Format}, {"a", policy.Responses, policy.Status},
	})
	const want = `operations:
  a:
    responses:
      violations:
        status: monitor
  b:
    requests:
      violations:
        format: monitor
        type: monitor
requests:
  violations:
    path: monitor
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if line := (policy.Exemption{Operation: "a", Kind: policy.UnknownMember}).String(); line != "operations: {a: {requests: {violations: {unknown-member: monitor}}}}" {
		t.Errorf("got %s", line)
	}
}
