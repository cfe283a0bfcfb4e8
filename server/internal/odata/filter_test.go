package odata

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

var compareTimes = cmp.Options{
	cmp.AllowUnexported(edm.DateTimeOffset{}),
	cmp.Comparer(func(a, b *pfx.Member) bool { return a == b }),
}

func TestParseFilter(t *testing.T) {
	t.Parallel()
	member := pfx.MemberNamed
	guid, _ := edm.ParseGuid("f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9")
	time, _ := edm.ParseDateTimeOffset("2017-01-01T00:03:18.9597073-08:00")
	status := pfx.Comparison{Member: member("status"), Value: int64(6)}
	for text, want := range map[string]pfx.Filter{
		"status eq 6":               {status},
		"6 eq status":               {status},
		"\t status  EQ 6 ":          {status},
		"status eq -2147483648":     {{Member: member("status"), Value: int64(-2147483648)}},
		"status eq 9000000000":      {{Member: member("status"), Value: int64(9000000000)}},
		"status eq null":            {{Member: member("status")}},
		"isDeleted eq false":        {{Member: member("isDeleted"), Value: false}},
		"id eq 'sample'":            {{Member: member("id"), Value: "sample"}},
		"thumbprint eq ''":          {{Member: member("thumbprint"), Value: ""}},
		"thumbprint eq 'it''s'":     {{Member: member("thumbprint"), Value: "it's"}},
		"thumbprint eq ' and (é) '": {{Member: member("thumbprint"), Value: " and (é) "}},
		"eTag eq null":              {{Member: member("eTag")}},
		"userId eq F9882BCD-2bcd-f988-cd2b-88f9cd2b88f9":                              {{Member: member("userId"), Value: guid}},
		"createdTime eq 2017-01-01T00:03:18.9597073-08:00":                            {{Member: member("createdTime"), Value: time}},
		"status eq 6 and isDeleted eq true":                                           {status, {Member: member("isDeleted"), Value: true}},
		"(status eq 6)":                                                               {status},
		"((status eq 6) AND (isDeleted eq true and eTag eq null)) and status eq 6":    {status, {Member: member("isDeleted"), Value: true}, {Member: member("eTag")}, status},
		strings.Repeat("(", maxDepth) + "status eq 6" + strings.Repeat(")", maxDepth): {status},
		strings.Repeat("status eq 6 and ", maxComparisons-1) + "status eq 6":          pfx.Filter(repeat(status, maxComparisons)),
	} {
		got, err := ParseFilter(text)
		if err != nil || !cmp.Equal(got, want, compareTimes) {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, want)
		}
	}
}

func repeat(c pfx.Comparison, n int) []pfx.Comparison {
	list := make([]pfx.Comparison, n)
	for i := range list {
		list[i] = c
	}
	return list
}

func TestParseFilterRefuses(t *testing.T) {
	t.Parallel()
	for text, at := range map[string]int{
		"":                           1,
		"  ":                         3,
		"status":                     7,
		"status eq":                  10,
		"status eq 6 and":            16,
		"status eq 6 isDeleted":      13,
		"status ne 6":                8,
		"status eq 6 or status eq 7": 13,
		"not status eq 6":            5,
		"contains(thumbprint,'x')":   9,
		"status eq sourceType":       11,
		"6 eq 6":                     1,
		"Status eq 6":                1,
		"unknown eq 6":               1,
		"@odata.type eq null":        1,
		"status eq 6.0":              11,
		"status eq +6":               11,
		"status eq '6'":              11,
		"'6' eq status":              1,
		"status eq true":             11,
		"isDeleted eq 1":             14,
		"isDeleted eq True":          14,
		"eTag eq Null":               9,
		"thumbprint eq x":            15,
		"thumbprint eq 'x":           15,
		"thumbprint eq 'x'y":         18,
		"userId eq 'f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9'":     11,
		"userId eq guid'f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9'": 11,
		"createdTime eq 2017-01-01":                            16,
		"(status eq 6":                                         13,
		"status eq 6)":                                         12,
		"()":                                                   2,
		"é eq 6":                                               1,
		"thumbprint eq 'é' or":                                 19,
		strings.Repeat("(", maxDepth+1) + "status eq 6" + strings.Repeat(")", maxDepth+1): maxDepth + 1,
		strings.Repeat("status eq 6 and ", maxComparisons) + "status eq 6":                16*maxComparisons + 1,
	} {
		got, err := ParseFilter(text)
		e, ok := errors.AsType[*Error](err)
		if !ok || e.At != at || e.Msg == "" {
			t.Errorf("%s: got %v, %v, want an error at character %d", text, got, err, at)
		}
	}
}

// FuzzParseFilter writes a parsed filter as text, which must be parsed to the same filter.
func FuzzParseFilter(f *testing.F) {
	for _, text := range []string{
		"status eq 6", "6 eq status and (id eq 'a''b')", "createdTime eq 2017-01-01T00:03Z", "eTag eq null and isDeleted eq true",
		"userId eq f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9", "(((", "'", "status eq", "é eq 'é'",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseFilter(text)
		if err != nil {
			if e, ok := errors.AsType[*Error](err); !ok || e.At < 1 || e.At > utf8.RuneCountInString(text)+1 {
				t.Fatalf("got error %v", err)
			}
			return
		}
		again, err := ParseFilter(write(got))
		if err != nil || !cmp.Equal(again, got, compareTimes) {
			t.Errorf("%q: got %v, written as %q it is parsed as %v, %v", text, got, write(got), again, err)
		}
	})
}

// write returns the simplest form of a filter.
func write(f pfx.Filter) string {
	var terms []string
	for _, c := range f {
		value := fmt.Sprint(c.Value)
		switch v := c.Value.(type) {
		case nil:
			value = "null"
		case string:
			value = "'" + strings.ReplaceAll(v, "'", "''") + "'"
		}
		terms = append(terms, c.Member.Name+" eq "+value)
	}
	return strings.Join(terms, " and ")
}
