package main

import (
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate/ecma"
)

func TestImplied(t *testing.T) {
	t.Parallel()
	tests := []struct {
		format, pattern string
		want            bool
	}{
		{"uuid", formatPatterns["uuid"], true},
		{"uuid", `^[^ ]{36}$`, true},
		{"uuid", `-`, true},
		{"uuid", `^[0-9a-f-]*$`, false},
		{"uuid", `^.{35}$`, false},
		{"edm-datetimeoffset", formatPatterns["edm-datetimeoffset"], true},
		{"edm-datetimeoffset", `^[0-9]{4}-`, true},
		{"edm-datetimeoffset", `Z$`, false},
		{"date", `^20`, false},
		{"email", `.`, false},
		{"", ``, false},
	}
	for _, tt := range tests {
		if got := implied(tt.format, tt.pattern); got != tt.want {
			t.Errorf("format %s implies %s: got %v, want %v", tt.format, tt.pattern, got, tt.want)
		}
	}
}

// TestFormatPatterns: strings of a format match its pattern, also at the limits of the format.
func TestFormatPatterns(t *testing.T) {
	t.Parallel()
	texts := map[string][]string{
		"uuid":               {"00000000-0000-0000-0000-000000000000", "ffffffff-FFFF-9aF0-0fA9-0123456789aB"},
		"date":               {"0000-01-01", "9999-12-31", "2024-02-29"},
		"edm-datetimeoffset": {"0000-01-01T00:00Z", "9999-12-31t23:59:59.123456789012z", "2024-02-29T20:10:59.0+14:00", "2017-10-30T09:30-13:59"},
	}
	for format, pattern := range formatPatterns {
		if texts[format] == nil {
			t.Errorf("no strings for %s", format)
		}
		for _, text := range texts[format] {
			if is := validate.FormatOf(format); !is(text) || !ecma.MustCompile(pattern).MatchString(text) {
				t.Errorf("%s: %q must have the format and match the pattern", format, text)
			}
		}
	}
}
