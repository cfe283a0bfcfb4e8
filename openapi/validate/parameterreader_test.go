package validate

import (
	"net/url"
	"testing"
	"unicode/utf8"
)

func TestSystemOption(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"$top": "$top", "top": "$top", "TOP": "$top", "$Top": "$top", "tOp": "$top",
		"$skiptoken": "$skiptoken", "SkipToken": "$skiptoken", "$SKIPTOKEN": "$skiptoken",
		"": "", "$": "$", "$$top": "$$top", "top$": "top$", "$to": "$to", "$tops": "$tops", " top": " top",
		// U+017F and U+212A fold onto s and k.
		"$\u017Fkiptoken": "$\u017Fkiptoken", "\u017Fkiptoken": "\u017Fkiptoken", "\u017Fkiptoke": "\u017Fkiptoke", "s\u212Aiptoken": "s\u212Aiptoken", "s\u212Aiptok": "s\u212Aiptok",
	} {
		if got := SystemOption(name, "$top", "$skiptoken"); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

// FuzzPercent compares the decoding with net/url's, which accepts invalid UTF-8.
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
