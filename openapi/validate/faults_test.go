package validate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPointers records a fault for every value, and for the end of every object and array.
func TestPointers(t *testing.T) {
	t.Parallel()
	const data = ` {"a": [1, {"b/c~d": null}], "\u0065": "x"}`
	want := &Expected{Type: "string"}
	var marks []mark
	for _, text := range []string{"{", "[", "1", `{"b`, "null", "}]", "]", `"x"`, "}"} {
		at := strings.Index(data, text)
		if text == "}" {
			at = len(data) - 1
		}
		marks = append(marks, mark{at: at, keyword: text, want: want})
	}
	marks = append(marks, mark{at: len(data) - 1, member: "m/n", keyword: "required", want: want})
	expect := []string{
		"{  ", "[ /a a", "1 /a/0 a", `{"b /a/1 a`, "null /a/1/b~1c~0d b/c~d", "}] /a/1 a", "] /a a", `"x" /e e`, "}  ", "required /m~1n m/n",
	}
	var scanned tape
	if _, ok := scanned.scan([]byte(data), 1, maxDepth); !ok {
		t.Fatal("got malformed")
	}
	for how, faults := range map[string][]Fault{
		"bytes": resolve(nil, []byte(data), marks),
		"tape":  scanned.faults(nil, marks),
	} {
		var got []string
		for _, f := range faults {
			got = append(got, f.Keyword+" "+f.Pointer+" "+f.Name)
		}
		if diff := cmp.Diff(expect, got); diff != "" {
			t.Errorf("%s: faults (-want +got):\n%s", how, diff)
		}
	}
}

func TestFaultsAreBounded(t *testing.T) {
	t.Parallel()
	data := []byte("[" + strings.Repeat("1,", 100) + "1]")
	r := Open(data)
	r.Enter('[', &Expected{})
	for n := 0; r.More(n, ']'); n++ {
		r.String(&Expected{Type: "string"})
	}
	f := r.Close()
	if f == nil || len(f.List) != maxFaults || f.List[maxFaults-1].Pointer != "/31" {
		t.Errorf("got %+v, want %d faults", f, maxFaults)
	}
}

// TestFirstFaultsAreKept notes more faults than are reported, from the last one to the first.
func TestFirstFaultsAreKept(t *testing.T) {
	t.Parallel()
	var marks []mark
	for at := 2 * maxFaults; at > 0; at-- {
		marks = noted(noted(marks, mark{at: at, keyword: "pattern"}), mark{at: at, keyword: "type"})
	}
	marks = noted(marks, mark{at: 1, keyword: "format"}) // replaces the pattern
	var got []string
	for _, m := range marks {
		got = append(got, fmt.Sprint(m.at, " ", m.keyword))
	}
	want := []string{"1 type", "1 format"}
	for at := 2; len(want) < maxFaults; at++ {
		want = append(want, fmt.Sprint(at, " pattern"), fmt.Sprint(at, " type"))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestBadSyntaxAfterFault(t *testing.T) {
	t.Parallel()
	r := Open([]byte(`[1,"a"`))
	r.String(&Expected{Type: "string"})
	if f := r.Close(); f == nil || !f.Malformed || f.List != nil || f.Offset != 6 {
		t.Errorf("got %+v, want malformed at 6 and nothing else", f)
	}
}
