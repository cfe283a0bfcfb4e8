// Package batch executes the requests of a JSON batch (Microsoft Graph's JSON batching, OData JSON Format §18) one after the
// other. Each goes through a [Handler] as if it had been sent alone, with the token and the connection of its batch:
//
//	plan, err := batch.New(requests)
//	body := plan.Append(ctx, nil, r, handler)
//
// It knows neither the meaning of the requests nor how they are checked.
package batch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// OperationID is the operation of the contract that accepts batches.
const OperationID = "sendBatch"

// MaxResponses bounds the responses of a batch together, in bytes. Beyond it, no further request is executed.
const MaxResponses = 4 << 20

// Handler serves the requests of a batch.
type Handler interface {
	http.Handler
	// Reject responds with an error, without reading the request.
	Reject(w http.ResponseWriter, r *http.Request, err error)
}

// ErrBrokenOff rejects a request whose response broke off: it may have been executed.
var ErrBrokenOff = errors.New("the response to a request of the batch broke off")

// Nested is the problem of a batch in a batch.
var Nested error = &graph.Problem{
	Status: http.StatusBadRequest, Code: graph.CodeBadRequest, Message: "A batch cannot be part of a batch. Send it alone.",
}

var (
	errDependency error = &graph.Problem{
		Status: http.StatusFailedDependency, Code: "FailedDependency",
		Message: "A request that this one depends on has failed, so this one was not carried out.",
	}
	errTooLarge error = &graph.Problem{
		Status: http.StatusServiceUnavailable, Code: "ServiceUnavailable",
		Message: "The responses of the batch are too large together, so this request was not carried out. Send it in another batch.",
	}
)

type partKey struct{}

// IsPart reports whether a context belongs to a request of a batch.
func IsPart(ctx context.Context) bool { return ctx.Value(partKey{}) != nil }

// Plan is an executable batch.
type Plan struct{ steps []step } // in the order of execution

// step is a request of a batch.
type step struct {
	*pfxapi.BatchRequest
	needs []int // the indexes of the requests that it depends on
}

// Append executes the requests of a batch, which arrived in whole, and appends their responses as in the contract. The
// contexts of the requests derive from ctx.
func (p *Plan) Append(ctx context.Context, buf []byte, whole *http.Request, h Handler) []byte {
	ctx = context.WithValue(ctx, partKey{}, true)
	failed := map[string]bool{}
	start := len(buf)
	buf = append(buf, `{"responses":[`...)
	for i := range p.steps {
		s := &p.steps[i]
		if i > 0 {
			buf = append(buf, ',')
		}
		got := s.response(ctx, whole, h, failed, len(buf)-start > MaxResponses)
		failed[key(s.ID)] = got.status >= http.StatusBadRequest
		buf = got.append(buf, s.ID)
	}
	return append(buf, "]}"...)
}

// response returns the response to a request. The request is not executed if a dependency has failed or full is true.
func (s *step) response(ctx context.Context, whole *http.Request, h Handler, failed map[string]bool, full bool) *response {
	r, err := s.request(ctx, whole)
	for _, id := range s.DependsOn {
		if failed[key(id)] {
			err = errDependency
		}
	}
	if err == nil && full {
		err = errTooLarge
	}
	if err == nil {
		got := newResponse()
		if err = serve(h, got, r); err == nil {
			return got
		}
	}
	got := newResponse()
	h.Reject(got, r, err)
	return got
}

// serve returns [ErrBrokenOff] if the handler panics to abort the connection, because other requests share it.
func serve(h http.Handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler:
			err = ErrBrokenOff
		default:
			panic(v)
		}
	}()
	h.ServeHTTP(w, r)
	return nil
}

// New returns the plan of a batch that is valid by its schema. It returns a problem for duplicate ids, unknown dependencies,
// and circular ones.
func New(requests []pfxapi.BatchRequest) (*Plan, error) {
	number := make(map[string]int, len(requests))
	for i := range requests {
		if _, twice := number[key(requests[i].ID)]; twice {
			return nil, invalid(i, "id", "is that of an earlier request of the batch, or differs from it in letter case alone")
		}
		number[key(requests[i].ID)] = i
	}
	steps := make([]step, len(requests))
	for i := range requests {
		steps[i].BatchRequest = &requests[i]
		for _, id := range requests[i].DependsOn {
			n, found := number[key(id)]
			if !found {
				return nil, invalid(i, "dependsOn", "names a request that the batch does not have")
			}
			steps[i].needs = append(steps[i].needs, n)
		}
	}
	return ordered(steps)
}

// ordered returns a plan in which each request comes as early as its dependencies allow.
func ordered(steps []step) (*Plan, error) {
	p, done := new(Plan), make([]bool, len(steps))
	for len(p.steps) < len(steps) {
		i := nextOf(steps, done)
		if i < 0 {
			for i = 0; done[i]; i++ {
			}
			return nil, invalid(i, "dependsOn", "leads back to the request itself, or to others that depend on each other")
		}
		done[i] = true
		p.steps = append(p.steps, steps[i])
	}
	return p, nil
}

// nextOf returns the first remaining request that depends on no remaining one, or -1.
func nextOf(steps []step, done []bool) int {
search:
	for i := range steps {
		if done[i] {
			continue
		}
		for _, n := range steps[i].needs {
			if !done[n] {
				continue search
			}
		}
		return i
	}
	return -1
}

// key returns an id for comparison: ids are case-insensitive.
func key(id string) string { return strings.ToLower(id) }

// invalid is the problem of a member of a request.
func invalid(number int, member, is string) *graph.Problem {
	message := fmt.Sprintf("The value of '%s' %s.", member, is)
	return &graph.Problem{
		Status: http.StatusBadRequest, Code: graph.CodeModelValidation, Message: message,
		Faults: []graph.Fault{{Pointer: fmt.Sprintf("/requests/%d/%s", number, member), Name: member, Keyword: member, Message: message}},
	}
}
