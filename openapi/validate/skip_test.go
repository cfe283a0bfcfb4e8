package validate

import "testing"

// TestSkipOfAcceptedValue: after the contract has accepted a value, Skip moves to the same offset as strict reading.
func TestSkipOfAcceptedValue(t *testing.T) {
	t.Parallel()
	values := []string{
		`null`, `true`, `-1.5e+3`, `""`, `"a\"b"`, `"\\"`, `"\\\""`, `"}],"`, `{}`, `[]`, `{"a":{"}":[1,"]",{"b":null}]},"c":""}`,
		`[ [ ] , { } , "," ]`, "{ \"a\" :\n1 , \"b\":[ 2 ] }",
	}
	for _, value := range values {
		for _, after := range []string{"", ",1", "}", "]", " ,", "\n"} {
			r := Open([]byte(value + after))
			r.Skip()
			want := r.Offset()
			accepted := Open([]byte(value + after))
			accepted.Admit()
			accepted.Skip()
			if got := accepted.Offset(); got != want || want != len(value) {
				t.Errorf("%s followed by %q: at %d, want %d and %d", value, after, got, want, len(value))
			}
		}
	}
}
