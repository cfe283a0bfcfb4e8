package pfx

import (
	"time"

	"go.opentelemetry.io/otel/trace"
)

// Batch says how a store wrote updates that shared a commit. Stores tell of each to who wants to know, before its callers
// get their outcomes.
type Batch struct {
	Size   int                 // updates in it
	Waited time.Duration       // how long the first of them waited for a writer
	Took   time.Duration       // how long the writer was at it, the commit included
	Commit time.Duration       // how long the commit took, on PostgreSQL with the statement that it is part of
	Spans  []trace.SpanContext // of those updates whose traces are sampled
}

// Link adds the span of an update, if its trace is sampled.
func (b *Batch) Link(span trace.SpanContext) {
	if span.IsSampled() {
		b.Spans = append(b.Spans, span)
	}
}
