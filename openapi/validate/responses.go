package validate

import (
	"strconv"
	"strings"
)

// Response finds a status by itself, then by its class, then by default (OpenAPI 3.0.3, Responses Object). It is nil if
// the document does not have the status.
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

// CheckJSON checks that data is one I-JSON text (RFC 7493): UTF-8, no name twice, numbers as RFC 8259 has them, nothing
// behind it, and objects and arrays nested at most depth levels, of which 64 is the most.
func CheckJSON(data []byte, depth int) *Faults {
	r := Open(data)
	r.skip(min(depth, maxDepth))
	return r.Close()
}
