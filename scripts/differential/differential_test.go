package differential

import (
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/openapi/spec/spectest"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// TestFaultsAreCompared compares pairs of verdicts on one body.
func TestFaultsAreCompared(t *testing.T) {
	t.Parallel()
	fault := func(keyword string) *validate.Faults {
		return &validate.Faults{List: []validate.Fault{{Pointer: "/a", Keyword: keyword}}}
	}
	undecodable := &validate.Faults{Undecodable: true, List: fault("type").List}
	tests := map[string]struct {
		inProcess, generated         *validate.Faults
		differ                       bool
		accepted, refused, undecoded int
	}{
		"both accept":               {nil, nil, false, 1, 0, 0},
		"both reject":               {fault("type"), fault("type"), false, 0, 1, 0},
		"different faults":          {fault("type"), fault("enum"), true, 0, 0, 0},
		"accepted and not decoded":  {nil, undecodable, false, 1, 0, 1},
		"rejected and not decoded":  {fault("type"), undecodable, true, 0, 0, 0},
		"generated code accepts":    {fault("type"), nil, true, 0, 0, 0},
		"generated code rejects":    {nil, fault("type"), true, 0, 0, 0},
		"malformed at another byte": {&validate.Faults{Malformed: true}, &validate.Faults{Malformed: true, Offset: 1}, true, 0, 0, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var c Comparison
			if got := c.body(tt.inProcess, tt.generated); (got != "") != tt.differ {
				t.Errorf("got %q", got)
			}
			if c.Accepted != tt.accepted || c.Refused != tt.refused || c.Undecoded != tt.undecoded {
				t.Errorf("got %+v", c)
			}
		})
	}
}

// TestHostileDocumentsAreRead: documents with hostile names are valid.
func TestHostileDocumentsAreRead(t *testing.T) {
	t.Parallel()
	var operations int
	for seed := range uint64(100) {
		text := HostileDocument(spectest.Seed(seed))
		d, err := spec.Load(t.Context(), text, spec.Options{})
		if err != nil {
			t.Errorf("%v\n%s", err, text)
			continue
		}
		operations += len(d.Operations)
	}
	if operations < 300 {
		t.Errorf("got %d operations", operations)
	}
}

// TestDocumentsAreDrawn: each document has names with its group's prefix, valid and invalid bodies in both directions,
// and some that are not JSON.
func TestDocumentsAreDrawn(t *testing.T) {
	t.Parallel()
	var accepted, refused, malformed, judged int
	for seed := range uint64(24) {
		d := draw(seed, 7)
		if !d.load(t.Context()) {
			continue
		}
		judged++
		for name := range d.document.Components {
			if !strings.HasPrefix(name, "G7E") {
				t.Errorf("the component %s does not have the prefix of its group", name)
			}
		}
		d.values(50)
		for _, v := range d.group.Values {
			switch f := d.judges[0].Check(t.Context(), v.JSON); {
			case f == nil:
				accepted++
			case f.Malformed:
				malformed++
			default:
				refused++
			}
		}
	}
	if judged < 20 || accepted < 100 || refused < 100 || malformed < 10 {
		t.Errorf("got %d documents, %d bodies accepted, %d rejected, %d malformed", judged, accepted, refused, malformed)
	}
}
