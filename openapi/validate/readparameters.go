package validate

import "context"

// ReadParameters checks the parameters of a request as [Operation.CheckParameters] does without CheckParams, and returns
// what they stand for: for each of Parameters the value that the schema found valid, as JSON. It is nil for one that is
// absent, and for an empty one that allowEmptyValue allows where the schema takes no string.
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

// keep keeps the value that was found valid, if anyone wants it.
func (t *texts) keep(p *parameter) {
	if t.values != nil && p.index >= 0 {
		t.tape.share()
		t.values[p.index] = t.tape.appendJSON(nil, 0)
	}
}

// keepEmpty keeps the value of a parameter that is there without one.
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

// Refuse adds faults of decoding the value of the parameter, which is valid, to others of its request. Either may be nil.
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

// locate makes a fault of the parameter's value one of the parameter. A cookie is a part of a header field.
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

// Text reads a value of any type: the characters of a string, the JSON of another.
func (r *Reader) Text() string {
	if r.Peek() == '"' {
		s, _ := r.String(&Expected{})
		return s
	}
	return string(r.Raw())
}
