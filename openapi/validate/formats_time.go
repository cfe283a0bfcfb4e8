package validate

import (
	"strings"
	"time"
)

// isDateTime reports whether s is a date-time of RFC 3339 §5.6, including leap seconds and lower-case t and z.
func isDateTime(s string) bool {
	return len(s) > len("2006-01-02T") && isDate(s[:10]) && s[10]|0x20 == 't' && isTime(s[11:])
}

// isTime reports whether s is a full-time of RFC 3339 §5.6. A second 60 must be the last one of a day in UTC (§5.7).
func isTime(s string) bool {
	rest, ok := cutTime(s)
	if !ok || !isZone(rest) {
		return false
	}
	if !strings.HasPrefix(s[6:], "60") {
		return true
	}
	minute := twoDigits(s)*60 + twoDigits(s[3:])
	if len(rest) > 1 {
		offset := twoDigits(rest[1:])*60 + twoDigits(rest[4:])
		if rest[0] == '+' {
			offset = -offset
		}
		minute += offset
	}
	const day = 24 * 60
	return (minute+day)%day == day-1
}

// cutTime removes a partial-time of RFC 3339 §5.6 from the front.
func cutTime(s string) (rest string, ok bool) {
	if len(s) < len("15:04:05") || !isMinute(s) || s[5] != ':' || !within(s[6:], 60) {
		return "", false
	}
	s = s[8:]
	if s == "" || s[0] != '.' {
		return s, true
	}
	end := digitsEndString(s, 1)
	return s[end:], end > 1
}

// isTimeLocal reports whether s is a partial-time. It allows a second 60, which depends on the zone.
func isTimeLocal(s string) bool {
	rest, ok := cutTime(s)
	return ok && rest == ""
}

func isDateTimeLocal(s string) bool {
	return len(s) > len("2006-01-02T") && isDate(s[:10]) && s[10]|0x20 == 't' && isTimeLocal(s[11:])
}

// isDuration reports whether s is a duration of RFC 3339 appendix A: no fractions, weeks only alone, and no unit skipped
// between two others.
func isDuration(s string) bool {
	s, ok := strings.CutPrefix(s, "P")
	if !ok || s == "" {
		return false
	}
	date, clock, hasClock := strings.Cut(s, "T")
	if !hasClock {
		return isUnits(date, "YMD") || isUnits(date, "W")
	}
	return (date == "" || isUnits(date, "YMD")) && isUnits(clock, "HMS")
}

// isUnits reports whether s is numbers with units that follow each other as in units.
func isUnits(s, units string) bool {
	next := -1
	for s != "" {
		n := digitsEndString(s, 0)
		if n == 0 || n == len(s) {
			return false
		}
		unit := strings.IndexByte(units, s[n])
		if unit < 0 || next >= 0 && unit != next {
			return false
		}
		next, s = unit+1, s[n+1:]
	}
	return next >= 0
}

// isHTTPDate reports whether s is an HTTP-date (RFC 9110 §5.6.7), including the two obsolete forms.
func isHTTPDate(s string) bool {
	for _, layout := range []string{"Mon, 02 Jan 2006 15:04:05 GMT", "Monday, 02-Jan-06 15:04:05 GMT", time.ANSIC} {
		if t, err := time.Parse(layout, s); err == nil && t.Format(layout) == s {
			return true
		}
	}
	return false
}
