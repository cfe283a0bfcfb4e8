package api

import (
	"reflect"
	"regexp"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

func TestIfMatch(t *testing.T) {
	t.Parallel()
	if got := condition(nil); !reflect.DeepEqual(got, pfx.Condition{}) {
		t.Errorf("condition(nil) = %+v", got)
	}
	const v = pfx.Version(0x0123456789abcdef)
	for value, want := range map[string]pfx.Condition{
		"*":                    {Any: true},
		`"0123456789abcdef"`:   {Versions: []pfx.Version{v}},
		`W/"0123456789abcdef"`: {Versions: []pfx.Version{v}},
		`"x", "0123456789abcdef",W/"0000000000000001"`: {Versions: []pfx.Version{v, 1}},
		`"a\", "0123456789abcdef"`:                     {Versions: []pfx.Version{v}},
		`"0123456789ABCDEF"`:                           {Versions: []pfx.Version{}},
		`"123456789abcdef"`:                            {Versions: []pfx.Version{}},
		`"0000000000000000"`:                           {Versions: []pfx.Version{}},
		`"-8000000000000000"`:                          {Versions: []pfx.Version{}},
		`""`:                                           {Versions: []pfx.Version{}},
	} {
		if got := condition(&value); !reflect.DeepEqual(got, want) {
			t.Errorf("condition(%s) = %+v, want %+v", value, got, want)
		}
	}
}

func FuzzIfMatch(f *testing.F) {
	f.Add(`W/"0123456789abcdef", "x"`)
	f.Add(`"a\", "0123456789abcdef"`)
	tag := regexp.MustCompile(`"([^"]*)"`)
	ours := regexp.MustCompile(`^"[0-7][0-9a-f]{15}"$`)
	f.Fuzz(func(t *testing.T, value string) {
		want := 0
		for _, m := range tag.FindAllString(value, -1) {
			if ours.MatchString(m) && m != `"0000000000000000"` {
				want++
			}
		}
		if got := condition(&value); len(got.Versions) != want && value != "*" {
			t.Fatalf("condition(%q) = %+v, want %d of our tags", value, got, want)
		}
	})
}

func TestPrefer(t *testing.T) {
	t.Parallel()
	if got := prefer(nil); got != (preferences{}) {
		t.Errorf("prefer(nil) = %v", got)
	}
	for value, want := range map[string]preference{
		"":                                      preferNothing,
		"return=minimal":                        preferMinimal,
		"Return=minimal":                        preferMinimal,
		`return="minimal"`:                      preferMinimal,
		"return = minimal ; x=1":                preferMinimal,
		"respond-async, return=minimal":         preferMinimal,
		"return=representation":                 preferRepresentation,
		"return=minimal, return=representation": preferMinimal,
		"return=everything":                     preferNothing,
		"return":                                preferNothing,
		"returns=minimal":                       preferNothing,
		`x="a, return=minimal"`:                 preferNothing,
	} {
		if got := prefer(&value).response; got != want {
			t.Errorf("prefer(%q) = %q, want %q", value, got, want)
		}
	}
}

// TestSelectTakesEachMember: the pattern of $select in the document has the name of every member.
func TestSelectTakesEachMember(t *testing.T) {
	t.Parallel()
	for _, m := range pfx.Members {
		faults := pfxvalid.DecodeGetPfxRecryptionRequestParams("sample", "$select="+m.Name, nil, new(pfxvalid.GetPfxRecryptionRequestPath), new(pfxapi.GetPfxRecryptionRequestParams))
		if faults != nil {
			t.Errorf("$select=%s is refused: %v", m.Name, faults)
		}
	}
}
