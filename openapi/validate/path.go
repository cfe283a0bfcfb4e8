package validate

import "strings"

// checkSegment checks a parameter of the path.
func (t *texts) checkSegment(q *parameter, path []string) {
	if q.segment < 0 || q.segment >= len(path) {
		t.fault(q, "required", 0)
		return
	}
	raw, ok := path[q.segment], true
	switch {
	case q.Spot != nil:
		return
	case q.Content != "":
	case q.Style == "label":
		if raw, ok = strings.CutPrefix(raw, "."); !ok {
			break
		}
		d := delimiters{separator: ".", pairs: q.Explode}
		if !q.Explode {
			d = delimiters{separator: ",", other: "."}
		}
		t.checkText(q, raw, d)
		return
	case q.Style == "matrix":
		t.checkMatrix(q, raw)
		return
	}
	if !ok {
		t.fault(q, "type", 0)
		return
	}
	t.checkText(q, raw, delimiters{separator: ",", pairs: q.Explode})
}

// checkMatrix checks ;id=5, ;id=3,4 and ;id=R,100 and, exploded, ;id=3;id=4 and ;R=100;G=200.
func (t *texts) checkMatrix(q *parameter, raw string) {
	raw, ok := strings.CutPrefix(raw, ";")
	switch {
	case !ok:
	case !q.Explode || !q.shape.can(Array|Object):
		var name string
		name, raw, _ = strings.Cut(raw, "=")
		if ok = isNamed(name, q.Name) && !strings.Contains(raw, ";"); ok {
			t.checkText(q, raw, delimiters{separator: ","})
		}
	case q.shape.can(Object):
		t.checkText(q, raw, delimiters{separator: ";", pairs: true, bare: true})
	default:
		t.checkMatrixList(q, raw)
		return
	}
	if !ok {
		t.fault(q, "type", 0)
	}
}

func (t *texts) checkMatrixList(q *parameter, raw string) {
	t.root(newNode, "")
	for more := true; more; {
		var part string
		part, raw, more = strings.Cut(raw, ";")
		name, value, _ := strings.Cut(part, "=")
		text, ok := unescapePercent(value, false)
		switch {
		case !isNamed(name, q.Name):
			t.fault(q, "type", 0)
			return
		case !ok:
			t.fault(q, "encoding", 0)
			return
		}
		t.put(0, node{kind: textNode, text: text}, q.shape)
	}
	t.try(q)
}

// isNamed reports whether raw is the name as it occurs in a path.
func isNamed(raw, name string) bool {
	decoded, ok := unescapePercent(raw, false)
	return ok && decoded == name
}
