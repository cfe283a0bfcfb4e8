package graph

import "net/http"

// MaxHeader is the default length of all header fields together in bytes: names, values, and four bytes for each line.
const MaxHeader = 16 << 10

// LimitHeader refuses header fields that are longer than limit together. net/http's own limit is larger and its answer is
// not ours.
func LimitHeader(h http.Header, limit int) error {
	size := 0
	for name, values := range h {
		for _, value := range values {
			size += len(name) + len(value) + len(": \r\n")
		}
	}
	if size > limit {
		return HeaderTooLarge(limit)
	}
	return nil
}

// Method returns a method of RFC 9110 or PATCH as it is, and any other as "other".
func Method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return m
	}
	return "other"
}
