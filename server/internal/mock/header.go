package mock

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/message"
)

// frames reports whether a field frames the message: a generated value would break it.
func frames(name string) bool {
	switch name {
	case "Content-Encoding", "Content-Length", "Content-Range", "Content-Type", "Date":
		return true
	}
	return message.IsHopByHop(name)
}

// headers generates the header fields that a response describes. Names keep the document's case.
func (m *Mock) headers(ctx context.Context, response *validate.Response, random *rand.Rand, vary bool) http.Header {
	h, names := http.Header{}, map[string]string{}
	for _, field := range response.Headers {
		name := http.CanonicalHeaderKey(field.Name)
		if frames(name) {
			continue
		}
		if value, ok := m.field(ctx, field, random, vary); ok {
			h[name], names[name] = []string{value}, field.Name
		}
	}
	if faults := response.CheckHeader(ctx, h); faults != nil {
		for _, f := range faults.List {
			if frames(http.CanonicalHeaderKey(f.Name)) {
				continue
			}
			m.config.Log.Warn("a header field of a response is left out: no valid value was found", "status", response.Status, "field", f.Name, "keyword", f.Keyword)
			delete(names, http.CanonicalHeaderKey(f.Name))
		}
	}
	sent := http.Header{}
	for name, own := range names {
		sent[own] = h[name]
	}
	return sent
}

// setField sets a header field and replaces one whose name differs only in case.
func setField(h http.Header, name, value string) {
	for other := range h {
		if strings.EqualFold(other, name) {
			delete(h, other)
		}
	}
	h[name] = []string{value}
}

// field generates the value of a header field.
func (m *Mock) field(ctx context.Context, p *validate.Parameter, random *rand.Rand, vary bool) (string, bool) {
	if !vary {
		for _, e := range m.config.Document.ParameterExamples(p) {
			if text, ok := fieldText(p, []byte(e.JSON)); ok && (p.Schema == nil || p.Schema.Check(ctx, []byte(e.JSON)) == nil) {
				return text, true
			}
		}
	}
	value, ok := m.maker.Make(ctx, random, p.Schema, m.sampleOptions(vary))
	if !ok {
		return "", false
	}
	return fieldText(p, value)
}

// fieldText formats a JSON value as a header field: in simple style (OpenAPI 3.0.3, Style Values), or as JSON.
func fieldText(p *validate.Parameter, value []byte) (string, bool) {
	text := string(value)
	if !validate.IsJSON(p.Content) {
		members, err := parts(value, p.Explode)
		if err != nil {
			return "", false
		}
		text = strings.Join(members, ",")
	}
	ok := !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r >= 0x7f })
	return text, ok
}

// parts returns the parts of a value in simple style.
func parts(value []byte, explode bool) ([]string, error) {
	d := json.NewDecoder(strings.NewReader(string(value)))
	d.UseNumber()
	switch value[0] {
	case '[':
		var list []any
		err := d.Decode(&list)
		texts := make([]string, 0, len(list))
		for _, item := range list {
			texts = append(texts, scalar(item))
		}
		return texts, err
	case '{':
		members, err := readObject(value)
		var texts []string
		for _, member := range members {
			var v any
			if err := json.Unmarshal(member.value, &v); err != nil {
				return nil, err
			}
			if explode {
				texts = append(texts, member.name+"="+scalar(v))
			} else {
				texts = append(texts, member.name, scalar(v))
			}
		}
		return texts, err
	}
	var v any
	err := d.Decode(&v)
	return []string{scalar(v)}, err
}
