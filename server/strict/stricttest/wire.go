package stricttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// decode parses JSON. Numbers keep their text.
func decode(text string) (any, error) {
	var v any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	return v, d.Decode(&v)
}

// request is a request as it is sent.
type request struct {
	method      string
	path        []string // the template's values, percent-encoded
	query       []string
	header      http.Header
	contentType string
	body        []byte
}

// add writes a parameter to its place.
func (q *request) add(p *validate.Parameter, v any) error {
	switch p.In {
	case "path":
		q.path = append(q.path, pathText(p, v))
	case "query":
		q.query = append(q.query, queryText(p, v)...)
	case "header":
		q.header[http.CanonicalHeaderKey(p.Name)] = []string{plain(p, v, ",")}
	case "cookie":
		pairs := append(q.header["Cookie"], strings.Join(queryText(p, v), "; "))
		q.header["Cookie"] = []string{strings.Join(pairs, "; ")}
	default:
		return fmt.Errorf("a parameter in %q", p.In)
	}
	return nil
}

// pathText formats a value in the style simple, label or matrix (RFC 6570 §3.2).
func pathText(p *validate.Parameter, v any) string {
	switch {
	case p.Style == "label" && p.Explode:
		return "." + plain(p, v, ".")
	case p.Style == "label":
		return "." + plain(p, v, ",")
	case p.Style == "matrix":
		return matrixText(p, v)
	}
	return plain(p, v, ",")
}

func matrixText(p *validate.Parameter, v any) string {
	name := url.PathEscape(p.Name)
	items, isList := v.([]any)
	members, isObject := v.(map[string]any)
	var b strings.Builder
	switch {
	case isList && p.Explode:
		for _, item := range items {
			b.WriteString(";" + name + "=" + escape(text(item)))
		}
	case isObject && p.Explode:
		for _, key := range slices.Sorted(maps.Keys(members)) {
			b.WriteString(";" + escape(key) + "=" + escape(text(members[key])))
		}
	default:
		b.WriteString(";" + name + "=" + plain(p, v, ","))
	}
	return b.String()
}

// plain formats a value with a separator between items and members. Header fields are not percent-encoded.
func plain(p *validate.Parameter, v any, separator string) string {
	encode := escape
	if p.In == "header" {
		encode = func(s string) string { return s }
	}
	if p.Content != "" {
		return encode(jsonText(v))
	}
	switch v := v.(type) {
	case []any:
		var all []string
		for _, item := range v {
			all = append(all, encode(text(item)))
		}
		return strings.Join(all, separator)
	case map[string]any:
		between := ","
		if p.Explode {
			between = "="
		}
		var all []string
		for _, key := range slices.Sorted(maps.Keys(v)) {
			all = append(all, encode(key)+between+encode(text(v[key])))
		}
		return strings.Join(all, separator)
	}
	return encode(text(v))
}

// queryText formats a value in the style form, spaceDelimited, pipeDelimited or deepObject, as pairs.
func queryText(p *validate.Parameter, v any) []string {
	name := escape(p.Name)
	items, isList := v.([]any)
	members, isObject := v.(map[string]any)
	switch {
	case p.Content != "" || !isList && !isObject:
		return []string{name + "=" + plain(p, v, ",")}
	case p.Style == "deepObject":
		return deepText(name, v)
	case isList && p.Explode:
		var all []string
		for _, item := range items {
			all = append(all, name+"="+escape(text(item)))
		}
		return all
	case isObject && p.Explode:
		var all []string
		for _, key := range slices.Sorted(maps.Keys(members)) {
			all = append(all, escape(key)+"="+escape(text(members[key])))
		}
		return all
	}
	separator := map[string]string{"spaceDelimited": "%20", "pipeDelimited": "%7C"}[p.Style]
	if separator == "" {
		separator = ","
	}
	return []string{name + "=" + plain(p, v, separator)}
}

// deepText formats name[key][key]=value for each value in an object.
func deepText(name string, v any) []string {
	members, ok := v.(map[string]any)
	if !ok {
		return []string{name + "=" + escape(text(v))}
	}
	var all []string
	for _, key := range slices.Sorted(maps.Keys(members)) {
		all = append(all, deepText(name+"%5B"+escape(key)+"%5D", members[key])...)
	}
	return all
}

func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// text formats a value for a parameter or a form: a string as it is, others as JSON.
func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return jsonText(v)
}

func jsonText(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic("stricttest: " + err.Error()) // the value comes from JSON
	}
	return string(data)
}

// setBody writes a value as a body of a media type. It returns false if the media type is not supported.
func (q *request) setBody(b *validate.Body, v any) bool {
	kind := b.Type
	switch {
	case strings.HasPrefix(kind, "multipart/"):
		return q.setMultipart(b, v)
	case kind == "application/x-www-form-urlencoded":
		return q.setForm(b, v)
	case strings.Contains(kind, "xml") || strings.Contains(kind, "*"):
		return false
	case validate.IsJSON(kind):
		q.body = []byte(jsonText(v))
	default:
		q.body = []byte(text(v))
	}
	q.contentType = kind
	for _, name := range slices.Sorted(maps.Keys(b.Parameters)) {
		q.contentType += "; " + name + "=" + b.Parameters[name]
	}
	return true
}

func (q *request) setForm(b *validate.Body, v any) bool {
	members, ok := v.(map[string]any)
	if !ok {
		return false
	}
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(members)) {
		p := &validate.Parameter{In: "query", Name: name, Style: "form", Explode: true}
		if e := b.Encoding[name]; e != nil && e.Style != "" {
			p.Style, p.Explode = e.Style, e.Explode
		} else if _, isObject := members[name].(map[string]any); isObject {
			p.Content = "application/json"
		}
		pairs = append(pairs, queryText(p, members[name])...)
	}
	q.contentType, q.body = b.Type, []byte(strings.Join(pairs, "&"))
	return true
}

func (q *request) setMultipart(b *validate.Body, v any) bool {
	members, ok := v.(map[string]any)
	if !ok || b.Type != "multipart/form-data" {
		return false
	}
	var data bytes.Buffer
	w := multipart.NewWriter(&data)
	for _, name := range slices.Sorted(maps.Keys(members)) {
		items, isList := members[name].([]any)
		if !isList {
			items = []any{members[name]}
		}
		for _, item := range items {
			if !writePart(w, b.Encoding[name], name, item) {
				return false
			}
		}
	}
	if w.Close() != nil {
		return false
	}
	q.contentType, q.body = w.FormDataContentType(), data.Bytes()
	return true
}

func writePart(w *multipart.Writer, e *validate.Encoding, name string, v any) bool {
	head := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`}}
	if _, isObject := v.(map[string]any); isObject {
		head.Set("Content-Type", "application/json")
	}
	if e != nil && len(e.Types) > 0 {
		head.Set("Content-Type", strings.Replace(e.Types[0], "*", "png", 1))
	}
	part, err := w.CreatePart(head)
	if err == nil {
		_, err = part.Write([]byte(text(v)))
	}
	return err == nil
}
