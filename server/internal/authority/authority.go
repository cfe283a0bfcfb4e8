// Package authority validates authorities of HTTP URIs. An invalid one must reach neither a header field nor an address,
// because programs disagree on where it ends.
package authority

import (
	"net/netip"
	"strconv"
	"strings"
)

// Valid reports whether s is a host with an optional port: uri-host [ ":" port ] (RFC 9110 §7.2).
func Valid(s string) bool {
	if literal, ok := strings.CutPrefix(s, "["); ok {
		address, port, closed := strings.Cut(literal, "]")
		return closed && isLiteral(address) && isPort(port)
	}
	end := strings.IndexByte(s, ':')
	if end < 0 {
		end = len(s)
	}
	return end > 0 && isName(s[:end], subDelims) && isPort(s[end:])
}

// isPort reports whether s is empty or a colon with an optional port (RFC 3986 §3.2.3).
func isPort(s string) bool {
	if s == "" || s == ":" {
		return true
	}
	_, err := strconv.ParseUint(s[1:], 10, 16) // it accepts no sign
	return s[0] == ':' && err == nil
}

// isLiteral reports whether s is an address of IPv6 or a later version (RFC 3986 §3.2.2). A zone is invalid: it is
// meaningful on one host only (RFC 4007 §6).
func isLiteral(s string) bool {
	if version, address, ok := strings.Cut(s, "."); ok && version != "" && version[0]|0x20 == 'v' {
		_, err := strconv.ParseUint(version[1:], 16, 64)
		return err == nil && address != "" && !strings.Contains(address, "%") && isName(address, subDelims+":")
	}
	ip, err := netip.ParseAddr(s)
	return err == nil && ip.Is6() && ip.Zone() == ""
}

// subDelims are the sub-delims of RFC 3986 §2.2.
const subDelims = "!$&'()*+,;="

// isName reports whether s has only unreserved characters, those in also, and percent-encoded ones (reg-name of RFC 3986
// §3.2.2).
func isName(s, also string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '.':
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			i += 2
		case strings.IndexByte("_~", c) < 0 && strings.IndexByte(also, c) < 0:
			return false
		}
	}
	return true
}

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }
