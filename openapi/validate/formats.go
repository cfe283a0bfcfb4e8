package validate

import (
	"encoding/base64"
	"net/netip"
	"strings"
)

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

// isMinute reports whether s is hh:mm.
func isMinute(s string) bool { return s[2] == ':' && within(s, 23) && within(s[3:], 59) }

// isZone reports whether s is a time-offset of RFC 3339 §5.6.
func isZone(s string) bool {
	if len(s) == 1 {
		return s[0]|0x20 == 'z'
	}
	return len(s) == len("+00:00") && (s[0] == '+' || s[0] == '-') && isMinute(s[1:])
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
