package edm

import (
	"cmp"
	"encoding/binary"
	"errors"
	"time"
)

// DateTimeOffset is an Edm.DateTimeOffset that keeps its text: "…18.50-08:00" and "…18.5-08:00" are the same instant but
// different values. The zero DateTimeOffset has an empty text and is no valid time.
type DateTimeOffset struct{ text string }

var errDateTimeOffset = errors.New("not an Edm.DateTimeOffset: want YYYY-MM-DDThh:mm[:ss[.fraction]] and Z or ±hh:mm")

// ParseDateTimeOffset reads YYYY-MM-DDThh:mm[:ss[.f]](Z|±hh:mm): a date of the proleptic Gregorian calendar, years 0000
// to 9999, T and Z in either case, 1 to 12 fraction digits, no leap second, an offset of at most 14:00
// (OData ABNF dateTimeOffsetValue; XML Schema 1.1 §3.3.7 for the offset).
func ParseDateTimeOffset(text string) (DateTimeOffset, error) {
	if _, ok := scanDateTimeOffset(text); !ok {
		return DateTimeOffset{}, errDateTimeOffset
	}
	return DateTimeOffset{text}, nil
}

// ValidDateTimeOffset reports whether ParseDateTimeOffset accepts text.
func ValidDateTimeOffset[T ~string | ~[]byte](text T) bool {
	_, ok := scanDateTimeOffset(text)
	return ok
}

// String returns the original text.
func (d DateTimeOffset) String() string { return d.text }

// IsZero reports whether d is the zero DateTimeOffset.
func (d DateTimeOffset) IsZero() bool { return d.text == "" }

// Time returns the instant, truncated to nanoseconds, in the zone of the text.
func (d DateTimeOffset) Time() time.Time {
	p, _ := scanDateTimeOffset(d.text)
	zone := time.UTC
	if p.offset != 0 {
		zone = time.FixedZone("", p.offset*60)
	}
	return time.Date(p.year, time.Month(p.month), p.day, p.hour, p.minute, p.second, int(p.pico/1000), zone)
}

// Compare compares the instants of d and other, to all 12 fraction digits, and returns -1, 0 or 1.
func (d DateTimeOffset) Compare(other DateTimeOffset) int {
	p, _ := scanDateTimeOffset(d.text)
	q, _ := scanDateTimeOffset(other.text)
	return cmp.Or(cmp.Compare(d.Time().Unix(), other.Time().Unix()), cmp.Compare(p.pico, q.pico))
}

// Instant returns the instant as bytes for databases: equal instants have equal bytes, and bytes are ordered as by Compare.
func (d DateTimeOffset) Instant() [16]byte {
	p, _ := scanDateTimeOffset(d.text)
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(d.Time().Unix())^1<<63) // flip the sign bit, so that negative numbers come first
	binary.BigEndian.PutUint64(b[8:], uint64(p.pico))
	return b
}

// AppendText appends the original text to b. The error is always nil.
func (d DateTimeOffset) AppendText(b []byte) ([]byte, error) { return append(b, d.text...), nil }

// MarshalText returns the original text. The error is always nil.
func (d DateTimeOffset) MarshalText() ([]byte, error) { return []byte(d.text), nil }

// UnmarshalText reads what ParseDateTimeOffset reads.
func (d *DateTimeOffset) UnmarshalText(text []byte) error {
	v, err := ParseDateTimeOffset(string(text))
	if err != nil {
		return err
	}
	*d = v
	return nil
}

// parts are the fields of a DateTimeOffset's text; offset is in minutes east of UTC, pico in 10⁻¹² s.
type parts struct {
	year, month, day, hour, minute, second, offset int
	pico                                           int64
}

// scanDateTimeOffset is the only implementation of the grammar of Edm.DateTimeOffset. time.Parse differs: it accepts a comma
// as the decimal point, one-digit hours and offsets of 60 minutes, and refuses a time without seconds.
func scanDateTimeOffset[T ~string | ~[]byte](s T) (parts, bool) {
	var p parts
	if len(s) < len("2006-01-02T15:04Z") || s[4] != '-' || s[7] != '-' || s[10]|0x20 != 't' || s[13] != ':' {
		return parts{}, false
	}
	ok := true
	two := func(i int) int {
		a, b := s[i]-'0', s[i+1]-'0'
		ok = ok && a <= 9 && b <= 9
		return int(a)*10 + int(b)
	}
	p.year = two(0)*100 + two(2)
	p.month, p.day, p.hour, p.minute = two(5), two(8), two(11), two(14)
	i := 16
	if s[i] == ':' && len(s) > i+3 {
		p.second = two(i + 1)
		i += 3
		if s[i] == '.' {
			start, unit := i+1, int64(1e11)
			for i = start; i < len(s) && s[i]-'0' <= 9; i++ {
				p.pico += int64(s[i]-'0') * unit
				unit /= 10
			}
			ok = ok && i > start && i-start <= 12
		}
	}
	switch rest := len(s) - i; {
	case rest == 1:
		ok = ok && s[i]|0x20 == 'z'
	case rest == len("+14:00") && (s[i] == '+' || s[i] == '-') && s[i+3] == ':':
		h, m := two(i+1), two(i+4)
		ok = ok && m <= 59 && h*60+m <= 14*60
		p.offset = h*60 + m
		if s[i] == '-' {
			p.offset = -p.offset
		}
	default:
		ok = false
	}
	ok = ok && p.month >= 1 && p.month <= 12 && p.day >= 1 && p.day <= daysIn(p.year, p.month) &&
		p.hour <= 23 && p.minute <= 59 && p.second <= 59
	return p, ok
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
