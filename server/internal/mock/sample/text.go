package sample

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// maxTexts is how many candidates are tried for one string.
const maxTexts = 60

// maxLength is the most characters of a string, unless the schema requires more.
const maxLength = 1 << 20

// stringOf decodes a JSON string.
func stringOf(text []byte) string {
	var s string
	_ = json.Unmarshal(text, &s) // it is valid JSON
	return s
}

// text generates a string: from the format, from a pattern, or from words.
func (t *try) text(d *demand) ([]byte, bool) {
	least := d.least(func(s *validate.Schema) *int { return s.MinLength })
	most := min(d.most(func(s *validate.Schema) *int { return s.MaxLength }), d.most(func(s *validate.Schema) *int { return s.MaxBytes }))
	if least > min(most, maxLength) {
		return nil, false
	}
	var formats, patterns []string
	for _, s := range d.all {
		if s.Format != "" {
			formats = append(formats, s.Format)
		}
		for _, p := range s.Patterns {
			patterns = append(patterns, p.Text)
		}
	}
	for n := range maxTexts {
		s, ok := t.candidate(n, formats, patterns, least, most)
		if !ok {
			continue
		}
		if v := validate.AppendString(nil, s); t.fit(d.all, v) {
			return v, true
		}
	}
	return nil, false
}

// candidate returns a string that may be valid. Each n uses another method.
func (t *try) candidate(n int, formats, patterns []string, least, most int) (string, bool) {
	ways := len(formats) + len(patterns)
	if ways == 0 {
		return t.words(least, most), true
	}
	way, round := n%ways, n/ways
	if way < len(formats) {
		return t.ofFormat(formats[way], least, most)
	}
	s, ok := t.fromPattern(patterns[way-len(formats)], stretch(round, least))
	if length := utf8.RuneCountInString(s); ok && length < least && round%2 == 1 { // it may continue after the match
		s += t.letters(least - length)
	}
	return s, ok
}

// stretch returns how often a round repeats an unbounded repetition.
func stretch(round, least int) int {
	return []int{2, 8, 1, least, 0, 4, 16, 2 * least, 40}[round%9]
}

var lexicon = strings.Fields(`amber anchor basil birch cedar cobalt coral crane delta ember fable fern flint garnet harbor hazel indigo
	iris jade juniper kelp larch linen lotus maple meadow mint moss north oak olive onyx opal orchid pearl pine plum quartz reed river
	sage sand slate spruce stone teal thyme topaz umber vale willow`)

func (t *try) word() string { return lexicon[t.random.IntN(len(lexicon))] }

// words returns one word, or as many as the least length needs.
func (t *try) words(least, most int) string {
	s := t.word()
	for len(s) < least {
		s += " " + t.word()
	}
	return s[:min(len(s), max(least, min(most, len(s))))]
}

func (t *try) letters(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "abcdefghijklmnopqrstuvwxyz0123456789"[t.random.IntN(36)]
	}
	return string(b)
}

// pad returns letters that extend a text of rest characters to the least length.
func (t *try) pad(rest, least int) string {
	if s := t.word(); len(s)+rest >= least {
		return s
	}
	return t.letters(least - rest)
}

func (t *try) moment() time.Time {
	return time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(t.random.Int64N(2*365*24*60*60)) * time.Second)
}

// ofFormat returns a string of a format. If the format allows it, it has the least length.
func (t *try) ofFormat(format string, least, most int) (string, bool) {
	if layout, ok := layouts[format]; ok {
		return t.moment().Format(layout), true
	}
	switch format {
	case "unixtime":
		return fmt.Sprint(t.moment().Unix()), true
	case "decimal", "decimal128":
		return fmt.Sprintf("%d.%02d", t.random.IntN(1000), t.random.IntN(100)), true
	case "int64", "uint64":
		return fmt.Sprint(t.random.IntN(span)), true
	case "byte", "base64url", "sf-binary":
		return t.base64(format, least), true
	case "char":
		return t.letters(1), true
	case "ipv4", "ipv4-cidr", "ipv6", "ipv6-cidr":
		return t.address(format), true
	case "duration", "language", "media-range", "relative-json-pointer", "sf-boolean":
		return t.fixed(format), true
	case "uuid":
		return t.uuid(), true
	case "hostname", "idn-hostname", "email", "idn-email", "iri", "iri-reference", "uri", "uri-reference", "uri-template":
		return t.internet(format, least), true
	case "json-pointer":
		return "/" + t.pad(1, least), true
	case "sf-string":
		return `"` + t.pad(2, least) + `"`, true
	case "sf-token", "regex":
		return t.pad(0, least), true
	}
	return t.words(least, most), true
}

// layouts are the formats of times.
var layouts = map[string]string{
	"date": time.DateOnly, "date-time": time.RFC3339, "date-time-local": "2006-01-02T15:04:05", "edm-datetimeoffset": time.RFC3339,
	"http-date": http.TimeFormat, "time": "15:04:05Z", "time-local": time.TimeOnly,
}

func (t *try) base64(format string, least int) string {
	data := []byte(t.pad(0, least*3/4))
	for len(data)%3 != 0 { // no padding: not all formats allow it
		data = append(data, 'a')
	}
	s := base64.StdEncoding.EncodeToString(data)
	if format == "sf-binary" {
		return ":" + s + ":"
	}
	return s
}

func (t *try) address(format string) string {
	n := 1 + t.random.IntN(254)
	switch format {
	case "ipv4":
		return fmt.Sprintf("192.0.2.%d", n)
	case "ipv4-cidr":
		return fmt.Sprintf("192.0.%d.0/24", n)
	case "ipv6":
		return fmt.Sprintf("2001:db8::%x", n)
	}
	return fmt.Sprintf("2001:db8:%x::/48", n)
}

func (t *try) fixed(format string) string {
	n := 1 + t.random.IntN(9)
	return map[string]string{
		"duration": fmt.Sprintf("P%dD", n), "language": []string{"en", "de", "fr"}[n%3], "media-range": "text/plain",
		"relative-json-pointer": fmt.Sprint(n), "sf-boolean": []string{"?0", "?1"}[n%2],
	}[format]
}

// uuid returns a random UUID of version 4 (RFC 9562 §5.4).
func (t *try) uuid() string {
	high, low := t.random.Uint64()&^0xf000|0x4000, t.random.Uint64()&^(3<<62)|1<<63
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", high>>32, high>>16&0xffff, high&0xffff, low>>48, low&0xffffffffffff)
}

func (t *try) internet(format string, least int) string {
	switch format {
	case "hostname", "idn-hostname":
		return t.word() + "." + t.pad(len("coral..example"), min(least, 60)) + ".example"
	case "email", "idn-email":
		return t.pad(len("@example.com"), min(least, 70)) + "@example.com"
	case "iri-reference", "uri-reference":
		return "/" + t.pad(1, least)
	}
	return "https://example.com/" + t.pad(len("https://example.com/"), least)
}
