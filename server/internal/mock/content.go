package mock

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/stream"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// contentType returns the Content-Type for a body of mediaType.
func contentType(b *validate.Body, mediaType string) string {
	if text := mime.FormatMediaType(mediaType, b.Parameters); text != "" {
		return text
	}
	return mediaType
}

// content returns the bytes of a body: an example, or a value generated from the schema.
func (m *Mock) content(ctx context.Context, c choice, random *rand.Rand, vary bool) ([]byte, *graph.Problem) {
	examples := m.config.Document.BodyExamples(c.body)
	if c.example != "" && !vary {
		for _, e := range examples {
			if e.Name == c.example {
				return encode(c.body, c.mediaType, e.JSON), nil
			}
		}
		if data, ok := m.ofSchema(ctx, c); ok && c.example == "default" {
			return data, nil
		}
		return nil, unknownExample(c.example, c.mediaType)
	}
	for _, e := range examples {
		if data := encode(c.body, c.mediaType, e.JSON); !vary && m.isValid(ctx, c, data) {
			return data, nil
		}
	}
	value := []byte("{}")
	if c.body.Schema != nil || !validate.IsJSON(c.mediaType) {
		var ok bool
		if value, ok = m.maker.Make(ctx, random, c.body.Schema, m.sampleOptions(vary)); !ok {
			return nil, unmakeable(c.mediaType)
		}
	}
	data := encode(c.body, c.mediaType, string(value))
	switch {
	case m.isValid(ctx, c, data):
		return data, nil
	case strings.Contains(c.body.Type, "*"): // the document does not name the media type: the client chooses it
		return nil, notAcceptable([]*validate.Body{c.body})
	}
	return nil, unmakeable(c.mediaType)
}

// ofSchema returns a valid example from the schema of a body.
func (m *Mock) ofSchema(ctx context.Context, c choice) ([]byte, bool) {
	for _, e := range m.config.Document.SchemaExamples(c.body.Schema) {
		if data := encode(c.body, c.mediaType, e.JSON); m.isValid(ctx, c, data) {
			return data, true
		}
	}
	return nil, false
}

func (m *Mock) isValid(ctx context.Context, c choice, data []byte) bool {
	return c.body.CheckContent(ctx, contentType(c.body, c.mediaType), data) == nil
}

// unmakeable is the problem of a body without a valid value.
func unmakeable(mediaType string) *graph.Problem {
	return &graph.Problem{
		Status: http.StatusNotImplemented, Code: "NotImplemented",
		Message: "No valid " + mediaType + " was found for this response: give the document an example of it.",
	}
}

// encode encodes a JSON value for a media type: a string as its characters if that is not JSON.
func encode(b *validate.Body, mediaType, value string) []byte {
	if validate.IsJSON(mediaType) {
		return []byte(value)
	}
	var v any
	d := json.NewDecoder(strings.NewReader(value))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return []byte(value)
	}
	text, isString := v.(string)
	switch {
	case mediaType == "application/x-www-form-urlencoded" && !isString:
		return []byte(form(v))
	case isXML(mediaType) && !isString:
		return appendXML(nil, rootName(b), v)
	case !isString:
		text = value
	}
	if stream.Is(mediaType) && !strings.Contains(text, "\n") {
		text = streamed(mediaType, text)
	}
	return []byte(text)
}

// streamed formats a message as a stream of one message.
func streamed(mediaType, message string) string {
	if mediaType == "text/event-stream" {
		return "data: " + message + "\n\n"
	}
	return message + "\n"
}

// form encodes the members of an object as application/x-www-form-urlencoded.
func form(v any) string {
	values := url.Values{}
	o, _ := v.(map[string]any)
	for name, member := range o {
		list, ok := member.([]any)
		if !ok {
			list = []any{member}
		}
		for _, item := range list {
			values.Add(name, scalar(item))
		}
	}
	return values.Encode()
}

// scalar returns a string as it is, and any other value as JSON.
func scalar(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	text, err := json.Marshal(v)
	if err != nil {
		return "" // a value from JSON always marshals
	}
	return string(text)
}

func isXML(mediaType string) bool {
	return mediaType == "application/xml" || mediaType == "text/xml" || strings.HasSuffix(mediaType, "+xml")
}

// rootName returns the name of a body's root element.
func rootName(b *validate.Body) string {
	if b.Schema != nil && b.Schema.Name != "" {
		return b.Schema.Name
	}
	return "root"
}

// warnOfExamples logs invalid examples of responses.
func (m *Mock) warnOfExamples(ctx context.Context) {
	for _, op := range m.config.Document.Operations {
		for _, response := range op.Responses {
			for _, b := range response.Bodies {
				m.warnOf(ctx, op, b)
			}
		}
	}
}

func (m *Mock) warnOf(ctx context.Context, op *validate.Operation, b *validate.Body) {
	c := choice{body: b, mediaType: concrete(b.Type)}
	for _, e := range m.config.Document.BodyExamples(b) {
		faults := b.CheckContent(ctx, contentType(b, c.mediaType), encode(b, c.mediaType, e.JSON))
		if faults == nil {
			continue
		}
		var keywords []string
		for _, f := range faults.List {
			if !slices.Contains(keywords, f.Keyword) {
				keywords = append(keywords, f.Keyword)
			}
		}
		m.config.Log.Warn("an example is invalid and only sent if a request names it", "operation", op.ID, "pointer", e.Pointer, "broken", keywords)
	}
}
