package mock

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/internal/mock/sample"
)

// Config holds the settings of a mock.
type Config struct {
	// Document is the contract, read with spec.Options.Examples. Required.
	Document *spec.Document
	// Words are the words for refusals.
	Words graph.Words
	// Seed determines all generated values.
	Seed uint64
	// Dynamic generates a new value for each request, as Prefer: dynamic=true does.
	Dynamic bool
	// Stateful keeps the objects that requests create.
	Stateful bool
	// MaxObjects is how many objects are kept; 0 means 10,000.
	MaxObjects int
	// Log receives a line for each invalid example; nil discards them.
	Log *slog.Logger
}

// Mock responds to requests that a gate has checked. It is safe for concurrent use.
type Mock struct {
	config     Config
	maker      *sample.Maker
	operations map[string]*operation // by ID
	state      *state                // nil if stateless
	made       atomic.Uint64         // the number of values for dynamic responses
}

// operation is an operation with its cached responses.
type operation struct {
	*validate.Operation
	shape   *shape // of its collection; nil if there is none
	role    role
	answers sync.Map // by choice
}

// New returns a mock of a document.
func New(ctx context.Context, c Config) (*Mock, error) {
	if c.Document == nil {
		return nil, errors.New("a mock needs a document")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	m := &Mock{config: c, operations: map[string]*operation{}}
	for _, op := range c.Document.Operations {
		m.operations[op.ID] = &operation{Operation: op}
	}
	m.maker = sample.New(schemasOf(c.Document)...)
	m.warnOfExamples(ctx)
	if c.Stateful {
		m.state = newState(c.MaxObjects)
		m.shape()
	}
	return m, nil
}

// schemasOf returns the schemas of everything generated: responses, their header fields, and keys.
func schemasOf(d *spec.Document) []*validate.Schema {
	var all []*validate.Schema
	for _, op := range d.Operations {
		for _, p := range op.Parameters {
			all = append(all, p.Schema)
		}
		for _, r := range op.Responses {
			for _, h := range r.Headers {
				all = append(all, h.Schema)
			}
			for _, b := range r.Bodies {
				all = append(all, b.Schema)
			}
		}
	}
	return all
}

// ServeHTTP responds to a request. w must come from a gate.
func (m *Mock) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	op, values := gateway.Matched(w)
	if op == nil || m.operations[op.ID] == nil {
		gateway.Refuse(w, graph.NoRoute())
		return
	}
	o := m.operations[op.ID]
	wanted, err := preferencesOf(r.Header["Prefer"])
	if err != nil {
		gateway.Refuse(w, problemOf(err))
		return
	}
	if o.shape != nil && wanted == (preferences{}) {
		m.act(w, r, o, values)
		return
	}
	m.answer(w, r, o, wanted)
}

// answer responds without the state.
func (m *Mock) answer(w http.ResponseWriter, r *http.Request, o *operation, wanted preferences) {
	response, c, err := o.choose(r, wanted)
	if err != nil {
		gateway.Refuse(w, problemOf(err))
		return
	}
	dynamic := wanted.dynamic || m.config.Dynamic && wanted.example == ""
	m.prepare(r.Context(), o, response, c, dynamic).send(w)
}

func problemOf(err error) *graph.Problem {
	if p, ok := errors.AsType[*graph.Problem](err); ok {
		return p
	}
	return graph.Internal(err)
}
