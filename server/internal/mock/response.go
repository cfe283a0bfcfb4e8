package mock

import (
	"context"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/internal/mock/sample"
)

// choice selects a response of an operation and determines its bytes.
type choice struct {
	status    int
	body      *validate.Body // nil if there is none
	mediaType string
	example   string
}

// answer is a complete response. It is immutable.
type answer struct {
	status  int
	header  http.Header
	body    []byte
	problem *graph.Problem // replaces the response
}

// send writes the response.
func (a *answer) send(w http.ResponseWriter) {
	if a.problem != nil {
		gateway.Refuse(w, a.problem)
		return
	}
	h := w.Header()
	for name, values := range a.header {
		h[name] = values
	}
	if a.body != nil {
		h["Content-Length"] = []string{strconv.Itoa(len(a.body))}
	}
	w.WriteHeader(a.status)
	if len(a.body) > 0 {
		_, _ = w.Write(a.body) // the client may be gone, or has sent HEAD
	}
}

// choose selects the response to a request, without generating it.
func (o *operation) choose(r *http.Request, wanted preferences) (*validate.Response, choice, error) {
	response, status, err := o.response(wanted.code)
	if err != nil {
		return nil, choice{}, err
	}
	c := choice{status: status, example: wanted.example}
	if len(response.Bodies) > 0 && hasBody(status) {
		if c.body, c.mediaType = negotiate(response.Bodies, r.Header["Accept"]); c.body == nil {
			return nil, choice{}, notAcceptable(response.Bodies)
		}
	}
	return response, c, nil
}

// prepare returns a response. Responses that do not vary are generated once.
func (m *Mock) prepare(ctx context.Context, o *operation, response *validate.Response, c choice, dynamic bool) *answer {
	if dynamic {
		return m.make(ctx, response, c, m.fresh(), true)
	}
	if known, ok := o.answers.Load(c); ok {
		return known.(*answer)
	}
	// The response is shared, so a client that leaves must not cancel it.
	made := m.make(context.WithoutCancel(ctx), response, c, m.random(o.ID, strconv.Itoa(c.status), c.mediaType), false)
	if c.example == "" || made.problem == nil { // unknown names are unbounded
		o.answers.Store(c, made)
	}
	return made
}

// fresh returns a new random source for each call.
func (m *Mock) fresh() *rand.Rand { return rand.New(rand.NewPCG(m.config.Seed, m.made.Add(1))) }

// random returns a random source that depends only on the names.
func (m *Mock) random(names ...string) *rand.Rand {
	h := fnv.New64a()
	for _, name := range names {
		_, _ = h.Write([]byte(name + "\x00")) // it never fails
	}
	return rand.New(rand.NewPCG(m.config.Seed, h.Sum64()))
}

// response returns the response of a status. If the status is 0, it returns the operation's default choice.
func (o *operation) response(code int) (*validate.Response, int, error) {
	if code != 0 {
		if response := o.Response(code); response != nil {
			return response, code, nil
		}
		return nil, 0, unknownCode(code)
	}
	var best *validate.Response
	least := 600
	for _, response := range o.Responses {
		if rank := rank(response.Status); rank < least {
			best, least = response, rank
		}
	}
	if best == nil {
		return nil, 0, &graph.Problem{
			Status: http.StatusNotImplemented, Code: "NotImplemented", Message: "The document describes no response for this operation.",
		}
	}
	return best, statusOf(best.Status), nil
}

// rank orders responses: 2xx by status, 2XX, default, then the others in order.
func rank(status string) int {
	n, err := strconv.Atoi(status)
	switch {
	case err == nil && n/100 == 2:
		return n
	case strings.EqualFold(status, "2XX"):
		return 300
	case status == "default":
		return 301
	}
	return 302
}

// statusOf returns the status for a response of a class or the default response.
func statusOf(status string) int {
	if n, err := strconv.Atoi(status); err == nil {
		return n
	}
	if n, err := strconv.Atoi(status[:1]); err == nil {
		return n * 100
	}
	return http.StatusOK
}

// hasBody reports whether a response of the status may have a body (RFC 9110 §6.4.1).
func hasBody(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusResetContent && status != http.StatusNotModified
}

// make generates a response.
func (m *Mock) make(ctx context.Context, response *validate.Response, c choice, random *rand.Rand, vary bool) *answer {
	a := &answer{status: c.status, header: m.headers(ctx, response, random, vary)}
	if c.body == nil {
		if hasBody(c.status) {
			a.body = []byte{}
		}
		return a
	}
	a.body, a.problem = m.content(ctx, c, random, vary)
	a.header["Content-Type"] = []string{contentType(c.body, c.mediaType)}
	return a
}

// sampleOptions returns the options for generating values.
func (m *Mock) sampleOptions(vary bool) sample.Options {
	if vary {
		return sample.Options{Vary: true}
	}
	return sample.Options{Given: func(s *validate.Schema) []string {
		var list []string
		for _, e := range m.config.Document.SchemaExamples(s) {
			list = append(list, e.JSON)
		}
		return list
	}}
}
