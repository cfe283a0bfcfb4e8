package authority

import "testing"

// TestValid: uri-host [ ":" port ], and nothing else.
func TestValid(t *testing.T) {
	t.Parallel()
	for _, valid := range []string{
		"a", "a.example", "a.example:8080", "a:", "A-1.example", "a_b", "xn--bcher-kva.example", "127.0.0.1", "127.0.0.1:80", "1.2.3.4.5", "a!$&'()*+,;=~",
		"caf%C3%A9", "[::1]", "[::1]:443", "[2001:db8::1]", "[::ffff:127.0.0.1]", "[v1.a:b]", "[vF.a]", "a.", "a:0", "a:65535",
	} {
		if !Valid(valid) {
			t.Errorf("%q is rejected", valid)
		}
	}
	for _, invalid := range []string{
		"", ":80", "a b", "a<b>", `a"b`, `a\b`, "a/b", "a?b", "a#b", "a@b", "user:password@a", "a:b", "a:+1", "a:-1", "a:1:2", "a:65536", "a:99999999999", "a: 80",
		"::1", "[::1", "::1]", "[]", "[a]", "[::1]x", "[::1]80", "[::1]:x", "[1.2.3.4]", "[fe80::1%eth0]", "[fe80::1%25eth0]", "[v.a]", "[v1.]", "[v1.a%41]",
		"[vg.a]", "[::1]]", "[[::1]]", "a[::1]", "a%", "a%4", "a%zz", "caf\xc3\xa9", "a\x00", "a\t", "a\x7f", "a|b", "a^b", "a`b", "a{b}", " a", "a ",
	} {
		if Valid(invalid) {
			t.Errorf("%q is accepted", invalid)
		}
	}
}
