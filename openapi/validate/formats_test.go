package validate

import (
	"net/url"
	"reflect"
	"strings"
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
			isDateTime, []string{"2024-01-01T00:00:00Z", "2024-01-01T00:00:00.123456789123Z", "2024-01-01T23:59:59+23:59", "2024-01-01t00:00:00z", "2016-12-31T23:59:60Z", "2016-12-31T15:59:60.5-08:00"},
			[]string{"", "2024-01-01T00:00Z", "2024-01-01T00:00:00", "2024-01-01T22:59:60Z", "2024-01-01T23:59:60+01:00", "2024-01-01T24:00:00Z", "2024-01-01T00:00:60Z", "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00,5Z", "2024-01-01T00:00:00+24:00", "2024-01-01 00:00:00Z", "2024-02-30T00:00:00Z"},
		},
		"byte": {isByte, []string{"", "YQ==", "YWI=", "YWJj"}, []string{"YQ", "YR==", "YQ=\n=", "Y-==", "YQ==YQ=="}},
		"uri": {
			isURI, []string{"https://example.com/a?b=c#d", "urn:a:b", "mailto:a@b.c", "http://[::1]/", "a:", "http://:80", "http://u@[v1.a:b]:", "a:b?/?#/?"},
			[]string{"1:b", "a:[", "http://a:b", "http://a@b@c", "http://[::1%25a]", "http://[v1.]", "a:#%4", "", "/a", "a b:c", "http://a/%zz", "http://é/", "//a", "http://[::1", "a:{b}"},
		},
		"email":           {isEmail, []string{"a@b", "a.b+c@d-e.f", `"a b\""@c`, "a@[127.0.0.1]", "a@[ipv6:::1]"}, []string{"", `"a"b@c`, `"é"@c`, `"a\"@c`, "a@[::1]", "a@[1.2.3.4", "a", "@b", "a@", "a@@b", ".a@b", "a..b@c", "a@-b", "a@b..c", "é@b", "a b@c"}},
		"ipv4":            {isIPv4, []string{"0.0.0.0", "255.255.255.255"}, []string{"", "1.2.3", "1.2.3.256", "01.2.3.4", "::1", "1.2.3.4 "}},
		"ipv6":            {isIPv6, []string{"::", "::1", "2001:db8::1", "::ffff:1.2.3.4"}, []string{"", "1.2.3.4", "fe80::1%eth0", "1::2::3", ":::"}},
		"time":            {isTime, []string{"00:00:00Z", "23:59:60z", "01:29:60+01:30", "12:00:00.5-23:59"}, []string{"", "24:00:00Z", "00:00Z", "00:00:00", "00:00:00.Z", "00:00:60Z", "23:59:60-00:01", "00:00:00+0100"}},
		"time-local":      {isTimeLocal, []string{"00:00:00", "23:59:60.5"}, []string{"00:00:00Z", "00:00", "00:00:61", ""}},
		"date-time-local": {isDateTimeLocal, []string{"2024-01-01T00:00:00", "2024-01-01t00:00:00.5"}, []string{"2024-01-01T00:00:00Z", "2024-01-01", "2024-02-30T00:00:00"}},
		"duration":        {isDuration, []string{"P1Y", "P1Y2M3DT4H5M6S", "PT1M2S", "P2W", "P01D"}, []string{"", "P", "PT", "P1", "P1YT", "P1Y2D", "PT1H2S", "P1D1M", "P1W1D", "P1WT1H", "PT0.5S", "-P1D", "P1H", "1Y"}},
		"http-date":       {isHTTPDate, []string{"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}, []string{"", "Mon, 06 Nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 GMT "}},
		"hostname":        {isHostname, []string{"a", "a-b.c1", "1.2.3.4", "xn--4gbwdl.xn--wgbh1c", strings.Repeat("a", 63)}, []string{"", ".", "a.", ".a", "a..b", "-a", "a-", "a_b", "é", "xn--X", "xn--a", strings.Repeat("a", 64), strings.Repeat("a.", 127)}},
		"idn-hostname": {
			isIDNHostname, []string{"a", "실례.테스트", "a。b", "faß.de", "l·l", "א׳ב", "\u0915\u094d\u200d\u0937", "\u0628\u064a\u200c\u0628\u064a", "۱۲", "・ぁ", "α͵β", "xn--4gbwdl"},
			[]string{"", "。", "a。", "A·l", "ß·", "É", "〮실", "̀a", "ab--é", "é-", "a׳ב", "\u0628\u200c\u0628a", "\u0627\u200c\u0628", "ب١۱", "・", "α͵", "אa", "1א", "a٠a", "ب٠0", "ｅ", "xn--X", "ⅷ", strings.Repeat("é", 60)},
		},
		"idn-email":              {isIDNEmail, []string{"실례@실례.테스트", "a@b", `"é"@b`}, []string{"a", "a@é-", "é@", `"\é"@b`}},
		"ipv4-cidr":              {isIPv4Prefix, []string{"10.0.0.0/8", "1.2.3.4/32"}, []string{"10.0.0.0", "10.0.0.0/33", "::/8", "10.0.0.0/08"}},
		"ipv6-cidr":              {isIPv6Prefix, []string{"::/0", "2001:db8::/32"}, []string{"::", "::/129", "1.2.3.4/8", "fe80::%a/8"}},
		"uri-reference":          {isURIReference, []string{"", "a", "/a", "//a/b", "?a", "#a", "./a:b", "a:b"}, []string{"1:b", "\\\\a", "/a b", "//a:b", "/[", "/é"}},
		"iri":                    {isIRI, []string{"http://ƒøø.ßår/?∂=π#ü", "a:é", "a:?\ue000"}, []string{"", "é", "/é", "a:\ue000", "a:\ufffd0", "a:\u0080", "é:a"}},
		"iri-reference":          {isIRIReference, []string{"é", "#é", ""}, []string{"é\\", "é:a", "#\ue000"}},
		"uri-template":           {isURITemplate, []string{"", "a{b}", "{+a,b*,c:1000}", "{a.b%41}", "a'b", "é\ue000"}, []string{"{", "}", "{}", "{a", "{a,}", "{a..b}", "{a:0}", "{a:10000}", "{a:1*}", "{a-b}", "a b", "%4", "{a=b}"}},
		"json-pointer":           {isJSONPointer, []string{"", "/", "/a~0~1", "//"}, []string{"a", "#", "/~", "/~2"}},
		"relative-json-pointer":  {isRelativeJSONPointer, []string{"0", "10/a", "0#", "0+1", "1-0/a", "0-1#"}, []string{"", "/a", "01", "-1", "0+", "0+01", "0##", "0a", "0/~"}},
		"base64url":              {isBase64URL, []string{"", "YQ", "YQ==", "-_8"}, []string{"Y", "YR", "+/8", "Y\nQ", "YQ="}},
		"char":                   {isCharacter, []string{"a", "é", "😀"}, []string{"", "ab"}},
		"media-range":            {isMediaRange, []string{"a/b", "*/*", "a/*", "a/b;c=d", `a/b ; c="d;\"" ;`}, []string{"", "a", "*/a", "a/", "a/b;c", "a/b c", `a/b;c="`, "a/b;c=", "a/b;=d"}},
		"language":               {isLanguage, []string{"de", "zh-Hant-TW", "sl-rozaj-biske-1994", "en-a-bbb-x-a-ccc", "x-a", "i-klingon"}, []string{"", "d", "de-", "de-419-DE", "en_US", "a-DE", "i-foo"}},
		"sf-binary":              {isStructuredBinary, []string{"::", ":YQ==:"}, []string{"", ":", ":YQ:", "YQ=="}},
		"sf-boolean":             {isStructuredBoolean, []string{"?0", "?1"}, []string{"", "?2", "1"}},
		"sf-string":              {isStructuredString, []string{`""`, `"a\"\\"`}, []string{"", `"`, "a", `"\a"`, `"a"b"`, `"\"`, "\"é\"", "\"\n\""}},
		"sf-token":               {isStructuredToken, []string{"a", "*a/b:c"}, []string{"", "1a", "a b", "é", "a,"}},
		"decimal":                {isDecimal, []string{"0", "-1.5", "+.5", "5.", "1e5", "1.E-5"}, []string{"", ".", "-", "1,5", "1e", "e5", "1.5.5", "NaN"}},
		"decimal128 in a string": {isDecimal128Text, []string{"1", "+1", "NaN", "-INF"}, []string{"", "inf", strings.Repeat("1", 35)}},
		"int64 in a string":      {isInt64Text, []string{"0", "-9223372036854775808", "9223372036854775807"}, []string{"", "-", "01", "+1", "1.0", "9223372036854775808"}},
		"uint64 in a string":     {isUint64Text, []string{"0", "18446744073709551615"}, []string{"-1", "18446744073709551616"}},
	}
	for name, tt := range tests {
		for _, s := range tt.good {
			if !tt.is(s) {
				t.Errorf("%s: %q is rejected", name, s)
			}
		}
		for _, s := range tt.bad {
			if tt.is(s) {
				t.Errorf("%s: %q is accepted", name, s)
			}
		}
	}
}

func TestNumberFormats(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ good, bad []string }{
		"int8":       {[]string{"127", "-128", "1.0", "1e2", "-0"}, []string{"128", "-129", "1.5", "1e3"}},
		"int16":      {[]string{"32767", "-32768"}, []string{"32768", "-32769"}},
		"int32":      {[]string{"2147483647", "-2147483648", "2147483647.0"}, []string{"2147483648", "-2147483649", "0.5"}},
		"int64":      {[]string{"9223372036854775807", "-9223372036854775808", "1e18"}, []string{"9223372036854775808", "-9223372036854775809", "1e19", "1e999999999"}},
		"uint8":      {[]string{"0", "255"}, []string{"-1", "256"}},
		"uint16":     {[]string{"65535"}, []string{"65536"}},
		"uint32":     {[]string{"4294967295"}, []string{"4294967296"}},
		"uint64":     {[]string{"0", "-0", "18446744073709551615", "1e19"}, []string{"-1", "18446744073709551616", "0.5", "1e20", "1e999999999"}},
		"double-int": {[]string{"9007199254740991", "-9007199254740991"}, []string{"9007199254740992", "-9007199254740992", "0.5"}},
		"float":      {[]string{"3.4028235e38", "1e-99"}, []string{"3.5e38", "-1e39"}},
		"double":     {[]string{"1.7976931348623157e308"}, []string{"1e309"}},
		"decimal128": {[]string{"0e9999", "1234567890123456789012345678901234", "9e6144", "1e-6176", "10000000000000000000000000000000000000"}, []string{"12345678901234567890123456789012345", "1e6145", "1e-6177"}},
		"sf-integer": {[]string{"999999999999999", "-999999999999999"}, []string{"1e15", "0.5"}},
		"sf-decimal": {[]string{"999999999999.999", "-0.001"}, []string{"1e12", "0.0001"}},
		"edm-int32":  {[]string{"2147483647", "-2147483648"}, []string{"2147483648", "1.0", "1e2"}},
	}
	for name, tt := range tests {
		_, number := formatOf(name)
		for _, literal := range tt.good {
			if !number([]byte(literal)) {
				t.Errorf("%s: %s is rejected", name, literal)
			}
		}
		for _, literal := range tt.bad {
			if number([]byte(literal)) {
				t.Errorf("%s: %s is accepted", name, literal)
			}
		}
	}
}

func TestKnownFormatDependsOnTheTypes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		types Types
		want  bool
	}{
		{"date", String, true},
		{"date", Integer | Null, false},
		{"int32", Integer, true},
		{"int32", Number | String, true},
		{"int32", String, false},
		{"int64", String, true},
		{"password", String, true},
		{"regex", AnyType, true},
		{"semver", String, false},
		{"period", String, false},
		{"", AnyType, false},
	}
	for _, tt := range tests {
		if got := KnownFormat(tt.name, tt.types); got != tt.want {
			t.Errorf("%q of types %b: got %v", tt.name, tt.types, got)
		}
	}
	if text, _ := formatOf("regex"); !text(`(?=a)`) || text(`(`) || text(`^\S\Z`) {
		t.Error("regex does not follow ECMA-262")
	}
	for _, name := range []string{"", "semver", "password"} {
		if text, number := formatOf(name); text != nil || number != nil {
			t.Errorf("%q has a check, want none", name)
		}
	}
}

func TestPunycodeGoesBothWays(t *testing.T) {
	t.Parallel()
	for label, want := range map[string]string{"bücher": "bcher-kva", "실례": "9n2bp8q", "παράδειγμα": "hxajbheg2az3al", "😀": "e28h"} {
		if got := encodePunycode([]rune(label)); got != want {
			t.Errorf("%s: got %s, want %s", label, got, want)
		}
		if got, ok := decodePunycode(want); !ok || got != label {
			t.Errorf("%s: got %s, %v, want %s", want, got, ok, label)
		}
	}
}

// FuzzFormats compares the formats with the functions that convert their strings: valid strings can be converted.
func FuzzFormats(f *testing.F) {
	for _, s := range []string{
		"2017-01-01T00:03:18.9597073-08:00", "2017-01-01T00:03Z", "2017-01-01T00:03:18.1234567890123Z", "2000-02-30T00:00:00+14:01", "2020-02-29t23:59:59z",
		"2020-02-29T00:00-00:00", "6de0af45-af45-6de0-45af-e06d45afe06d", "6DE0af45-af45-6de0-45af-e06d45afe06", "2024-01-01T00:00:00.5+23:59", "2024-01-01t00:00:00Z",
		"2024-02-29T23:59:59.1234567891+01:00", "2016-12-31T23:59:60Z", "2024-01-01T1:02:03.5Z", "2024-01-01T01:02:03,5Z", "2024-01-01T01:02:03+24:00", "2024-01-01T01:02:03-23:60", "2024-07-01T01:02:03.000000001+02:00", "1999-12-31T23:59:59-00:00", "2024-01-01T00:00:00.9+05:30", "0000-01-01T00:00:00Z",
		"00000000-0000-0000-0000-000000000000\"",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		guid, err := edm.ParseGuid(s)
		r := Open([]byte(`"` + s + `"`))
		id, ok := r.UUID()
		if read := ok && r.Close() == nil; read != (err == nil) || read && edm.Guid(id) != guid {
			t.Errorf("uuid %q: got %x %v, edm returns %v", s, id, read, guid)
		}
		if _, err := time.Parse(time.DateOnly, s); isDate(s) != (err == nil) {
			t.Errorf("date %q: got %v, time returns %v", s, isDate(s), err)
		}
		compareDateTime(t, s)
		if _, err := url.Parse(s); isURIReference(s) && err != nil && !strings.Contains(s, "%") && !strings.Contains(s, "[") && !strings.Contains(s, "@") {
			t.Errorf("uri-reference %q is accepted, but url returns %v", s, err)
		}
		for _, rule := range formatRules {
			if rule.text != nil {
				rule.text(s)
			}
		}
	})
}

// compareDateTime compares the time of a date-time with that of package time, which accepts more texts. Their locations
// are equal, too.
func compareDateTime(t *testing.T, s string) {
	t.Helper()
	var want time.Time
	decodes := isDateTime(s) && want.UnmarshalText([]byte(s)) == nil
	text := []byte(`"` + s + `"`)
	for end := range text {
		if r := Open(text[:end]); decodes {
			if _, ok := r.DateTime(); ok {
				t.Errorf("date-time %q without its end: got a time", text[:end])
			}
		}
	}
	r := Open(text)
	got, ok := r.DateTime()
	if read := ok && r.Close() == nil; read != decodes || read && !reflect.DeepEqual(got, want) {
		t.Errorf("date-time %q: got %v %v, want %v %v", s, got, read, want, decodes)
	}
}
