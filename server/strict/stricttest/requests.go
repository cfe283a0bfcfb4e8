package stricttest

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/mock/sample"
)

// validRequests returns a request for each example of each body, or a single one. Parameters have their first example.
func (r *runner) validRequests() []*request {
	base := &request{method: r.operation.Method, header: http.Header{}}
	for _, name := range validate.TemplateParameters(r.operation.Path) {
		i := slices.IndexFunc(r.operation.Parameters, func(p *validate.Parameter) bool { return p.In == "path" && p.Name == name })
		if i < 0 {
			base.path = append(base.path, "x")
		} else if !r.addParameter(base, r.operation.Parameters[i]) {
			return nil
		}
	}
	for _, p := range r.operation.Parameters {
		if p.In != "path" && !r.addParameter(base, p) {
			return nil
		}
	}
	all := r.withBodies(base)
	if len(all) == 0 && !r.operation.BodyRequired {
		all = []*request{base}
	}
	return slices.DeleteFunc(all, func(q *request) bool {
		valid := r.isValid(q)
		if !valid {
			r.Logf("%s: the document forbids its own example, or one that was made from it: %s", q, q.body)
		}
		return !valid
	})
}

// addParameter adds the first example of a parameter, or a generated value if it is required. It returns false if there is
// no value.
func (r *runner) addParameter(q *request, p *validate.Parameter) bool {
	texts := textsOf(r.ParameterExamples(p))
	if len(texts) == 0 && p.Schema != nil {
		texts = textsOf(r.SchemaExamples(p.Schema))
	}
	if len(texts) == 0 && p.Required {
		texts = r.made(p.Schema)
	}
	if len(texts) == 0 {
		return !p.Required
	}
	v, err := decode(texts[0])
	return err == nil && q.add(p, v) == nil
}

// withBodies returns a request for each example of each body. A body without an example gets a generated value.
func (r *runner) withBodies(base *request) []*request {
	var all []*request
	for _, b := range r.operation.Request {
		texts := textsOf(r.BodyExamples(b))
		if len(texts) == 0 {
			texts = r.made(b.Schema)
		}
		for _, text := range texts {
			q := base.clone()
			if v, err := decode(text); err == nil && q.setBody(b, v) {
				all = append(all, q)
			}
		}
	}
	return all
}

// made returns a value that satisfies the schema, or nil. It prefers the document's examples for parts of it.
func (r *runner) made(s *validate.Schema) []string {
	given := func(s *validate.Schema) []string { return textsOf(r.SchemaExamples(s)) }
	value, ok := sample.New(s).Make(r.Context(), rand.New(rand.NewPCG(1, 1)), s, sample.Options{Given: given})
	if !ok {
		return nil
	}
	return []string{string(value)}
}

func textsOf(examples []spec.Example) []string {
	var texts []string
	for _, e := range examples {
		texts = append(texts, e.JSON)
	}
	return texts
}

// wrongBodies are texts for JSON and form bodies, and wrongValues are values for parameters. The document decides which of
// them it forbids.
var (
	wrongBodies = []string{"{", "", "null", "[]", "{}", `"x"`, "0", `{"\u0000":0}`, "a=%zz", "--x\r\n"}
	wrongValues = []string{"%00", "-1", "x", "1e99999", strings.Repeat("y", 5000)}
)

// invalidRequests returns requests with one error each, by the place of the error.
func (r *runner) invalidRequests(valid *request) map[string]*request {
	all := map[string]*request{}
	add := func(name string, change func(q *request)) {
		q := valid.clone()
		if change(q); !r.isValid(q) {
			all[name] = q
		}
	}
	for i := range valid.path {
		for _, wrong := range wrongValues {
			add("path "+wrong[:min(len(wrong), 9)], func(q *request) { q.path[i] = wrong })
		}
	}
	for _, p := range r.operation.Parameters {
		for _, wrong := range wrongValues {
			add(p.In+" "+p.Name+" "+wrong[:min(len(wrong), 9)], func(q *request) { q.replace(p, wrong) })
		}
	}
	if valid.contentType == "" {
		return all
	}
	for _, wrong := range wrongBodies {
		add("body "+wrong, func(q *request) { q.body = []byte(wrong) })
	}
	add("Content-Type", func(q *request) { q.contentType = "application/x-unknown" })
	return all
}

// replace sets a parameter of the query or the header to a value as sent.
func (q *request) replace(p *validate.Parameter, value string) {
	switch p.In {
	case "query":
		name := escape(p.Name) + "="
		q.query = append(slices.DeleteFunc(q.query, func(pair string) bool { return strings.HasPrefix(pair, name) }), name+value)
	case "header":
		q.header[http.CanonicalHeaderKey(p.Name)] = []string{value}
	}
}

func (q *request) clone() *request {
	c := *q
	c.path, c.query, c.header, c.body = slices.Clone(q.path), slices.Clone(q.query), maps.Clone(q.header), bytes.Clone(q.body)
	return &c
}
