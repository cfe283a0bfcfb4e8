package mock

import (
	"mime"
	"strconv"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/internal/message"
	"github.com/pfxrecryption/pfxrecryption/server/strict"
)

// accepted is a media range of Accept (RFC 9110 §12.5.1).
type accepted struct {
	typ        string
	parameters map[string]string
	weight     float64
}

// acceptedTypes parses the lines of Accept. A malformed range accepts nothing.
func acceptedTypes(lines []string) []accepted {
	var list []accepted
	for _, line := range lines {
		for _, element := range message.SplitList(line) {
			typ, parameters, err := mime.ParseMediaType(element)
			if err != nil {
				continue
			}
			a := accepted{typ, parameters, 1}
			if q, ok := parameters["q"]; ok {
				if a.weight, err = strconv.ParseFloat(q, 64); err != nil || a.weight < 0 || a.weight > 1 {
					continue
				}
				delete(parameters, "q")
			}
			list = append(list, a)
		}
	}
	return list
}

// negotiate returns the body that a request prefers, and its media type. Without a preference that is the first JSON body,
// or else the first body. It returns nil if the request accepts none.
func negotiate(bodies []*validate.Body, lines []string) (*validate.Body, string) {
	ranges := acceptedTypes(lines)
	if len(lines) == 0 {
		ranges = []accepted{{typ: "*/*", weight: 1}}
	}
	var best *validate.Body
	var bestType string
	most := 0.0
	for _, b := range bodies {
		typ, weight := weigh(b, ranges)
		if weight > most || weight == most && best != nil && validate.IsJSON(typ) && !validate.IsJSON(bestType) {
			best, bestType, most = b, typ, weight
		}
	}
	return best, bestType
}

// weigh returns the body's media type for the ranges, and the weight of the most specific range that covers it.
func weigh(b *validate.Body, ranges []accepted) (string, float64) {
	typ, weight, specific := "", 0.0, 0
	for _, a := range ranges {
		if own, how := a.covers(b); how > specific {
			typ, weight, specific = own, a.weight, how
		}
	}
	return typ, weight
}

// covers returns the body's media type for the range, and how specific the range is: 0 if it does not cover the body.
func (a *accepted) covers(b *validate.Body) (string, int) {
	for name, value := range a.parameters {
		if own, ok := b.Parameters[name]; !ok && !strings.EqualFold(name, "charset") || ok && !strings.EqualFold(own, value) {
			return "", 0
		}
	}
	main, sub, _ := strings.Cut(a.typ, "/")
	ourMain, ourSub, _ := strings.Cut(b.Type, "/")
	switch {
	case a.typ == "*/*":
		return concrete(b.Type), 1
	case sub == "*" && (main == ourMain || ourMain == "*"):
		return within(main, b.Type), 2
	case a.typ == b.Type:
		return b.Type, 3 + len(a.parameters)
	case b.Type == "*/*", ourSub == "*" && main == ourMain, main == ourMain && strings.HasPrefix(ourSub, "*+") && strings.HasSuffix(sub, ourSub[1:]):
		return a.typ, 3
	}
	return "", 0
}

// within returns a media type with the main type that matches a type or range of the document.
func within(main, typ string) string {
	if strings.HasPrefix(typ, "*/") {
		typ = main + "/*"
	}
	return concrete(typ)
}

// concrete returns a media type that matches a range of the document, and any other type unchanged.
func concrete(typ string) string {
	main, sub, _ := strings.Cut(typ, "/")
	if suffix, ok := strings.CutPrefix(sub, "*+"); ok {
		return main + "/vnd.example+" + suffix
	}
	if sub != "*" {
		return typ
	}
	known := map[string]string{"*": "application/json", "application": "application/json", "text": "text/plain", "image": "image/png", "audio": "audio/mpeg", "video": "video/mp4"}
	if t, ok := known[main]; ok {
		return t
	}
	return "application/octet-stream"
}

// notAcceptable is the problem of a request that accepts none of the media types.
func notAcceptable(bodies []*validate.Body) *graph.Problem {
	var types []string
	for _, b := range bodies {
		types = append(types, b.Type)
	}
	return strict.NotAcceptable(types)
}
