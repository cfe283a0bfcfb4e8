package edm_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
)

func TestParseGuid(t *testing.T) {
	t.Parallel()
	const page = "f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9"
	for name, tt := range map[string]struct{ text, want string }{
		"lowerCase":       {page, page},
		"upperCase":       {strings.ToUpper(page), page},
		"noVersion":       {"00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000000"},
		"empty":           {"", ""},
		"braces":          {"{" + page + "}", ""},
		"urn":             {"urn:uuid:" + page, ""},
		"noHyphens":       {strings.ReplaceAll(page, "-", ""), ""},
		"hyphenMoved":     {"f9882bc-d2bcd-f988-cd2b-88f9cd2b88f9", ""},
		"notHexadecimal":  {"g9882bcd-2bcd-f988-cd2b-88f9cd2b88f9", ""},
		"hyphenForDigit":  {"f9882bcd-2bcd-f988-cd2b-88f9cd2b88f-", ""},
		"digitForHyphen":  {"f9882bcd02bcd-f988-cd2b-88f9cd2b88f9", ""},
		"trailing":        {page + " ", ""},
		"fullWidthDigits": {"f9882bcd-2bcd-f988-cd2b-88f9cd2b８", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := edm.ParseGuid(tt.text)
			if (err == nil) != (tt.want != "") || err == nil && got.String() != tt.want {
				t.Errorf("ParseGuid(%q) = %v, %v, want %q", tt.text, got, err, tt.want)
			}
		})
	}
}

func TestParseDateTimeOffset(t *testing.T) {
	t.Parallel()
	for text, legal := range map[string]bool{
		"2017-01-01T00:03:18.9597073-08:00":      true,
		"2017-01-01T00:03:18.9597070-08:00":      true,
		"2017-01-01T00:03:18Z":                   true,
		"2017-01-01t00:03:18z":                   true,
		"2017-01-01T00:03Z":                      true,
		"2017-01-01T00:03+14:00":                 true,
		"2017-01-01T00:03-14:00":                 true,
		"2017-01-01T00:03:18.123456789012+00:00": true,
		"2017-01-01T00:03:18.1Z":                 true,
		"2000-02-29T00:00Z":                      true,
		"2024-02-29T00:00Z":                      true,
		"0000-02-29T00:00Z":                      true,
		"9999-12-31T23:59:59.999999999999Z":      true,
		"1900-02-29T00:00Z":                      false,
		"2023-02-29T00:00Z":                      false,
		"2017-04-31T00:00Z":                      false,
		"2017-00-01T00:00Z":                      false,
		"2017-13-01T00:00Z":                      false,
		"2017-01-00T00:00Z":                      false,
		"2017-01-01T24:00Z":                      false,
		"2017-01-01T00:60Z":                      false,
		"2017-01-01T23:59:60Z":                   false,
		"2017-01-01T00:03:18.Z":                  false,
		"2017-01-01T00:03:18,95Z":                false,
		"2017-01-01T00:03:18.1234567890123Z":     false,
		"2017-01-01T1:03:18Z":                    false,
		"2017-01-01T00:03:18":                    false,
		"2017-01-01T00:03:18+14:01":              false,
		"2017-01-01T00:03:18+14:60":              false,
		"2017-01-01T00:03:18+13:60":              false,
		"2017-01-01T00:03:18+15:00":              false,
		"2017-01-01T00:03:18+0800":               false,
		"2017-01-01T00:03:18 08:00":              false,
		"2017-01-01 00:03:18Z":                   false,
		"2017-01-01T00:03:18ZZ":                  false,
		"2017-01-01T00:03.5Z":                    false,
		"2017-01-01T00:03:":                      false,
		"2017-01-01T00:03:1Z":                    false,
		"12017-01-01T00:03Z":                     false,
		"-017-01-01T00:03Z":                      false,
		"2017-01-01":                             false,
		"":                                       false,
		"2017-01-01T00:03:18.9597073-08:00\n":    false,
		"２017-01-01T00:03:18Z":                   false,
	} {
		got, err := edm.ParseDateTimeOffset(text)
		if (err == nil) != legal || legal && got.String() != text {
			t.Errorf("ParseDateTimeOffset(%q) = %q, %v, want legal %t", text, got, err, legal)
		}
		if edm.ValidDateTimeOffset([]byte(text)) != legal {
			t.Errorf("ValidDateTimeOffset(%q) = %t", text, !legal)
		}
	}
}

func TestDateTimeOffsetCompare(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"2017-01-01T00:03:18.50-08:00", "2017-01-01T00:03:18.5-08:00", 0},
		{"2017-01-01T08:03:18Z", "2017-01-01T00:03:18-08:00", 0},
		{"2017-01-01T00:00Z", "2017-01-01T00:00:00.000000000001Z", -1},
		{"2017-01-01T00:00+01:00", "2017-01-01T00:00Z", -1},
		{"0000-01-01T00:00Z", "9999-12-31T23:59Z", -1},
	} {
		a, errA := edm.ParseDateTimeOffset(tt.a)
		b, errB := edm.ParseDateTimeOffset(tt.b)
		if errA != nil || errB != nil || a.Compare(b) != tt.want || b.Compare(a) != -tt.want {
			t.Errorf("Compare(%q, %q) = %d and %d, want %d", tt.a, tt.b, a.Compare(b), b.Compare(a), tt.want)
		}
		x, y := a.Instant(), b.Instant()
		if got := bytes.Compare(x[:], y[:]); got != tt.want {
			t.Errorf("the instants of %q and %q compare as %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

// otherGrammar is an independent grammar: a pattern for the form, time.Date for the calendar.
var otherGrammar = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,12})?)?([Zz]|[+-](0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)$`)

func FuzzParseDateTimeOffset(f *testing.F) {
	f.Add("2017-01-01T00:03:18.9597073-08:00")
	f.Add("2017-02-29t00:03z")
	f.Add("2017-01-01T00:03:18,95Z")
	f.Fuzz(func(t *testing.T, text string) {
		legal := otherGrammar.MatchString(text)
		if legal {
			_, err := time.Parse(time.DateOnly, text[:10])
			legal = err == nil
		}
		d, err := edm.ParseDateTimeOffset(text)
		if (err == nil) != legal {
			t.Fatalf("ParseDateTimeOffset(%q): %v, want legal %t", text, err, legal)
		}
		if legal && len(text) >= len("2006-01-02T15:04:05Z") && text[16] == ':' {
			if want, err := time.Parse(time.RFC3339Nano, strings.ToUpper(text)); err == nil && !want.Equal(d.Time()) {
				t.Fatalf("%q is %v, want %v", text, d.Time(), want)
			}
		}
	})
}

func TestOptionalHasThreeStates(t *testing.T) {
	t.Parallel()
	type object struct {
		A edm.Optional[int32]              `json:"a,omitzero"`
		B edm.Optional[edm.Guid]           `json:"b,omitzero"`
		C edm.Optional[edm.DateTimeOffset] `json:"c,omitzero"`
		D edm.Optional[string]             `json:"d"`
	}
	for _, text := range []string{
		`{"d":null}`,
		`{"a":null,"b":null,"c":null,"d":null}`,
		`{"a":0,"b":"f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9","c":"2017-01-01T00:03:18.9597070-08:00","d":""}`,
	} {
		var o object
		if err := json.Unmarshal([]byte(text), &o); err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(o); err != nil || string(got) != text {
			t.Errorf("%s round-trips to %s, %v", text, got, err)
		}
	}
	var o object
	if o.A.IsNull() || !o.A.IsZero() || !edm.Null[int32]().IsNull() || edm.Null[int32]().IsZero() {
		t.Error("absent and null are equal")
	}
	if _, ok := edm.Null[int32]().Get(); ok {
		t.Error("null has a value")
	}
	if err := json.Unmarshal([]byte(`{"a":"1"}`), &o); err == nil {
		t.Error("a value of the wrong type was accepted")
	}
}

func TestOptionalOr(t *testing.T) {
	t.Parallel()
	var absent edm.Optional[string]
	value, null := edm.Value("x"), edm.Null[string]()
	if absent.Or(value) != value || null.Or(value) != null || value.Or(null) != value {
		t.Error("Or must keep a present member, even null")
	}
}
