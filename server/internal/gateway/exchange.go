package gateway

import (
	"bytes"
	"net/http"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/form"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// exchange is one request and its response on their way through the gate. It is the [http.ResponseWriter] that the next
// handler gets: it holds a response that could be refused until it is complete.
type exchange struct {
	gate      *Gate
	writer    http.ResponseWriter
	request   *http.Request // as it came
	route     *route        // nil if no operation has it
	resource  *resource     // nil if no path of the contract is the request's
	values    []string      // of the path's parameters, escaped
	preflight *route        // the operation for which a browser asks before it sends the request; nil otherwise
	before    http.Header   // what somebody in front has put into the response; nil if nothing
	start     time.Time
	identity  graph.Identity // zero until somebody asks for it

	body     graph.Body // of the request, if it was read
	lent     *bytesBody // what the next handler reads of it
	closes   bool       // the connection is not used for another request
	asItCame bool       // the request breaks a rule that is not enforced
	found    []violation

	status   int  // 0 until the response begins
	checked  bool // the response is held against the contract
	holding  bool
	watching bool          // the response goes out as it comes and is checked at its end
	held     *bytes.Buffer // what was written while holding or watching
	taken    int           // of the budget, for held
	refused  bool          // the response was: nothing more of it counts

	refusal     string // the code of the problem with which the request was refused
	whole       bool   // the response did not break off
	alias       bool   // enforcing would refuse the path, which leads some readers to an operation
	wouldAnswer bool   // enforcing would answer the request here

	span trace.Span // nil if nothing is traced

	// For the access line.
	passing    bool // the next handler has the request
	returned   bool // and has returned
	failed     bool // and gave no whole response
	violations int
	client     string // the application that the token names
	passedAt   time.Time
	waited     time.Duration // until the response began
	counted    *countedBody  // of a request that was not read here
	bytesOut   int64
}

// named returns when the request came and what it is called.
func (x *exchange) named() *graph.Identity {
	if x.identity.Start.IsZero() {
		x.identity = graph.Identify(x.request.Header, x.start)
	}
	return &x.identity
}

// operation is the name of the operation; "" if there is none.
func (x *exchange) operation() string {
	if x.route == nil {
		return ""
	}
	return x.route.ID
}

// rules are those of the operation, or those of what no operation has.
func (x *exchange) rules(d policy.Direction) *policy.Rules {
	if x.route == nil {
		return &x.gate.unknown[d]
	}
	return &x.route.rules[d]
}

// judge records a violation, and reports whether it must be refused.
func (x *exchange) judge(v violation) bool {
	mode := x.rules(v.direction)[v.kind]
	if mode == policy.Off {
		x.asItCame = true
		return false
	}
	x.violations++
	v.refused = mode == policy.Enforce
	v.would, v.operation = x.wouldRefuse(&v), x.operation()
	x.gate.record(x, &v)
	if !v.refused {
		x.asItCame = true
	}
	x.found = append(x.found, v)
	return v.refused
}

// answer answers with a problem in the place of the next handler. All responses of the gate's own with a body are made here.
func (x *exchange) answer(p *graph.Problem) {
	x.setCommonHeader(p.Header)
	buf := graph.NewBuffer()
	defer graph.FreeBuffer(buf)
	body, mediaType := x.write(buf.AvailableBuffer(), p)
	buf.Write(body) // keeps what the body has grown to
	h := x.writer.Header()
	h["Content-Type"] = []string{mediaType}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	x.status = p.Status
	x.writer.WriteHeader(p.Status)
	if x.request.Method != http.MethodHead {
		_, _ = x.send(body) // the caller may be gone
	}
}

// write appends a problem in the form of the gate, and returns its media type.
func (x *exchange) write(buf []byte, p *graph.Problem) ([]byte, string) {
	f := x.gate.config.Errors
	body, err := f.Append(buf, p, x.named())
	if err != nil {
		x.gate.config.Log.Error("the error form failed: the response has the form of RFC 9457", "status", p.Status, "err", err)
		f = form.Problem()
		body, _ = f.Append(buf, p, x.named()) // cannot fail
	}
	return body, f.MediaType
}

// answerHead answers without a body.
func (x *exchange) answerHead(status int, fields ...graph.Field) {
	x.setCommonHeader(fields)
	x.status = status
	x.writer.WriteHeader(status)
}

// setCommonHeader sets the header fields that all answers of the gate's own have, and those of one of them.
func (x *exchange) setCommonHeader(fields []graph.Field) {
	x.setCORS()
	id, h := x.named(), x.writer.Header()
	h["request-id"], h["client-request-id"] = []string{id.RequestID.String()}, []string{id.ClientRequestID.String()}
	h["Cache-Control"], h["X-Content-Type-Options"] = []string{"no-store"}, []string{"nosniff"}
	if x.gate.config.Contract.Graph {
		h["OData-Version"] = []string{"4.0"}
	}
	for _, f := range fields {
		if f.Value != "" {
			h[f.Name] = []string{f.Value}
		}
	}
}

// drop frees what is held of the response.
func (x *exchange) drop() {
	if x.held == nil {
		return
	}
	x.gate.config.Budget.Give(x.taken)
	graph.FreeBuffer(x.held)
	x.held, x.taken = nil, 0
}

// end logs and counts the exchange, and frees what it holds.
func (x *exchange) end() {
	x.access()
	x.endSpan()
	if x.lent != nil {
		x.lent.end()
	}
	x.body.Release()
	x.drop()
	x.gate.config.Metrics.done(x)
	x.remember()
}
