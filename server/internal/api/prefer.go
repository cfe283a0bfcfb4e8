package api

import (
	"strings"

	"github.com/pfxrecryption/pfxrecryption/server/internal/message"
)

// preference says how a change is to be answered (RFC 7240 §4.2).
type preference string

const (
	preferNothing        preference = ""
	preferMinimal        preference = "return=minimal"
	preferRepresentation preference = "return=representation"
)

// preferences are those of a request that mean something here.
type preferences struct {
	response        preference
	createIfMissing bool
}

// applied is the value of Preference-Applied (RFC 7240 §3); "" is none.
func (p preferences) applied(created bool) string {
	switch {
	case !created || !p.createIfMissing:
		return string(p.response)
	case p.response == preferNothing:
		return createIfMissing
	}
	return createIfMissing + ", " + string(p.response)
}

const createIfMissing = "create-if-missing"

// prefer reads the value of Prefer; nil is an absent header. The first of each name counts (RFC 7240 §2), unknown
// preferences are ignored.
func prefer(value *string) preferences {
	var p preferences
	if value == nil {
		return p
	}
	answered := false
	for _, element := range message.SplitList(*value) {
		name, _, _ := strings.Cut(element, ";")
		token, value, _ := strings.Cut(name, "=")
		token, value = strings.TrimSpace(token), strings.Trim(strings.TrimSpace(value), `"`)
		switch {
		case strings.EqualFold(token, createIfMissing) && value == "":
			p.createIfMissing = true
		case strings.EqualFold(token, "return") && !answered:
			answered = true
			if a := preference("return=" + value); a == preferMinimal || a == preferRepresentation {
				p.response = a
			}
		}
	}
	return p
}
