package message

import (
	"net/http"
	"net/url"
	"strings"
)

// Keys returns all values of an API key in a header field, the query or a cookie; in says which. A value that cannot be
// decoded counts as an empty one, so that duplicates are noticed.
func Keys(r *http.Request, in, name string) []string {
	switch in {
	case "header":
		return r.Header[http.CanonicalHeaderKey(name)]
	case "query":
		return pairs(r.URL.RawQuery, "&", name, url.QueryUnescape)
	}
	var values []string
	for _, line := range r.Header["Cookie"] {
		values = append(values, pairs(line, ";", name, func(s string) (string, error) { return s, nil })...)
	}
	return values
}

func pairs(list, separator, name string, decode func(string) (string, error)) []string {
	var values []string
	for pair := range strings.SplitSeq(list, separator) {
		rawName, rawValue, _ := strings.Cut(strings.Trim(pair, " \t"), "=")
		if decoded, err := decode(rawName); err != nil || decoded != name {
			continue
		}
		value, err := decode(rawValue)
		if err != nil {
			value = ""
		}
		values = append(values, value)
	}
	return values
}
