package validate

import (
	"strconv"
	"strings"
)

// Response returns the response for a status: by the status, else its class, else default (OpenAPI 3.0.3, Responses Object).
// It returns nil if the document has none.
func (o *Operation) Response(status int) *Response {
	var class, rest *Response
	for _, r := range o.Responses {
		switch {
		case r.Status == "default":
			rest = r
		case len(r.Status) == 3 && r.Status[0] == byte('0'+status/100):
			if n, err := strconv.Atoi(r.Status); n == status {
				return r
			} else if err != nil && strings.EqualFold(r.Status[1:], "xx") {
				class = r
			}
		}
	}
	if class != nil {
		return class
	}
	return rest
}

// CheckJSON checks that data is one I-JSON text (RFC 7493): UTF-8, no duplicate names, numbers of RFC 8259, nothing after
// it, and objects and arrays nested at most depth levels. depth is at most 64.
func CheckJSON(data []byte, depth int) *Faults {
	r := Open(data)
	r.skip(min(depth, maxDepth))
	return r.Close()
}
