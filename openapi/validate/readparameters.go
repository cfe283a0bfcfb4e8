package validate

import "context"

// ReadParameters checks the parameters of a request as [Operation.CheckParameters] does without CheckParams. For each of
// Parameters it returns the value that the schema accepted, as JSON. The value is nil if the parameter is absent, or empty
// by allowEmptyValue while its schema accepts no string.
func (o *Operation) ReadParameters(ctx context.Context, path []string, query string, header map[string][]string) ([][]byte, *Faults) {
	t := beginTexts(ctx)
	defer t.end()
	t.values = make([][]byte, len(o.Parameters))
	t.checkAll(o.planned(), path, query, header)
	if faults := t.result(); faults != nil {
		return nil, faults
	}
	return t.values, nil
}

// keep stores the accepted value, if values are wanted.
func (t *texts) keep(p *parameter) {
	if t.values != nil && p.index >= 0 {
		t.tape.share()
		t.values[p.index] = t.tape.appendJSON(nil, 0)
	}
}

// keepEmpty stores the value of an empty parameter.
func (t *texts) keepEmpty(p *parameter) {
	if t.values != nil && (p.shape.kinds == 0 || p.shape.can(String)) {
		t.values[p.index] = []byte(`""`)
	}
}

// appendJSON appends the value at a token as JSON.
func (t *tape) appendJSON(b []byte, at uint32) []byte {
	tok := &t.tokens[at]
	switch tok.kind {
	case stringToken, nameToken:
		return AppendString(b, t.chars(at))
	case arrayToken, objectToken:
		return t.appendInside(b, at)
	default:
		return append(b, t.raw(at)...)
	}
}

func (t *tape) appendInside(b []byte, at uint32) []byte {
	tok := &t.tokens[at]
	brackets := "[]"
	if tok.kind == objectToken {
		brackets = "{}"
	}
	b = append(b, brackets[0])
	for i := at + 1; i < tok.next; i = t.tokens[i].next {
		if i > at+1 {
			b = append(b, ',')
		}
		if tok.kind == objectToken {
			b = append(t.appendJSON(b, i), ':')
			i++
		}
		b = t.appendJSON(b, i)
	}
	return append(b, brackets[1])
}

// Refuse adds the faults of decoding the parameter's value, which is valid, to other faults of the request. Either may be
// nil.
func (p *Parameter) Refuse(faults, found *Faults) *Faults {
	switch {
	case found == nil:
		return faults
	case faults == nil:
		faults = &Faults{Undecodable: true}
	}
	for _, f := range found.List {
		if len(faults.List) < maxFaults {
			faults.List = append(faults.List, p.locate(f))
		}
	}
	return faults
}

// locate converts a fault of the value to a fault of the parameter. A cookie is part of a header field.
func (p *Parameter) locate(f Fault) Fault {
	switch p.In {
	case "":
	case "cookie":
		f.In, f.Name = "header", "Cookie"
		f.Pointer = string(appendToken(nil, []byte(p.Name))) + f.Pointer
	default:
		f.In, f.Name = p.In, p.Name
	}
	return f
}

// Text reads a value of any type. It returns the characters of a string, or the JSON of another value.
func (r *Reader) Text() string {
	if r.Peek() == '"' {
		s, _ := r.String(&Expected{})
		return s
	}
	return string(r.Raw())
}
