package gateway

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/batch"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// takesBatches reports whether an operation accepts batches, by the name that OData reserves for it (OData 4.01 URL
// Conventions §4.1.2).
func takesBatches(op *validate.Operation) bool {
	return op.Method == http.MethodPost && strings.HasSuffix(op.Path, "/$batch")
}

// batchSpot says why the batches of a document are not judged.
func batchSpot(op *validate.Operation) validate.Spot {
	pointer := "/paths/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(op.Path) + "/post"
	return validate.Spot{Pointer: pointer, Reason: "the requests of a batch are not held against the document"}
}

// addSpot adds the spot of an operation that accepts batches.
func addSpot(spots []validate.Spot, op *validate.Operation) []validate.Spot {
	if spot := batchSpot(op); takesBatches(op) && !slices.Contains(spots, spot) {
		return append(slices.Clip(spots), spot)
	}
	return spots
}

// leadsToBatch reports whether some server may read an escaped path as that of batches, whatever precedes the last segment.
func leadsToBatch(escaped string) bool {
	for range maxDecodings {
		decoded, err := url.PathUnescape(escaped)
		if err != nil {
			return false
		}
		escaped = decoded
	}
	path := strings.TrimRight(strings.ReplaceAll(escaped, "\\", "/"), "/")
	return strings.EqualFold(bare(path[strings.LastIndexByte(path, '/')+1:]), "$batch")
}

// isBatch reports whether the request is a batch that is split here.
func (x *exchange) isBatch() bool {
	return x.route != nil && x.gate.config.Contract.Graph && takesBatches(x.route.Operation)
}

// words returns the words for refusals of the request.
func (x *exchange) words() *graph.Words {
	if x.isBatch() {
		return &graph.Batch
	}
	return &x.gate.config.Contract.Words
}

// takeApart returns a handler that executes the requests of a batch: each passes the gate and goes to next, as if it had
// been sent alone. No policy changes that, because otherwise the content of a batch would pass unchecked.
func (g *Gate) takeApart(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		plan, err := g.planOf(r)
		if err != nil {
			Refuse(w, problemOf(err))
			return
		}
		p := &parts{gate: g, next: next}
		defer func() { g.config.Budget.Give(p.taken) }()
		body := plan.Append(r.Context(), nil, r, p)
		exchangeOf(w).setCommonHeader(nil)
		w.Header()["Content-Type"] = []string{"application/json"}
		_, _ = w.Write(body) // the client may be gone
	})
}

func (g *Gate) planOf(r *http.Request) (*batch.Plan, error) {
	if batch.IsPart(r.Context()) {
		return nil, batch.Nested
	}
	body := graph.Body{}
	body.Budget = g.config.Budget
	defer body.Release()
	if err := body.Read(r, g.config.Contract.MaxBody); err != nil {
		return nil, err
	}
	var b pfxapi.Batch
	faults := pfxvalid.DecodeBatch(body.Bytes(), &b)
	switch {
	case faults == nil:
		return batch.New(b.Requests)
	case faults.Malformed:
		return nil, graph.Batch.Malformed(faults.Empty)
	}
	return nil, graph.Batch.OfBody(faults.List)
}

// parts serves the requests of a batch.
type parts struct {
	gate  *Gate
	next  http.Handler
	taken int // bytes of the budget for the held responses
}

func (p *parts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.gate.Serve(&held{w, p}, r, p.next)
}

// Reject responds in the gate's form.
func (p *parts) Reject(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, batch.ErrBrokenOff) {
		err = BadAnswer()
	}
	p.gate.reject(w, r, problemOf(err))
}

// held is a response that is held until its batch is complete.
type held struct {
	http.ResponseWriter
	*parts
}

// Write aborts the response if the budget is exhausted.
func (h *held) Write(b []byte) (int, error) {
	if !h.gate.config.Budget.Take(len(b)) {
		panic(http.ErrAbortHandler)
	}
	h.taken += len(b)
	return h.ResponseWriter.Write(b)
}
