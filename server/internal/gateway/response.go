package gateway

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/stream"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pace"
)

// errRefused ends writes to a response that was refused.
var errRefused = errors.New("the response was refused")

// errBegun refuses Hijack after the response has begun.
var errBegun = errors.New("the response has begun: the connection cannot be taken over")

// pass gives the request to the next handler. It holds the response if it might be refused or has addresses to replace, and
// watches it otherwise.
func (x *exchange) pass(next http.Handler, r *http.Request) {
	x.passing, x.passedAt = true, time.Now()
	r = x.countBody(r)
	x.checked = x.route != nil && !x.route.unchecked[policy.Responses]
	x.holding = x.mayRefuse() || x.readdresses()
	if x.holding {
		if x.complete(next, r) {
			x.finish()
		}
		return
	}
	x.watching = x.checked
	x.handOver(next, r)
	x.returned = true
	if x.status == 0 { // the handler wrote nothing
		x.begin(http.StatusOK)
	}
	if x.watching && !x.refused && x.hasBody() {
		x.checkBody(x.heldBytes())
	}
}

// mayRefuse reports whether any kind of violation refuses the response.
func (x *exchange) mayRefuse() bool {
	return x.checked && slices.Contains(x.route.rules[policy.Responses][:], policy.Enforce)
}

// complete runs the next handler and reports whether its response can still be forwarded. A response that breaks off while
// it is held is refused.
func (x *exchange) complete(next http.Handler, r *http.Request) (whole bool) {
	defer func() {
		v := recover()
		switch {
		case v == nil:
		case v == http.ErrAbortHandler && x.holding && !x.refused: //nolint:errorlint // panics are compared
			x.refuseResponse(BadAnswer())
			whole = false
		case v == http.ErrAbortHandler && x.refused: //nolint:errorlint // errRefused ended the writing
			x.returned, whole = true, false
		default:
			panic(v)
		}
	}()
	x.handOver(next, r)
	x.returned = true
	return x.holding && !x.refused
}

// BadAnswer is the problem of an upstream whose response violates the contract.
func BadAnswer() *graph.Problem {
	return &graph.Problem{
		Status: http.StatusBadGateway, Code: "BadGateway",
		Message: "The service behind the gateway gave no answer that its contract allows.",
	}
}

// uncheckable is the problem of a response that cannot be checked because the budget is exhausted.
func uncheckable() *graph.Problem {
	return &graph.Problem{
		Status: http.StatusBadGateway, Code: "BadGateway",
		Message: "The gateway is too busy to check the response. The service behind it has the request, and may have applied it.",
	}
}

// NoUpgrade is the problem of a request to switch to a protocol other than HTTP.
func NoUpgrade() *graph.Problem {
	return &graph.Problem{
		Status: http.StatusNotImplemented, Code: "NotImplemented",
		Message: "The gateway does not let connections change to another protocol, such as WebSocket. Its operator can allow it with --upgrade allow.",
	}
}

// BrokenAnswer is the problem of a request that was sent, at least partly, to an upstream that gave no response.
func BrokenAnswer() *graph.Problem {
	return &graph.Problem{
		Status: http.StatusBadGateway, Code: "BadGateway",
		Message: "The connection to the service behind the gateway broke. The outcome is unknown: the request was applied once or not at all.",
	}
}

// LateAnswer is the problem of a request that was sent to an upstream that did not respond in time.
func LateAnswer() *graph.Problem {
	return &graph.Problem{
		Status: http.StatusGatewayTimeout, Code: "GatewayTimeout",
		Message: "The service behind the gateway did not answer in time. The outcome is unknown: the request was applied once or not at all.",
	}
}

// Unsent is the problem of a request of which nothing was sent to the upstream.
func Unsent(cause error) *graph.Problem {
	return &graph.Problem{
		Status: http.StatusServiceUnavailable, Code: "ServiceUnavailable",
		Message: "The service behind the gateway cannot take the request now. Nothing was sent to it: retry after the time that 'Retry-After' names.",
		Header:  []graph.Field{{Name: "Retry-After", Value: "5"}}, Cause: cause,
	}
}

// refuseResponse responds with a problem instead of the held response.
func (x *exchange) refuseResponse(p *graph.Problem) {
	x.refused, x.holding = true, false
	// Here Connection comes from the next handler, never from the upstream. It closes the connection because the response
	// may overtake the request's body.
	closes := x.closes || isNamed(x.writer.Header()["Connection"], "close")
	clear(x.writer.Header())
	maps.Copy(x.writer.Header(), x.before)
	if closes {
		x.writer.Header()["Connection"] = []string{"close"}
	}
	x.status = 0
	x.answer(p)
}

// Header returns the header fields of the response.
func (x *exchange) Header() http.Header { return x.writer.Header() }

// WriteHeader begins the response.
func (x *exchange) WriteHeader(status int) {
	switch {
	case x.refused || x.status != 0:
	case status == http.StatusSwitchingProtocols:
		if x.switchProtocols() == nil {
			x.writer.WriteHeader(status)
		}
	case status < 200:
		if !x.mayRefuse() { // otherwise it is unchecked
			x.writer.WriteHeader(status)
		}
	case !x.holding:
		x.begin(status)
		x.writer.WriteHeader(status)
	default:
		x.begin(status)
	}
}

func (x *exchange) begin(status int) {
	x.wait()
	x.status = status
	if x.checked {
		x.checkHead()
	}
	if !x.refused {
		x.setCORS()
	}
	if (x.holding || x.watching) && x.hasBody() && stream.Is(x.Header().Get("Content-Type")) {
		x.flow()
	}
}

// flow forwards a stream as it arrives, if the contract has its media type. Its messages are not checked.
func (x *exchange) flow() {
	described := x.route.Response(x.status)
	if x.checked && described != nil && (len(x.Header()["Content-Type"]) > 1 || described.Body(x.Header().Get("Content-Type")) == nil) &&
		x.judge(undescribedType) {
		x.refuseResponse(BadAnswer())
		return
	}
	x.gate.config.Metrics.skipped(x, policy.Responses, skippedStream)
	x.watching = false
	if x.holding {
		x.release()
	}
}

// undescribedType is the violation of a response whose media type the contract does not have.
var undescribedType = violation{direction: policy.Responses, kind: policy.MediaType, in: "header", name: "Content-Type", keyword: "mediaType"}

// checkHead checks the status and the header of a response.
func (x *exchange) checkHead() {
	if x.route.Response(x.status) == nil && !x.isConditional() {
		if x.judge(violation{direction: policy.Responses, kind: policy.Status, name: strconv.Itoa(x.status), keyword: "responses"}) {
			x.refuseResponse(BadAnswer())
			return
		}
	}
	if !x.checkFields() {
		x.refuseResponse(BadAnswer())
		return
	}
	if n, err := strconv.Atoi(x.Header().Get("Content-Length")); err == nil && n > x.gate.config.MaxResponse && x.hasBody() {
		x.tooLarge()
	}
}

// checkFields reports whether the header fields of a response may pass.
func (x *exchange) checkFields() bool {
	described := x.route.Response(x.status)
	if described == nil {
		return true // its status was already judged
	}
	ok := true
	judge := func(v violation) {
		v.direction, v.kind, v.in = policy.Responses, cmp.Or(v.kind, policy.Header), "header"
		refused := x.judge(v)
		ok = ok && !refused
	}
	for _, h := range described.Headers {
		if h.Spot != nil && hasField(x.Header(), h.Name) {
			judge(violation{kind: policy.NotJudged, name: h.Name, pointer: h.Spot.Pointer, keyword: "not-judged", reason: h.Spot.Reason})
		}
	}
	switch faults := described.CheckHeader(pace.Context(x.request), x.Header()); {
	case faults == nil:
	case faults.Interrupted:
		return false
	default:
		for _, f := range faults.List {
			if f.Keyword != "required" || x.request.Method != http.MethodHead { // HEAD may omit it (RFC 9110 §9.3.2)
				judge(violation{name: f.Name, keyword: f.Keyword})
			}
		}
	}
	return ok
}

// hasField reports whether the header has the field. Names are case-insensitive (RFC 9110 §5.1).
func hasField(header http.Header, name string) bool {
	for field := range header {
		if strings.EqualFold(field, name) {
			return true
		}
	}
	return false
}

// isConditional reports whether HTTP itself gives this status to conditional and range requests, whatever the contract says
// (RFC 9110 §13.2 and §14.2).
func (x *exchange) isConditional() bool {
	switch x.status {
	case http.StatusNotModified, http.StatusPartialContent, http.StatusPreconditionFailed, http.StatusRequestedRangeNotSatisfiable:
		return x.request.Method == http.MethodGet || x.request.Method == http.MethodHead
	}
	return false
}

// isWhole reports whether the response is complete. A part cannot be validated (RFC 9110 §14).
func (x *exchange) isWhole() bool {
	return x.status != http.StatusPartialContent || x.request.Method != http.MethodGet
}

// hasBody reports whether the response can have a body (RFC 9110 §6.4.1).
func (x *exchange) hasBody() bool {
	return x.request.Method != http.MethodHead && x.status != http.StatusNoContent && x.status != http.StatusNotModified
}

// tooLarge stops holding or watching a response above MaxResponse.
func (x *exchange) tooLarge() {
	switch {
	case x.judge(violation{direction: policy.Responses, kind: policy.Size, keyword: "maxLength"}):
		x.refuseResponse(BadAnswer())
	case x.watching:
		x.watching = false
		x.drop()
	default:
		x.release()
	}
}

// release forwards what was held, and the rest as it arrives.
func (x *exchange) release() {
	x.holding = false
	x.writer.WriteHeader(x.status)
	if held := x.heldBytes(); held != nil {
		_, _ = x.send(held) // the client may be gone
	}
	x.drop()
}

// Write adds to the body of the response.
func (x *exchange) Write(p []byte) (int, error) {
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
	if (x.holding || x.watching) && x.hasBody() && len(x.heldBytes())+len(p) > x.gate.config.MaxResponse {
		x.tooLarge()
	}
	switch {
	case x.refused:
		return 0, errRefused
	case !x.holding:
		n, err := x.send(p)
		if x.watching = x.watching && err == nil; x.watching && !x.hold(p) { // otherwise the rest of it is unknown
			x.unwatch()
		}
		return n, err
	}
	if !x.hold(p) {
		return x.writeUnheld(p)
	}
	return len(p), nil
}

// hold keeps a piece of the response, and reports whether the budget allows it.
func (x *exchange) hold(p []byte) bool {
	if !x.gate.config.Budget.Take(len(p)) {
		return false
	}
	x.taken += len(p)
	if x.held == nil {
		x.held = graph.NewBuffer()
	}
	x.held.Write(p)
	return true
}

// writeUnheld forwards a response that exceeds the budget, unless it must be checked.
func (x *exchange) writeUnheld(p []byte) (int, error) {
	if x.mayRefuse() {
		x.refuseResponse(uncheckable())
		return 0, errRefused
	}
	x.gate.config.Metrics.skipped(x, policy.Responses, skippedMemory)
	x.release()
	return x.send(p)
}

// unwatch stops watching a response that exceeds the budget.
func (x *exchange) unwatch() {
	x.watching = false
	x.drop()
	x.gate.config.Metrics.skipped(x, policy.Responses, skippedMemory)
}

func (x *exchange) heldBytes() []byte {
	if x.held == nil {
		return nil
	}
	return x.held.Bytes()
}

// finish checks a complete response, and forwards or refuses it.
func (x *exchange) finish() {
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
		if x.refused {
			return
		}
	}
	body := x.heldBytes()
	coded := x.checked && x.isWhole() && x.route.Response(x.status) != nil && x.mustSeeResponse() && len(x.codings()) > 0
	maps.DeleteFunc(x.Header(), func(name string, _ []string) bool { return strings.HasPrefix(name, http.TrailerPrefix) }) // trailers are not checked
	if x.hasBody() {
		plain, ok := body, true
		if x.checked {
			plain, ok = x.checkBody(body)
		}
		if !ok {
			x.refuseResponse(BadAnswer())
			return
		}
		if coded {
			body = plain // forward what was checked
		}
	}
	if coded {
		x.uncode()
	}
	if x.hasBody() {
		body = x.readdress(body)
		x.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	x.holding = false
	x.writer.WriteHeader(x.status)
	if len(body) > 0 && x.hasBody() {
		_, _ = x.send(body) // the client may be gone
	}
}

// checkBody returns the body without its codings, and reports whether it may pass.
func (x *exchange) checkBody(body []byte) (plain []byte, ok bool) {
	defer func() {
		if v := recover(); v != nil { // a check panicked: its verdict is unknown
			x.gate.config.Log.Error("panic", "operation", x.operation(), "err", fmt.Sprint(v), "stack", string(debug.Stack()))
			plain, ok = nil, false
		}
	}()
	described := x.route.Response(x.status)
	if described == nil || !x.isWhole() {
		return body, true // its status was already judged
	}
	plain, err := x.plain(body)
	if err != nil {
		return body, !x.judge(violation{direction: policy.Responses, kind: policy.MediaType, in: "header", name: "Content-Encoding", keyword: "encoding"})
	}
	if len(described.Bodies) == 0 {
		return plain, len(body) == 0 || !x.judge(violation{direction: policy.Responses, kind: policy.MediaType, keyword: "content"})
	}
	var declared *validate.Body
	types := x.Header()["Content-Type"]
	if len(types) == 1 {
		declared = described.Body(types[0])
	}
	if declared == nil {
		return plain, !x.judge(undescribedType)
	}
	return plain, x.judgeAnswer(declared, types[0], plain)
}

// judgeAnswer reports whether the content of a response may pass.
func (x *exchange) judgeAnswer(declared *validate.Body, contentType string, plain []byte) bool {
	ok := true
	judge := func(v violation) {
		v.direction = policy.Responses
		refused := x.judge(v)
		ok = ok && !refused
	}
	for _, spot := range declared.Spots {
		judge(violation{kind: policy.NotJudged, pointer: spot.Pointer, keyword: "not-judged", reason: spot.Reason})
	}
	faults := x.checkContent(declared, contentType, plain, x.mayRefuse())
	switch {
	case faults == nil:
	case faults.Interrupted:
		if x.mayRefuse() {
			return false
		}
		x.gate.config.Metrics.skipped(x, policy.Responses, skippedMemory)
	case faults.Empty:
		judge(violation{kind: policy.Malformed, keyword: "empty"})
	case faults.Malformed:
		judge(violation{kind: policy.Malformed, keyword: "malformed"})
	default:
		for _, f := range faults.List {
			judge(violation{kind: policy.KindOf(f.Keyword), pointer: f.Pointer, name: f.Name, keyword: f.Keyword})
		}
	}
	return ok
}

// Flush flushes a response that is not held.
func (x *exchange) Flush() {
	if !x.holding && !x.refused {
		if x.status == 0 {
			x.WriteHeader(http.StatusOK) // the flush would do this past the gate
		}
		_ = http.NewResponseController(x.writer).Flush() // an error means that the writer cannot flush
	}
}

// Hijack hands the connection to the next handler for another protocol, as a response of 101, which must pass. The content
// of the connection is not checked.
func (x *exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if err := x.switchProtocols(); err != nil {
		return nil, nil, err
	}
	return http.NewResponseController(x.writer).Hijack()
}

// switchProtocols begins a response of 101, if the contract has it or the policy does not hold responses.
func (x *exchange) switchProtocols() error {
	if x.status == 0 && !x.refused {
		x.begin(http.StatusSwitchingProtocols)
	}
	switch {
	case x.refused:
		return errRefused
	case x.status != http.StatusSwitchingProtocols:
		return errBegun
	case x.mayRefuse() && !x.describesUpgrade():
		x.refuseResponse(BadAnswer())
		return errRefused
	}
	if x.checked {
		x.gate.config.Metrics.skipped(x, policy.Responses, skippedUpgrade)
	}
	x.holding, x.watching = false, false
	return nil
}

// describesUpgrade reports whether the contract has the status 101 for the operation.
func (x *exchange) describesUpgrade() bool {
	described := x.route.Response(http.StatusSwitchingProtocols)
	return described != nil && described.Status != "default"
}

// Push pushes a resource, which passes the gate like any request.
func (x *exchange) Push(target string, o *http.PushOptions) error {
	if p, ok := x.writer.(http.Pusher); ok {
		return p.Push(target, o)
	}
	return http.ErrNotSupported
}

// EnableFullDuplex, SetReadDeadline and SetWriteDeadline serve [http.ResponseController]. There is no Unwrap, because with
// it a handler could write past the gate.
func (x *exchange) EnableFullDuplex() error {
	return http.NewResponseController(x.writer).EnableFullDuplex()
}

// SetReadDeadline sets the deadline for reading the request.
func (x *exchange) SetReadDeadline(t time.Time) error {
	return http.NewResponseController(x.writer).SetReadDeadline(t)
}

// SetWriteDeadline sets the deadline for writing the response.
func (x *exchange) SetWriteDeadline(t time.Time) error {
	return http.NewResponseController(x.writer).SetWriteDeadline(t)
}

// Fail responds in the next handler's place to a request that it cannot serve. w must come from a gate. If part of the
// response is already written, Fail writes nothing.
func Fail(w http.ResponseWriter, p *graph.Problem) {
	if x, ok := w.(*exchange); ok {
		x.failed = true
		x.wait()
		if x.holding || x.status == 0 {
			x.refuseResponse(p)
		}
		return
	}
	http.Error(w, p.Message, p.Status)
}
