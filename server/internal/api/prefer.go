package api

import "strings"

// preference is what a request prefers to be answered with (RFC 7240 §4.2).
type preference string

const (
	preferNothing        preference = ""
	preferMinimal        preference = "return=minimal"
	preferRepresentation preference = "return=representation"
)

// prefer reads the value of Prefer; nil is an absent header. The first `return` counts (RFC 7240 §2), unknown preferences are ignored.
func prefer(value *string) preference {
	if value == nil {
		return preferNothing
	}
	for _, element := range splitList(*value) {
		name, _, _ := strings.Cut(element, ";")
		token, value, _ := strings.Cut(name, "=")
		if !strings.EqualFold(strings.TrimSpace(token), "return") {
			continue
		}
		p := preference("return=" + strings.Trim(strings.TrimSpace(value), `"`))
		if p == preferMinimal || p == preferRepresentation {
			return p
		}
		return preferNothing
	}
	return preferNothing
}
