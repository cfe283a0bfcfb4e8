package validate

import (
	"context"
	"strings"
)

// DecodeContent checks the content of a body like [Body.CheckContent] and decodes it into the value that into points at. It
// reports false if it only checked: the content is neither JSON nor application/x-www-form-urlencoded, or generated code
// cannot decode it into that type. After faults *into is unspecified.
func (b *Body) DecodeContent(ctx context.Context, contentType string, data []byte, into any) (*Faults, bool) {
	m, _ := ParseMediaType(contentType)
	switch {
	case b.Decode == nil:
		return b.CheckContent(ctx, contentType, data), false
	case IsJSON(m.Type):
		if faults := refusedCharset(m, data); faults != nil {
			return faults, true
		}
		return b.Decode(data, into)
	}
	value, faults := b.ReadContent(ctx, contentType, data)
	if faults != nil || value == nil {
		return faults, value != nil
	}
	return b.Decode(value, into)
}

// FindOperation returns the operation with a method and a path template; nil if there is none.
func FindOperation(list []*Operation, method, path string) *Operation {
	for _, o := range list {
		if o.Path == path && strings.EqualFold(o.Method, method) {
			return o
		}
	}
	return nil
}

// PathValues returns the values of a template's parameters in an escaped path that ends with the template, still escaped. It
// reports false if the path does not match.
func PathValues(template, escapedPath string) ([]string, bool) {
	parts := strings.Split(strings.TrimPrefix(template, "/"), "/")
	segments := strings.Split(strings.TrimPrefix(escapedPath, "/"), "/")
	if len(segments) < len(parts) {
		return nil, false
	}
	segments = segments[len(segments)-len(parts):]
	var values []string
	for i, part := range parts {
		literals := SegmentLiterals(part)
		if len(literals) == 1 {
			continue // the router has matched it
		}
		var ok bool
		if values, ok = MatchSegment(literals, segments[i], values); !ok {
			return nil, false
		}
	}
	return values, true
}

// SegmentLiterals returns the literals before, between and after the parameters of a template's segment.
func SegmentLiterals(segment string) []string {
	var literals []string
	for {
		literal, rest, ok := strings.Cut(segment, "{")
		_, behind, closed := strings.Cut(rest, "}")
		if !ok || !closed {
			return append(literals, segment)
		}
		literals, segment = append(literals, literal), behind
	}
}

// MatchSegment appends the values of the parameters in a segment with these literals. Each value is as short as possible and
// not empty.
func MatchSegment(literals []string, segment string, values []string) ([]string, bool) {
	rest, ok := strings.CutPrefix(segment, literals[0])
	if !ok {
		return values, false
	}
	last := len(literals) - 1
	if rest, ok = strings.CutSuffix(rest, literals[last]); !ok {
		return values, false
	}
	for _, literal := range literals[1:last] {
		if rest == "" {
			return values, false
		}
		i := strings.Index(rest[1:], literal)
		if i < 0 {
			return values, false
		}
		values, rest = append(values, rest[:i+1]), rest[i+1+len(literal):]
	}
	return append(values, rest), rest != ""
}
