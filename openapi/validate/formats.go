package validate

import (
	"encoding/base64"
	"net/netip"
	"strings"
)

// isUUID reports whether s is 8-4-4-4-12 hexadecimal digits, case-insensitive, of any version and variant.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch i {
		case 8, 13, 18, 23:
			if s[i] != '-' {
				return false
			}
		default:
			if unhex(s[i]) > 0xf {
				return false
			}
		}
	}
	return true
}

// isDate reports whether s is a full-date of RFC 3339 that exists in the calendar.
func isDate(s string) bool {
	if len(s) != len("2006-01-02") || s[4] != '-' || s[7] != '-' {
		return false
	}
	year, month, day := twoDigits(s[0:])*100+twoDigits(s[2:]), twoDigits(s[5:]), twoDigits(s[8:])
	if twoDigits(s[0:]) < 0 || twoDigits(s[2:]) < 0 || month < 1 || month > 12 || day < 1 {
		return false
	}
	return day <= daysIn(year, month)
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// twoDigits returns the value of the first two digits of s; a large negative number if they are not digits.
func twoDigits(s string) int {
	if a, b := s[0]-'0', s[1]-'0'; a <= 9 && b <= 9 {
		return int(a)*10 + int(b)
	}
	return -1 << 20
}

// isDateTimeOffset reports whether s is an Edm.DateTimeOffset (OData ABNF dateTimeOffsetValue): seconds are optional, a
// fraction has 1 to 12 digits, an offset is at most 14:00 (XML Schema 1.1 §3.3.7).
func isDateTimeOffset(s string) bool {
	if len(s) < len("2006-01-02T15:04Z") || !isDate(s[:10]) || s[10]|0x20 != 't' || !isMinute(s[11:16]) {
		return false
	}
	s = s[16:]
	if s[0] == ':' {
		if len(s) < len(":05Z") || !within(s[1:], 59) {
			return false
		}
		s = s[3:]
		if s[0] == '.' {
			n := digitsEndString(s, 1)
			if n == 1 || n > 13 {
				return false
			}
			s = s[n:]
		}
	}
	return isZone(s, 14*60)
}

// isMinute reports whether s is hh:mm.
func isMinute(s string) bool { return s[2] == ':' && within(s, 23) && within(s[3:], 59) }

func isZone(s string, most int) bool {
	if len(s) == 1 {
		return s[0]|0x20 == 'z'
	}
	return len(s) == len("+00:00") && (s[0] == '+' || s[0] == '-') && isMinute(s[1:]) &&
		twoDigits(s[1:])*60+twoDigits(s[4:]) <= most
}

// within reports whether s starts with two digits from 00 to most.
func within(s string, most int) bool {
	n := twoDigits(s)
	return n >= 0 && n <= most
}

func digitsEndString(s string, i int) int {
	for i < len(s) && s[i]-'0' <= 9 {
		i++
	}
	return i
}

// isByte reports whether s is base64 (RFC 4648 §4) with padding and without line breaks.
func isByte(s string) bool {
	_, ok := decodeByte(s)
	return ok
}

// decodeByte returns the bytes that s encodes. Unused bits before the padding must be zero.
func decodeByte(s string) ([]byte, bool) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, false
	}
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	return b, err == nil
}

// isIPv4 reports whether s is a dotted quad without leading zeros.
func isIPv4(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Is4()
}

// isIPv6 reports whether s is an IPv6 address without a zone (RFC 4291 §2.2).
func isIPv6(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Is6() && a.Zone() == ""
}

// isIPv4Prefix reports whether s is an IPv4 address in CIDR notation (RFC 4632 §3.1).
func isIPv4Prefix(s string) bool {
	p, err := netip.ParsePrefix(s)
	return err == nil && p.Addr().Is4()
}

// isIPv6Prefix reports whether s is an IPv6 address with a prefix length (RFC 4291 §2.3).
func isIPv6Prefix(s string) bool {
	p, err := netip.ParsePrefix(s)
	return err == nil && p.Addr().Is6()
}
