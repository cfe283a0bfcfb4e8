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

// exchange is one request and its response in the gate. It is the [http.ResponseWriter] of the next handler: it holds a
// response that might be refused until it is complete.
type exchange struct {
	gate      *Gate
	writer    http.ResponseWriter
	request   *http.Request // as it was received
	route     *route        // nil if no operation matches
	resource  *resource     // nil if no path of the contract matches
	values    []string      // the escaped path parameters
	preflight *route        // the operation that a preflight asks for; nil otherwise
	before    http.Header   // response fields that a handler in front has set; nil if none
	start     time.Time
	identity  graph.Identity // zero until it is first needed

	body     graph.Body // of the request, if it was read
	lent     *bytesBody // the body that the next handler reads
	closes   bool       // the connection ends after this request
	original bool       // the request breaks a rule that is not enforced
	found    []violation

	status   int  // 0 until the response begins
	checked  bool // the response is validated
	holding  bool
	watching bool          // the response is forwarded as it arrives, and checked at its end
	held     *bytes.Buffer // written while holding or watching
	taken    int           // bytes of the budget for held
	refused  bool          // the response was refused: the rest of it is ignored

	refusal     string // the code of the request's refusal
	whole       bool   // the response is complete
	alias       bool   // enforcing would refuse the path, because other servers may find an operation there
	wouldAnswer bool   // enforcing would respond to the request here

	span trace.Span // nil if not traced

	// For the access line.
	passing    bool // the next handler has the request
	returned   bool // and has returned
	failed     bool // and gave no complete response
	violations int
	client     string // the application in the token
	passedAt   time.Time
	waited     time.Duration // until the response began
	counted    *countedBody  // a request body that was not read here
	bytesOut   int64
}

// named returns the request's time and ids.
func (x *exchange) named() *graph.Identity {
	if x.identity.Start.IsZero() {
		x.identity = graph.Identify(x.request.Header, x.start)
	}
	return &x.identity
}

// operation returns the name of the operation, or "".
func (x *exchange) operation() string {
	if x.route == nil {
		return ""
	}
	return x.route.ID
}

// rules returns the rules of the operation, or those for unknown operations.
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
		x.original = true
		return false
	}
	x.violations++
	v.refused = mode == policy.Enforce
	v.would, v.operation = x.wouldRefuse(&v), x.operation()
	x.gate.record(x, &v)
	if !v.refused {
		x.original = true
	}
	x.found = append(x.found, v)
	return v.refused
}

// answer responds with a problem instead of the next handler. It writes all of the gate's own responses that have a body.
func (x *exchange) answer(p *graph.Problem) {
	x.setCommonHeader(p.Header)
	buf := graph.NewBuffer()
	defer graph.FreeBuffer(buf)
	body, mediaType := x.write(buf.AvailableBuffer(), p)
	buf.Write(body) // keep the grown buffer
	h := x.writer.Header()
	h["Content-Type"] = []string{mediaType}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	x.status = p.Status
	x.writer.WriteHeader(p.Status)
	if x.request.Method != http.MethodHead {
		_, _ = x.send(body) // the client may be gone
	}
}

// write appends a problem in the gate's form, and returns its media type.
func (x *exchange) write(buf []byte, p *graph.Problem) ([]byte, string) {
	f := x.gate.config.Errors
	body, err := f.Append(buf, p, x.named())
	if err != nil {
		x.gate.config.Log.Error("the error form failed: the response has the form of RFC 9457", "status", p.Status, "err", err)
		f = form.Problem()
		body, _ = f.Append(buf, p, x.named()) // it cannot fail
	}
	return body, f.MediaType
}

// answerHead responds without a body.
func (x *exchange) answerHead(status int, fields ...graph.Field) {
	x.setCommonHeader(fields)
	x.status = status
	x.writer.WriteHeader(status)
}

// setCommonHeader sets the header fields of all the gate's own responses, and the given ones.
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

// drop frees the held part of the response.
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
