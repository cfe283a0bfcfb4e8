package runtime

import (
	"net/url"
	"testing"
	"unicode/utf8"
)

// FuzzPercent compares the decoding with that of net/url, which lets through what is not UTF-8.
func FuzzPercent(f *testing.F) {
	for _, s := range []string{"a%20b", "a+b", "%", "%2", "%zz", "%2541", "%C3%A9", "%ff", "é", "a%00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		check := func(form bool, unescape func(string) (string, error)) {
			got, ok := unescapePercent(s, form)
			want, err := unescape(s)
			if ok != (err == nil && utf8.ValidString(want)) || ok && got != want {
				t.Errorf("%q (form %v): got %q %v, want %q %v", s, form, got, ok, want, err)
			}
		}
		check(true, url.QueryUnescape)
		check(false, url.PathUnescape)
	})
}
