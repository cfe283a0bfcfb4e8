package api

import (
	"reflect"
	"regexp"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
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
		if got := prefer(&value).answer; got != want {
			t.Errorf("prefer(%q) = %q, want %q", value, got, want)
		}
	}
}

// TestConversionForgetsNoMember fills every member of a request with a value of its own and takes it to the wire and
// back.
func TestConversionForgetsNoMember(t *testing.T) {
	t.Parallel()
	created, err := edm.ParseDateTimeOffset("2017-01-01T00:03Z")
	if err != nil {
		t.Fatal(err)
	}
	modified, err := edm.ParseDateTimeOffset("2018-01-01T00:03Z")
	if err != nil {
		t.Fatal(err)
	}
	want := pfx.Request{
		ID: "a", TenantID: edm.Guid{1}, UserID: edm.Guid{2}, DeviceID: edm.Guid{3}, ProfileID: edm.Guid{4},
		Thumbprint: edm.Value("b"), DeviceKeyThumbprint: edm.Value("c"), Status: 5, SourceType: 6,
		CreatedTime: created, LastModifiedTime: modified, IsDeleted: true, ETag: edm.Value("d"),
	}
	for i := range reflect.TypeFor[pfx.Request]().NumField() {
		if name := reflect.TypeFor[pfx.Request]().Field(i).Name; name != "Version" && reflect.ValueOf(want).Field(i).IsZero() {
			t.Errorf("the test forgets %s", name)
		}
	}
	entity := fromRequest(&want)
	for i := range reflect.TypeOf(entity).NumField() {
		if reflect.ValueOf(entity).Field(i).IsZero() {
			t.Errorf("fromRequest forgets %s", reflect.TypeOf(entity).Field(i).Name)
		}
	}
	if got := toRequest(&entity); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
