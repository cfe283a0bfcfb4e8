package graph

import (
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/server/internal/message"
)

const mediaJSON = "application/json"

// formatParameters are the parameters that application/json may carry, with their values, in lower case
// (OData JSON Format §4; each with and without its prefix).
var formatParameters = map[string][]string{
	"charset":                   {"utf-8"},
	"ieee754compatible":         {"true", "false"},
	"exponentialdecimals":       {"true", "false"},
	"metadata":                  {"minimal", "full", "none"},
	"odata.metadata":            {"minimal", "full", "none"},
	"streaming":                 {"true", "false"},
	"odata.streaming":           {"true", "false"},
	"odata.ieee754compatible":   {"true", "false"},
	"odata.exponentialdecimals": {"true", "false"},
}

// Negotiate returns which of bodyTypes the request's body has, or "" if the operation has none. It refuses a request whose
// Accept excludes the response (406) or whose Content-Type is not one of bodyTypes (415).
func Negotiate(method string, h http.Header, bodyTypes []string) (string, error) {
	if !acceptsJSON(h["Accept"]) {
		return "", NotAcceptable()
	}
	if len(bodyTypes) == 0 {
		return "", nil
	}
	types, encodings := h["Content-Type"], h["Content-Encoding"]
	switch {
	case len(types) > 1:
		return "", BadField("Content-Type", "repeated", "was sent more than once")
	case len(encodings) > 1:
		return "", BadField("Content-Encoding", "repeated", "was sent more than once")
	}
	bodyType := bodyTypeOf(first(types), bodyTypes)
	if bodyType == "" {
		return "", UnsupportedMediaType(method, bodyTypes)
	}
	return bodyType, CheckEncoding(first(encodings))
}

// first is [http.Header.Get] for the values of a known field.
func first(values []string) string {
	if len(values) > 0 {
		return values[0]
	}
	return ""
}

// bodyTypeOf returns which of bodyTypes a Content-Type names, or "".
func bodyTypeOf(contentType string, bodyTypes []string) string {
	if contentType == mediaJSON && bodyTypes[0] == mediaJSON {
		return mediaJSON // fast path for nearly all clients
	}
	media, params, err := mime.ParseMediaType(contentType)
	if err != nil || !areFormatParameters(params) || !slices.Contains(bodyTypes, media) {
		return ""
	}
	return media
}

func areFormatParameters(params map[string]string) bool {
	for name, value := range params {
		if !isOneOf(value, formatParameters[name]) {
			return false
		}
	}
	return true
}

func isOneOf(value string, legal []string) bool {
	for _, l := range legal {
		if strings.EqualFold(value, l) {
			return true
		}
	}
	return false
}

// acceptsJSON reports whether Accept covers application/json. The most specific matching range decides, and its weight must
// not be 0 (RFC 9110 §12.5.1).
func acceptsJSON(values []string) bool {
	if len(values) == 0 || len(values) == 1 && (values[0] == mediaJSON || values[0] == "*/*") {
		return true // fast path for nearly all clients
	}
	best, accepted := 0, false
	for _, value := range values {
		for _, element := range message.SplitList(value) {
			specificity, weight := matchJSON(element)
			if specificity > best {
				best, accepted = specificity, weight > 0
			} else if specificity == best && specificity > 0 {
				accepted = accepted || weight > 0
			}
		}
	}
	return accepted
}

// matchJSON returns how specifically a media range covers application/json, and its weight; 0 if it does not.
func matchJSON(element string) (int, float64) {
	media, params, err := mime.ParseMediaType(element)
	if err != nil {
		return 0, 0
	}
	weight := 1.0
	if q, ok := params["q"]; ok {
		if weight, err = strconv.ParseFloat(q, 64); err != nil || weight < 0 || weight > 1 {
			return 0, 0
		}
		delete(params, "q")
	}
	switch media {
	case "*/*":
		return 1, weight
	case "application/*":
		return 2, weight
	case mediaJSON:
		if areFormatParameters(params) {
			return 3 + len(params), weight
		}
	}
	return 0, 0
}
