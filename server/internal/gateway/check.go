package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"slices"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pace"
)

// check validates a request against its operation.
func (x *exchange) check(found *match) (*http.Request, *graph.Problem) {
	rt := x.route
	carries := x.carriesBody()
	body, contentType, err := x.declaredBody(carries)
	if err != nil {
		p, v := problemOf(err), violation{kind: policy.MediaType, in: "header", keyword: "mediaType"}
		if len(p.Faults) > 0 {
			v.name = p.Faults[0].Name
		}
		if x.judge(v) {
			return nil, p
		}
	}
	if refusal := x.judgeSpots(rt.spots, body); refusal != nil {
		return nil, refusal
	}
	if len(rt.types) == 0 && carries && !x.gate.config.Contract.Graph && x.judge(violation{kind: policy.MediaType, keyword: "content"}) {
		return nil, graph.UnexpectedBody()
	}
	hasBody := len(rt.types) > 0 && (rt.BodyRequired || carries)
	whole, refusal := x.readBody(hasBody)
	if refusal == nil {
		refusal = x.checkParameters(found)
	}
	if refusal != nil {
		return nil, refusal
	}
	if x.isAmbiguous(found) && x.judge(violation{kind: policy.Path, in: "path"}) {
		return nil, x.noRoute()
	}
	if whole && body != nil {
		if refusal := x.judgeBody(x.checkContent(body, contentType, x.body.Bytes(), true)); refusal != nil {
			return nil, refusal
		}
		if refusal := x.checkFurther(found); refusal != nil {
			return nil, refusal
		}
	}
	switch {
	case !x.original && rt.enforces:
		return x.rebuilt(found, hasBody), nil
	case hasBody && !whole:
		return x.asCame(x.passRest()), nil
	case hasBody:
		return x.asCame(x.withBody(x.body.Raw())), nil
	}
	return x.asCame(x.request), nil
}

// readBody reads the body if there is one, and reports whether it is complete.
func (x *exchange) readBody(hasBody bool) (bool, *graph.Problem) {
	if !hasBody {
		return false, nil
	}
	err := x.body.Read(x.request, x.gate.config.Contract.MaxBody)
	if err == nil {
		return true, nil
	}
	p, kind := problemOf(err), policy.Malformed
	switch p.Status {
	case http.StatusServiceUnavailable: // the budget is exhausted
		if x.route.enforces {
			return false, p
		}
		x.gate.config.Metrics.skipped(x, policy.Requests, skippedMemory)
		x.original = true
		return false, nil
	case http.StatusRequestEntityTooLarge:
		kind = policy.Size
	case http.StatusBadRequest:
		p = x.words().Malformed(false)
	}
	if x.judge(violation{kind: kind, keyword: kind.String()}) {
		return false, p
	}
	x.original = true
	return false, nil
}

// checkFurther checks a valid body against the rules that the document cannot express.
func (x *exchange) checkFurther(found *match) *graph.Problem {
	further := x.gate.config.Contract.Further
	if further == nil || x.original {
		return nil
	}
	f, problem := further(x.route.Operation, found.values, x.body.Bytes())
	if problem != nil && x.judge(violation{kind: policy.KindOf(f.Keyword), pointer: f.Pointer, name: f.Name, keyword: f.Keyword}) {
		return problem
	}
	return nil
}

// carriesBody reports whether the request has a body. A chunked or HTTP/2 body may be empty: if that matters, carriesBody
// waits for the first byte.
func (x *exchange) carriesBody() bool {
	r := x.request
	if r.ContentLength >= 0 || x.route.BodyRequired || x.gate.config.Contract.Graph {
		return r.ContentLength != 0 || len(r.TransferEncoding) > 0
	}
	first := make([]byte, 1)
	n, err := io.ReadFull(r.Body, first)
	if n == 0 {
		return !errors.Is(err, io.EOF)
	}
	x.request = new(http.Request)
	*x.request = *r
	x.request.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(first), r.Body), r.Body}
	return true
}

// judgeSpots returns the problem of the first place that cannot be judged, if the policy refuses such requests.
func (x *exchange) judgeSpots(spots []validate.Spot, body *validate.Body) *graph.Problem {
	if body != nil {
		spots = slices.Concat(spots, body.Spots)
	}
	for _, spot := range spots {
		if x.judge(violation{kind: policy.NotJudged, pointer: spot.Pointer, keyword: "not-judged", reason: spot.Reason}) {
			return notJudged()
		}
	}
	return nil
}

// notJudged returns the problem of a request to which an unsupported part of the contract applies.
func notJudged() *graph.Problem {
	return &graph.Problem{
		Status: http.StatusNotImplemented, Code: "NotImplemented",
		Message: "The gateway cannot check this request: the contract describes it in a way that is not supported.",
	}
}

// declaredBody returns the contract's body for the request's media type, and its Content-Type. It returns nil if the
// operation has no body, or if an optional body is absent.
func (x *exchange) declaredBody(carries bool) (*validate.Body, string, error) {
	r, rt := x.request, x.route
	if x.gate.config.Contract.Graph {
		media, err := graph.Negotiate(r.Method, r.Header, rt.types)
		if err != nil || media == "" {
			return nil, "", err
		}
		return rt.RequestBody(media), media, nil
	}
	if len(rt.types) == 0 || !rt.BodyRequired && !carries {
		return nil, "", nil
	}
	types, encodings := r.Header["Content-Type"], r.Header["Content-Encoding"]
	switch {
	case len(types) > 1:
		return nil, "", graph.BadField("Content-Type", "repeated", "was sent more than once")
	case len(encodings) > 1:
		return nil, "", graph.BadField("Content-Encoding", "repeated", "was sent more than once")
	}
	contentType := r.Header.Get("Content-Type")
	body := rt.RequestBody(contentType)
	if body == nil {
		return nil, "", graph.UnsupportedMediaType(r.Method, rt.types)
	}
	return body, contentType, graph.CheckEncoding(r.Header.Get("Content-Encoding"))
}

func (x *exchange) checkParameters(found *match) *graph.Problem {
	r := x.request
	header := r.Header
	if x.gate.config.Contract.Graph && len(header["Client-Request-Id"]) > 1 {
		header = header.Clone()
		graph.JoinRequestNames(header)
	}
	faults := x.route.CheckParameters(pace.Context(r), found.values, r.URL.RawQuery, header)
	if faults == nil {
		return nil
	}
	if faults.Interrupted {
		return graph.Unavailable(r.Context().Err())
	}
	var refusal *graph.Problem
	for i := range faults.List {
		f := &faults.List[i]
		if x.preflight != nil && f.In == "header" {
			continue // the request has none of its fields
		}
		refused := x.judge(violation{kind: policy.Parameter, in: f.In, name: f.Name, keyword: f.Keyword})
		if !refused {
			continue
		}
		problem := x.words().OfParameter(f)
		if refusal == nil {
			refusal = problem
		} else {
			refusal.Faults = append(refusal.Faults, problem.Faults...)
		}
	}
	return refusal
}

// largeBody is the length in bytes above which concurrent checks are limited to the number of processors: a check takes up
// to 16 times the body's length in memory.
const largeBody = 64 << 10

var largeChecks = make(chan struct{}, runtime.GOMAXPROCS(0))

// checkContent checks a body of a request or a response. If wait is true, a large one waits for a slot.
func (x *exchange) checkContent(body *validate.Body, contentType string, data []byte, wait bool) *validate.Faults {
	ctx := pace.Context(x.request)
	if len(data) >= largeBody {
		if !enterLarge(ctx, wait) {
			return &validate.Faults{Interrupted: true}
		}
		defer func() { <-largeChecks }()
	}
	return body.CheckContent(ctx, contentType, data)
}

// enterLarge acquires a slot for checking a large body and reports whether it got one. If wait is true, it waits.
func enterLarge(ctx context.Context, wait bool) bool {
	select {
	case largeChecks <- struct{}{}:
		return true
	default:
	}
	if !wait {
		return false
	}
	select {
	case largeChecks <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// judgeBody returns the problem of the body's enforced faults.
func (x *exchange) judgeBody(faults *validate.Faults) *graph.Problem {
	switch {
	case faults == nil:
		return nil
	case faults.Interrupted:
		return graph.Unavailable(x.request.Context().Err())
	case faults.Malformed:
		problem := x.words().Malformed(faults.Empty)
		if x.judge(violation{kind: policy.Malformed, keyword: problem.Faults[0].Keyword}) {
			return problem
		}
		return nil
	}
	var enforced []validate.Fault
	for _, f := range faults.List {
		if x.judge(violation{kind: policy.KindOf(f.Keyword), in: f.In, pointer: f.Pointer, name: f.Name, keyword: f.Keyword}) {
			enforced = append(enforced, f)
		}
	}
	if len(enforced) == 0 {
		return nil
	}
	return x.words().OfBody(enforced)
}
