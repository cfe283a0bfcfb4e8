package validate

// checkParameterContent checks a parameter that is described by its media type.
func (t *texts) checkParameterContent(q *parameter, raw string) {
	text, ok := decode(q.In, raw)
	if !ok {
		t.fault(q, "encoding", 0)
		return
	}
	if !IsJSON(q.Content) {
		t.root(textNode, text)
		t.try(q)
		return
	}
	f := q.Schema.Check(t.ctx, []byte(text))
	switch {
	case f == nil:
	case f.Malformed:
		t.fault(q, "malformed", 0)
	default:
		for _, one := range f.List {
			t.note(q, one)
		}
		t.faults.Interrupted = t.faults.Interrupted || f.Interrupted
	}
}
