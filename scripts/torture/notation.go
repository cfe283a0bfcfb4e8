//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// How the reference parses what clients send.
var (
	comparison = regexp.MustCompile(`^(\w+) eq ('(?:[^']|'')*'|[^ ']+)$`)
	tagList    = regexp.MustCompile(`^(\*|(W/)?"[^" ]*"( *, *((W/)?"[^" ]*")?)*)$`)
	guid       = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	integer    = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
	timestamp  = regexp.MustCompile(`^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,12}))?)?(?:[Zz]|([+-])(\d\d):(\d\d))$`)
)

// literal parses a literal of OData as a value for comparisons.
func literal(kind, text string) (any, bool) {
	quoted := strings.HasPrefix(text, "'")
	if text == "null" {
		return nil, kind != ""
	}
	if quoted != (kind == "String") {
		return nil, false
	}
	switch kind {
	case "String":
		return strings.ReplaceAll(text[1:len(text)-1], "''", "'"), true
	case "Guid":
		return strings.ToLower(text), guid.MatchString(text)
	case "DateTimeOffset":
		return instant(text)
	}
	return value(kind, text)
}

// value parses a member of a body.
func value(kind, raw string) (any, bool) {
	dec := json.NewDecoder(strings.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil, false
	}
	text, isText := v.(string)
	switch kind {
	case "String":
		return v, v == nil || isText && len(text) <= 1024 && !strings.Contains(text, "\x00")
	case "Guid":
		return strings.ToLower(text), guid.MatchString(text)
	case "DateTimeOffset":
		_, ok := instant(text)
		return text, ok
	case "Int32":
		n, err := strconv.ParseInt(raw, 10, 32)
		return json.Number(strconv.FormatInt(n, 10)), err == nil && integer.MatchString(raw)
	case "Boolean":
		_, ok := v.(bool)
		return v, ok
	}
	return nil, false
}

// instant parses a time into a text that is equal for equal instants.
func instant(text string) (any, bool) {
	f := timestamp.FindStringSubmatch(text)
	if f == nil {
		return nil, false
	}
	n := func(i int) int { v, _ := strconv.Atoi(f[i]); return v } // digits or empty
	t := time.Date(n(1), time.Month(n(2)), n(3), n(4), n(5), n(6), 0, time.UTC)
	offset := n(9)*60 + n(10)
	if t.Day() != n(3) || n(2) > 12 || n(4) > 23 || n(5) > 59 || n(6) > 59 || n(10) > 59 || offset > 14*60 {
		return nil, false
	}
	if f[8] == "+" {
		offset = -offset
	}
	return fmt.Sprint(t.Unix()+int64(offset)*60, ".", strings.TrimRight(f[7], "0")), true
}

// parse returns the members of a JSON object in order, with their values as text. It refuses duplicate members.
func parse(body string) (pairs [][2]string, ok bool) {
	dec := json.NewDecoder(strings.NewReader(body))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') || !utf8.ValidString(body) {
		return nil, false
	}
	seen := map[any]bool{}
	for dec.More() {
		name, err := dec.Token()
		var raw json.RawMessage
		if err != nil || seen[name] || dec.Decode(&raw) != nil {
			return nil, false
		}
		seen[name] = true
		pairs = append(pairs, [2]string{name.(string), string(raw)})
	}
	_, err := dec.Token()
	_, end := dec.Token()
	return pairs, err == nil && end == io.EOF
}
