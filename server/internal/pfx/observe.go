package pfx

import (
	"time"

	"go.opentelemetry.io/otel/trace"
)

// Batch describes updates that shared a commit. A store reports each batch before the callers get their outcomes.
type Batch struct {
	Size   int                 // number of updates
	Waited time.Duration       // how long the first update waited for a writer
	Took   time.Duration       // how long the writer took, including the commit
	Commit time.Duration       // how long the commit took; on PostgreSQL including its statement
	Spans  []trace.SpanContext // of the updates whose traces are sampled
}

// Link adds the span of an update if its trace is sampled.
func (b *Batch) Link(span trace.SpanContext) {
	if span.IsSampled() {
		b.Spans = append(b.Spans, span)
	}
}
