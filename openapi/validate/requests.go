package validate

import "slices"

// Permissions returns the scopes of all security requirements, sorted. One of them must be granted; if there are none, no
// scope is required.
func (o *Operation) Permissions() []string {
	var all []string
	for _, alternative := range o.Security {
		for _, requirement := range alternative {
			all = append(all, requirement.Scopes...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// TokenRequired reports whether clients must have credentials: there are alternatives, and none is empty.
func (o *Operation) TokenRequired() bool {
	return len(o.Security) > 0 && !slices.ContainsFunc(o.Security, func(a Alternative) bool { return len(a) == 0 })
}

// RequestTypes returns the media types of request bodies without parameters; empty if there is no body.
func (o *Operation) RequestTypes() []string {
	var types []string
	for _, b := range o.Request {
		types = append(types, b.Type)
	}
	return types
}
