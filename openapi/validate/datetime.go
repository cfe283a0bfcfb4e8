package validate

import "time"

// DateTime reads a string without escapes that is a date-time and returns its time as [time.Time.UnmarshalText] does. For
// another value, and for a date-time that method refuses, it reports false and reads nothing; the caller then reads a string
// to find the fault. Refused are leap seconds, and t and z in lower case.
func (r *Reader) DateTime() (time.Time, bool) {
	if len(r.data)-r.pos < len(`"2006-01-02T15:04:05Z"`) {
		return time.Time{}, false
	}
	b := (*[20]byte)(r.data[r.pos:])
	ok := b[0] == '"' && b[5] == '-' && b[8] == '-' && b[11] == 'T' && b[14] == ':' && b[17] == ':'
	two := func(i int) int {
		tens, ones := b[i]-'0', b[i+1]-'0'
		ok = ok && tens <= 9 && ones <= 9
		return int(tens)*10 + int(ones)
	}
	year, month, day, hour, minute, second := two(1)*100+two(3), two(6), two(9), two(12), two(15), two(18)
	if !ok || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	nanosecond, end := fraction(r.data, r.pos+len(b))
	t, end, ok := inZone(time.Date(year, time.Month(month), day, hour, minute, second, nanosecond, time.UTC), r.data, end)
	if !ok || end >= len(r.data) || r.data[end] != '"' {
		return time.Time{}, false
	}
	r.pos = end + 1
	return t, true
}

// fraction returns the nanoseconds of the fraction at offset i, truncated, and the offset after it. There may be none.
func fraction(b []byte, i int) (nanoseconds, end int) {
	if end = digitsEnd(b, i+1); b[i] != '.' || end == i+1 {
		return 0, i
	}
	for n := range 9 {
		nanoseconds *= 10
		if at := i + 1 + n; at < end {
			nanoseconds += int(b[at] - '0')
		}
	}
	return nanoseconds, end
}

// inZone returns the time that is t by the clocks of the zone at offset i, and the offset after it. As package time does, it
// prefers [time.Local] to a zone without a name.
func inZone(t time.Time, b []byte, i int) (time.Time, int, bool) {
	const size = len("+00:00")
	switch {
	case i < len(b) && b[i] == 'Z':
		return t, i + 1, true
	case len(b)-i < size:
		return t, i, false
	}
	text := string(b[i : i+size])
	if !isZone(text) {
		return t, i, false
	}
	offset := (twoDigits(text[1:])*60 + twoDigits(text[4:])) * 60
	if text[0] == '-' {
		offset = -offset
	}
	t = t.Add(-time.Duration(offset) * time.Second)
	if _, local := t.Local().Zone(); local == offset {
		return t.Local(), i + size, true
	}
	return t.In(time.FixedZone("", offset)), i + size, true
}
