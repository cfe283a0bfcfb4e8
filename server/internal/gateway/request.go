package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// admit checks the request, in the order in which the server does. It returns the request that is forwarded, or why there
// is none; neither if it was answered.
func (x *exchange) admit() (forward *http.Request, refusal *graph.Problem) {
	defer func() {
		if v := recover(); v != nil { // a check failed: what it would have said is not known
			x.gate.config.Log.Error("panic", "operation", x.operation(), "err", fmt.Sprint(v), "stack", string(debug.Stack()))
			forward, refusal = nil, graph.Internal(nil)
		}
	}()
	r := x.request
	if err := graph.LimitHeader(r.Header, x.gate.config.MaxHeader); err != nil && x.judge(violation{kind: policy.Size, in: "header", keyword: "maxLength"}) {
		return nil, problemOf(err)
	}
	found, answered, refusal := x.locate()
	if refusal != nil || answered {
		return nil, refusal
	}
	if x.preflight != nil {
		return x.forwardPreflight(&found, x.preflight)
	}
	if refusal := x.checkHeader(); refusal != nil {
		return nil, refusal
	}
	if refusal := x.authorize(); refusal != nil {
		return nil, refusal
	}
	if x.route == nil {
		return x.asCame(x.request), nil
	}
	if x.route.unchecked[policy.Requests] {
		return x.request, nil
	}
	return x.check(&found)
}

// locate finds the operation. It answers OPTIONS for the contract's paths, as HTTP servers do.
func (x *exchange) locate() (match, bool, *graph.Problem) {
	r, g := x.request, x.gate
	path := r.URL.EscapedPath()
	if g.config.Contract.Graph {
		path = graph.CanonicalPath(path)
	}
	found, ok := g.router.find(path)
	if !ok {
		if x.judge(violation{kind: policy.Path, in: "path"}) || r.Method == http.MethodConnect || r.Method == http.MethodTrace || x.isAlias(path) {
			return match{}, false, graph.NoRoute()
		}
		return match{}, x.preflighted(), nil
	}
	x.resource = found.resource
	rt := found.resource.route(r.Method)
	if x.preflighted() {
		return match{}, true, nil
	}
	if rt != nil {
		x.route = rt
		return found, false, nil
	}
	if x.preflight = found.resource.route(askedMethod(r)); x.preflight != nil {
		return found, false, nil
	}
	if r.Method == http.MethodOptions && g.unknown[policy.Requests][policy.Method] == policy.Enforce {
		x.options(found.resource)
		return match{}, true, nil
	}
	if r.Method != http.MethodOptions && x.judge(violation{kind: policy.Method, in: "path"}) || r.Method == http.MethodTrace {
		p := graph.MethodNotAllowed()
		p.Header = append(p.Header, graph.Field{Name: "Allow", Value: found.resource.allow})
		return match{}, false, p
	}
	return match{}, false, nil
}

// isAlias reports whether a path that leads nowhere here would lead a reader to an operation, past what is enforced for it
// or past its token.
func (x *exchange) isAlias(path string) bool {
	g := x.gate
	keys := func(s string) string { return s }
	if g.config.Contract.Graph {
		keys = graph.CanonicalPath
	}
	res := g.router.alias(path, keys)
	return res != nil && (g.config.Verifier != nil || res.enforces())
}

// isAmbiguous reports whether readers may take the path for another one: by dots, backslashes or control characters, or by
// an escaped slash that leads to another operation where it is one.
func (x *exchange) isAmbiguous(found *match) bool {
	if found.ambiguous || !found.slashes {
		return found.ambiguous
	}
	if x.gate.config.Contract.Graph {
		return true // no key has a slash
	}
	other := x.gate.router.alias(x.request.URL.EscapedPath(), func(s string) string { return s })
	return other != nil && other != found.resource
}

// options answers with the methods of a resource (RFC 9110 §9.3.7, RFC 5789 §3.1).
func (x *exchange) options(res *resource) {
	x.answerHead(http.StatusNoContent, graph.Field{Name: "Allow", Value: res.allow}, graph.Field{Name: "Accept-Patch", Value: res.patch})
}

// checkHeader refuses header fields that mean one thing here and another thing behind.
func (x *exchange) checkHeader() *graph.Problem {
	r := x.request
	if len(r.Header["Connection"]) > 0 {
		for _, name := range x.protected() {
			if !isNamed(r.Header["Connection"], name) {
				continue
			}
			if x.judge(violation{kind: policy.Header, in: "header", name: "Connection", keyword: "connection"}) {
				return graph.BadField("Connection", "connection", "names a header field that is not for this connection alone")
			}
			x.dropConnection()
			break
		}
	}
	if x.gate.config.Verifier == nil && len(r.Header["Authorization"]) > 1 &&
		x.judge(violation{kind: policy.Header, in: "header", name: "Authorization", keyword: "repeated"}) {
		return problemOf(auth.Repeated())
	}
	return nil
}

// dropConnection takes the Connection field out of the request, so that nobody takes what it names for hop-by-hop.
func (x *exchange) dropConnection() {
	r := new(http.Request)
	*r = *x.request
	r.Header = r.Header.Clone()
	r.Header.Del("Connection")
	x.request = r
}

func (x *exchange) protected() []string {
	if x.route == nil {
		return []string{"Authorization"}
	}
	return x.route.protected
}

func isNamed(connection []string, name string) bool {
	for _, list := range connection {
		for token := range strings.SplitSeq(list, ",") {
			if strings.EqualFold(strings.Trim(token, " \t"), name) {
				return true
			}
		}
	}
	return false
}

// authorize lets a request pass whose token holds and has one of the permissions that the operation declares; what no
// operation has needs a token too. It knows no policy: a token that is only looked at protects nothing.
func (x *exchange) authorize() *graph.Problem {
	rt, verifier := x.route, x.gate.config.Verifier
	if verifier == nil || rt != nil && !rt.tokenRequired {
		return nil
	}
	principal, err := verifier.Verify(x.request.Context(), x.request.Header["Authorization"])
	if principal != nil {
		x.client = principal.App
	}
	switch {
	case err != nil:
		p := problemOf(err)
		if p.Status >= http.StatusInternalServerError {
			x.gate.config.Log.Error("a token could not be checked", "err", err)
		}
		return p
	case rt != nil && len(rt.permissions) > 0 && !principal.Allows(rt.permissions...):
		return graph.Forbidden(rt.permissions)
	case principal.Personal():
		return graph.PersonalAccount()
	}
	return nil
}

func problemOf(err error) *graph.Problem {
	if p, ok := errors.AsType[*graph.Problem](err); ok {
		return p
	}
	if e, ok := errors.AsType[*auth.Error](err); ok {
		return graph.OfToken(e)
	}
	return graph.Internal(err)
}

// check holds a request of an operation against the contract.
func (x *exchange) check(found *match) (*http.Request, *graph.Problem) {
	r, rt := x.request, x.route
	body, contentType, err := x.declaredBody()
	if err != nil {
		p := problemOf(err)
		if x.judge(violation{kind: policy.MediaType, in: "header", name: p.Faults[0].Name, keyword: "mediaType"}) {
			return nil, p
		}
	}
	if refusal := x.judgeSpots(rt.spots, body); refusal != nil {
		return nil, refusal
	}
	if len(rt.types) == 0 && carriesBody(r) && !x.gate.config.Contract.Graph && x.judge(violation{kind: policy.MediaType, keyword: "content"}) {
		return nil, graph.UnexpectedBody()
	}
	hasBody := len(rt.types) > 0 && (rt.BodyRequired || carriesBody(r))
	if hasBody {
		if err := x.body.Read(r, x.gate.config.Contract.MaxBody); err != nil {
			p, kind := problemOf(err), policy.Malformed
			if p.Status == http.StatusRequestEntityTooLarge {
				kind = policy.Size
			} else {
				p = x.gate.config.Contract.Words.Malformed(false)
			}
			if x.judge(violation{kind: kind, keyword: kind.String()}) {
				return nil, p
			}
			return x.asCame(x.passRest()), nil
		}
		if !rt.BodyRequired && len(x.body.Bytes()) == 0 {
			hasBody = false // chunked, with nothing in it
		}
	}
	if refusal := x.checkParameters(found); refusal != nil {
		return nil, refusal
	}
	if x.isAmbiguous(found) && x.judge(violation{kind: policy.Path, in: "path"}) {
		return nil, graph.NoRoute()
	}
	if hasBody && body != nil {
		if refusal := x.judgeBody(x.checkContent(body, contentType, x.body.Bytes())); refusal != nil {
			return nil, refusal
		}
	}
	switch {
	case !x.asItCame && rt.enforces:
		return x.rebuilt(found, hasBody), nil
	case hasBody:
		r = x.withBody(x.body.Raw())
	}
	return x.asCame(r), nil
}

func carriesBody(r *http.Request) bool { return r.ContentLength != 0 || len(r.TransferEncoding) > 0 }

// judgeSpots returns the problem of the first place that cannot be judged, where the policy refuses what cannot be.
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

// notJudged is the problem of a request that a part of the contract is for which cannot be judged.
func notJudged() *graph.Problem {
	return &graph.Problem{
		Status: http.StatusNotImplemented, Code: "NotImplemented",
		Message: "The gateway cannot check this request: the contract describes it in a way that is not supported.",
	}
}

// declaredBody returns the body that the contract has for the request's media type, and its Content-Type; nil if the
// operation has no body, or if the body may be absent and is.
func (x *exchange) declaredBody() (*validate.Body, string, error) {
	r, rt := x.request, x.route
	if x.gate.config.Contract.Graph {
		media, err := graph.Negotiate(r.Method, r.Header, rt.types)
		if err != nil || media == "" {
			return nil, "", err
		}
		return rt.RequestBody(media), media, nil
	}
	if len(rt.types) == 0 || !rt.BodyRequired && !carriesBody(r) {
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
	faults := x.route.CheckParameters(r.Context(), found.values, r.URL.RawQuery, header)
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
			continue // it has none of the request's fields
		}
		refused := x.judge(violation{kind: policy.Parameter, in: f.In, name: f.Name, keyword: f.Keyword})
		if !refused {
			continue
		}
		problem := x.gate.config.Contract.Words.OfParameter(f)
		if refusal == nil {
			refusal = problem
		} else {
			refusal.Faults = append(refusal.Faults, problem.Faults...)
		}
	}
	return refusal
}

// largeBody is the length of a body in bytes from which on only as many are checked at once as there are processors: a check
// takes up to 16 times the body's length in memory.
const largeBody = 64 << 10

var largeChecks = make(chan struct{}, runtime.GOMAXPROCS(0))

// checkContent checks a body of a request or a response.
func (x *exchange) checkContent(body *validate.Body, contentType string, data []byte) *validate.Faults {
	ctx := x.request.Context()
	if len(data) >= largeBody {
		select {
		case largeChecks <- struct{}{}:
			defer func() { <-largeChecks }()
		case <-ctx.Done():
			return &validate.Faults{Interrupted: true}
		}
	}
	return body.CheckContent(ctx, contentType, data)
}

// judgeBody returns the problem of the body's faults that are enforced.
func (x *exchange) judgeBody(faults *validate.Faults) *graph.Problem {
	switch {
	case faults == nil:
		return nil
	case faults.Interrupted:
		return graph.Unavailable(x.request.Context().Err())
	case faults.Malformed:
		problem := x.gate.config.Contract.Words.Malformed(faults.Empty)
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
	return x.gate.config.Contract.Words.OfBody(enforced)
}

// rebuilt returns the request that was checked, and nothing else of what came.
func (x *exchange) rebuilt(found *match, hasBody bool) *http.Request {
	r := new(http.Request)
	*r = *x.request
	r.URL = &url.URL{RawQuery: x.route.canonicalQuery(x.request.URL.RawQuery)}
	path := found.path(x.route)
	graph.SetPath(r.URL, path)
	if r.URL.RawPath == r.URL.Path {
		r.URL.RawPath = ""
	}
	r.RequestURI = path
	if r.URL.RawQuery != "" {
		r.RequestURI += "?" + r.URL.RawQuery
	}
	r.TransferEncoding, r.Trailer, r.ContentLength, r.Body = nil, nil, 0, http.NoBody
	r.Form, r.PostForm, r.MultipartForm = nil, nil, nil // somebody in front may have read what was not checked
	if hasBody {
		x.lend(r, x.body.Bytes())
	}
	r.Header = x.cleanHeader()
	return r
}

// cleanHeader returns the header fields without those that a reader could take for others, and without those that say
// how the body came. It is the request's own where nothing is to be removed.
func (x *exchange) cleanHeader() http.Header {
	h, cloned := x.request.Header, false
	clone := func() {
		if !cloned {
			h, cloned = h.Clone(), true
		}
	}
	for name := range x.request.Header {
		switch {
		case name == "Content-Encoding", name == "Trailer", name == "Expect", isDoubtful(name) && !slices.Contains(x.route.declared, name):
			clone()
			delete(h, name)
		case name == "Accept-Encoding" && x.mustSeeResponse():
			clone()
			h[name] = []string{"identity"}
		}
	}
	return h
}

// isDoubtful reports whether there are readers to whom a field undoes what was checked: a name with an underscore is that of
// another field to those who make variables of names (RFC 3875 §4.1.18), and some take the method or the target from a
// field.
func isDoubtful(name string) bool {
	switch name {
	case "X-Http-Method", "X-Http-Method-Override", "X-Method-Override", "X-Original-Url", "X-Rewrite-Url":
		return true
	}
	return strings.IndexByte(name, '_') >= 0
}

// asCame returns a request that is not rebuilt, without the doubtful fields where the policy refuses what is in doubt.
func (x *exchange) asCame(r *http.Request) *http.Request {
	if x.rules(policy.Requests)[policy.Header] != policy.Enforce {
		return r
	}
	var h http.Header
	for name := range r.Header {
		if isDoubtful(name) {
			if h == nil {
				h = r.Header.Clone()
			}
			delete(h, name)
		}
	}
	if h == nil {
		return r
	}
	of := r
	r = new(http.Request)
	*r = *of
	r.Header = h
	return r
}

// mustSeeResponse reports whether a response in a coding that is not known here would be refused.
func (x *exchange) mustSeeResponse() bool {
	return !x.route.unchecked[policy.Responses] && x.route.rules[policy.Responses][policy.MediaType] == policy.Enforce
}

// withBody returns the request with a body that was read already.
func (x *exchange) withBody(data []byte) *http.Request {
	r := new(http.Request)
	*r = *x.request
	r.TransferEncoding, r.Trailer = nil, nil
	x.lend(r, data)
	return r
}

// lend gives a request a body until the exchange is over.
func (x *exchange) lend(r *http.Request, data []byte) {
	x.lent = &bytesBody{data: data}
	r.Body, r.ContentLength = x.lent, int64(len(data))
}

// passRest returns the request with what was read of its body put back before the rest. Who forwards it may read on when
// the exchange is over: the bytes are its own.
func (x *exchange) passRest() *http.Request {
	raw := x.body.Raw()
	if len(raw) == 0 {
		return x.request
	}
	r := new(http.Request)
	*r = *x.request
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(bytes.Clone(raw)), x.request.Body), x.request.Body}
	return r
}

// bytesBody is a body that is all there. Its bytes are another request's when the exchange is over, and there are handlers
// that read on: the sending of an [http.Transport] outlives its RoundTrip.
type bytesBody struct {
	data []byte
	mu   sync.Mutex
	read int
	over bool
}

// Bytes returns all of the body.
func (b *bytesBody) Bytes() []byte { return b.data }

func (b *bytesBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return 0, http.ErrBodyReadAfterClose
	}
	n := copy(p, b.data[b.read:])
	b.read += n
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// end waits for a Read that is under way, and is the end of reading.
func (b *bytesBody) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
}

// Close does nothing.
func (*bytesBody) Close() error { return nil }
