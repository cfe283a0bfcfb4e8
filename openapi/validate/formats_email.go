package validate

import (
	"net/netip"
	"strings"
	"unicode/utf8"
)

// isEmail reports whether s is a Mailbox of RFC 5321 §4.1.2 within the lengths of §4.5.3.1.
func isEmail(s string) bool { return isMailbox(s, false) }

// isIDNEmail reports whether s is a Mailbox of RFC 6531 §3.3.
func isIDNEmail(s string) bool { return isMailbox(s, true) }

func isMailbox(s string, international bool) bool {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at > 64 || len(s) > 254 {
		return false
	}
	local, domain := s[:at], s[at+1:]
	if !isDotAtom(local, international) && !isQuoted(local, international) {
		return false
	}
	if literal, ok := strings.CutPrefix(domain, "["); ok {
		literal, ok = strings.CutSuffix(literal, "]")
		return ok && isAddressLiteral(literal)
	}
	if international && strings.ContainsFunc(domain, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return isIDNHostname(domain)
	}
	return areLabels(domain)
}

func isDotAtom(s string, international bool) bool {
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" || strings.ContainsFunc(atom, func(r rune) bool { return notAtext(r) && !(international && r >= utf8.RuneSelf) }) {
			return false
		}
	}
	return true
}

// isQuoted reports whether s is a Quoted-string.
func isQuoted(s string, international bool) bool {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return false
	}
	s = s[1 : len(s)-1]
	for i := 0; i < len(s); i++ {
		escaped := s[i] == '\\'
		if escaped {
			if i++; i == len(s) {
				return false
			}
		}
		switch c := s[i]; {
		case c < ' ', c == 0x7f, c == '"' && !escaped, c >= utf8.RuneSelf && (escaped || !international):
			return false
		}
	}
	return true
}

// isAddressLiteral reports whether s is an IPv4 or IPv6 address as in a mailbox (RFC 5321 §4.1.3).
func isAddressLiteral(s string) bool {
	const tag = "IPv6:"
	if len(s) > len(tag) && strings.EqualFold(s[:len(tag)], tag) {
		address, err := netip.ParseAddr(s[len(tag):])
		return err == nil && address.Is6() && address.Zone() == ""
	}
	return isIPv4(s)
}

func notAtext(r rune) bool {
	return notLetterDigitHyphen(r) && (r >= 0x80 || strings.IndexByte("!#$%&'*+/=?^_`{|}~", byte(r)) < 0)
}

func notLetterDigitHyphen(r rune) bool {
	return (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z') && r != '-'
}
