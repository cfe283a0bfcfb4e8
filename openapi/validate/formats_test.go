package validate

import (
	"testing"
	"time"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
)

func TestFormats(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		is        func(string) bool
		good, bad []string
	}{
		"uuid": {
			isUUID, []string{"6de0af45-af45-6de0-45af-e06d45afe06d", "6DE0AF45-AF45-6DE0-45AF-E06D45AFE06D"},
			[]string{"", "6de0af45af456de045afe06d45afe06d", "{6de0af45-af45-6de0-45af-e06d45afe06d}", "6de0af45-af45-6de0-45af-e06d45afe06g"},
		},
		"date": {
			isDate, []string{"2024-02-29", "2000-02-29", "0000-01-01", "9999-12-31"},
			[]string{"", "2023-02-29", "1900-02-29", "2024-04-31", "2024-13-01", "2024-00-01", "2024-01-00", "24-01-01", "2024-1-01", "2024/01/01", "20a4-01-01", "2024-01-01 "},
		},
		"date-time": {
			isDateTime, []string{"2024-01-01T00:00:00Z", "2024-01-01T00:00:00.123456789123Z", "2024-01-01T23:59:59+23:59"},
			[]string{"", "2024-01-01T00:00Z", "2024-01-01t00:00:00Z", "2024-01-01T00:00:00z", "2024-01-01T00:00:00", "2024-01-01T24:00:00Z", "2024-01-01T00:00:60Z", "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00,5Z", "2024-01-01T00:00:00+24:00", "2024-01-01 00:00:00Z", "2024-02-30T00:00:00Z"},
		},
		"byte": {isByte, []string{"", "YQ==", "YWI=", "YWJj"}, []string{"YQ", "YR==", "YQ=\n=", "Y-==", "YQ==YQ=="}},
		"uri": {
			isURI, []string{"https://example.com/a?b=c#d", "urn:a:b", "mailto:a@b.c", "http://[::1]/"},
			[]string{"", "/a", "a b:c", "http://a/%zz", "http://é/", "//a", "http://[::1", "a:{b}"},
		},
		"email": {isEmail, []string{"a@b", "a.b+c@d-e.f"}, []string{"", "a", "@b", "a@", "a@@b", ".a@b", "a..b@c", "a@-b", "a@b..c", "é@b", "a b@c"}},
		"ipv4":  {isIPv4, []string{"0.0.0.0", "255.255.255.255"}, []string{"", "1.2.3", "1.2.3.256", "01.2.3.4", "::1", "1.2.3.4 "}},
		"ipv6":  {isIPv6, []string{"::", "::1", "2001:db8::1", "::ffff:1.2.3.4"}, []string{"", "1.2.3.4", "fe80::1%eth0", "1::2::3", ":::"}},
	}
	for name, tt := range tests {
		for _, s := range tt.good {
			if !tt.is(s) {
				t.Errorf("%s: %q is refused", name, s)
			}
		}
		for _, s := range tt.bad {
			if tt.is(s) {
				t.Errorf("%s: %q is accepted", name, s)
			}
		}
	}
}

// FuzzFormats compares the formats with the functions that convert their strings: what passes can be converted, and the
// grammars of edm are the same ones.
func FuzzFormats(f *testing.F) {
	for _, s := range []string{
		"2017-01-01T00:03:18.9597073-08:00", "2017-01-01T00:03Z", "2017-01-01T00:03:18.1234567890123Z", "2000-02-30T00:00:00+14:01", "2020-02-29t23:59:59z",
		"2020-02-29T00:00-00:00", "6de0af45-af45-6de0-45af-e06d45afe06d", "6DE0af45-af45-6de0-45af-e06d45afe06", "2024-01-01T00:00:00.5+23:59", "2024-01-01t00:00:00Z",
		"00000000-0000-0000-0000-000000000000\"",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := isDateTimeOffset(s), edm.ValidDateTimeOffset(s); got != want {
			t.Errorf("edm-datetimeoffset %q: got %v, edm says %v", s, got, want)
		}
		guid, err := edm.ParseGuid(s)
		if isUUID(s) != (err == nil) {
			t.Errorf("uuid %q: got %v, edm says %v", s, isUUID(s), err)
		}
		r := Open([]byte(`"` + s + `"`))
		id, ok := r.UUID()
		if read := ok && r.Close() == nil; read != (err == nil) || read && edm.Guid(id) != guid {
			t.Errorf("uuid %q: got %x %v, edm says %v", s, id, read, guid)
		}
		if _, err := time.Parse(time.DateOnly, s); isDate(s) != (err == nil) {
			t.Errorf("date %q: got %v, time says %v", s, isDate(s), err)
		}
		var v time.Time
		if err := v.UnmarshalText([]byte(s)); err != nil && isDateTime(s) {
			t.Errorf("date-time %q is accepted, time.Time refuses it: %v", s, err)
		}
	})
}
