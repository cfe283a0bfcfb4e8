package strict

import (
	"cmp"
	"fmt"
	"net/http"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// Words are the words of refusals that depend on the contract. The zero Words use JSON Schema's types.
type Words struct {
	// Type is the name of the type of bodies, or "".
	Type string
	// Types maps a JSON Schema type and format to a name and a description of valid values.
	Types map[[2]string][2]string
	// Hints say what a parameter must be, by its name. Without a hint, the document says it.
	Hints map[string]string
	// MalformedText and EmptyText are the texts for malformed and empty bodies; "" selects texts for any media type.
	MalformedText, EmptyText string
}

// ofInvalid returns the problem of a request's faults.
func (w *Words) ofInvalid(e *InvalidError) *Problem {
	f := e.Faults
	switch {
	case f.Interrupted:
		return Unavailable(nil)
	case e.Parameters:
		return w.ofParameters(f.List)
	case f.Malformed:
		return w.Malformed(f.Empty)
	}
	return w.OfBody(f.List)
}

// ofParameters returns the problem of parameter faults: it lists all, and its message is that of the first.
func (w *Words) ofParameters(faults []validate.Fault) *Problem {
	p := w.OfParameter(&faults[0])
	for i := range faults[1:] {
		p.Faults = append(p.Faults, w.OfParameter(&faults[i+1]).Faults...)
	}
	return p
}

// Malformed is the problem of a malformed or an empty body.
func (w *Words) Malformed(empty bool) *Problem {
	const how = ": send one that is well-formed for its media type, without duplicate members."
	keyword, text := "malformed", cmp.Or(w.MalformedText, "The request body is malformed"+how)
	if empty {
		keyword, text = "empty", cmp.Or(w.EmptyText, "The request body is empty"+how)
	}
	p := badRequest(text)
	p.Faults = []Fault{{Keyword: keyword, Message: text}}
	return p
}

// OfBody returns the problem of a body's faults: it lists all, and its message is that of the first.
func (w *Words) OfBody(faults []validate.Fault) *Problem {
	p := &Problem{Status: http.StatusBadRequest, Code: CodeModelValidation, Faults: make([]Fault, 0, len(faults))}
	for i := range faults {
		f := &faults[i]
		p.Faults = append(p.Faults, Fault{f.In, f.Pointer, f.Name, f.Keyword, w.message(f)})
	}
	p.Message = p.Faults[0].Message
	return p
}

func (w *Words) message(f *validate.Fault) string {
	if f.In != "" { // in a part of a body
		return w.OfParameter(f).Message
	}
	onType := ""
	if w.Type != "" {
		onType = " on type '" + w.Type + "'"
	}
	switch f.Keyword {
	case "additionalProperties":
		return fmt.Sprintf("The property '%s' does not exist%s.", f.Name, onType)
	case "required":
		return fmt.Sprintf("The property '%s' is required%s.", f.Name, onType)
	case "enum":
		return fmt.Sprintf("The value of '%s' must be one of %s.", f.Name, f.Expected.Value)
	}
	of := "the request body"
	if f.Name != "" {
		of = "'" + f.Name + "'"
	}
	t, ok := w.Types[[2]string{f.Expected.Type, f.Expected.Format}]
	if !ok {
		t, ok = w.Types[[2]string{f.Expected.Type, ""}]
	}
	switch {
	case ok:
		return fmt.Sprintf("Cannot convert the value of %s to the expected type '%s'. %s", of, t[0], t[1])
	case f.Keyword == "type" && f.Expected.Type != "":
		return fmt.Sprintf("Cannot convert the value of %s to the expected type '%s'.", of, f.Expected.Type)
	case f.Keyword == "format" && f.Expected.Format != "":
		return fmt.Sprintf("Cannot convert the value of %s to the expected type '%s' of the format '%s'.", of, f.Expected.Type, f.Expected.Format)
	case f.Expected.Value != "":
		return fmt.Sprintf("The value of %s does not fit the contract: '%s' is %s.", of, f.Keyword, f.Expected.Value)
	}
	return fmt.Sprintf("The value of %s does not fit the contract: see '%s'.", of, f.Keyword)
}

// OfParameter returns the problem of a parameter's fault.
func (w *Words) OfParameter(f *validate.Fault) *Problem {
	p := w.ofParameter(f)
	p.Faults = []Fault{{f.In, f.Pointer, f.Name, f.Keyword, p.Message}}
	return p
}

func (w *Words) ofParameter(f *validate.Fault) *Problem {
	switch f.Keyword {
	case "additionalProperties":
		return BadParameter(f.Name, "is not a query option of this operation")
	case "repeated":
		return BadParameter(f.Name, "was sent more than once")
	case "required":
		return BadParameter(f.Name, "is required")
	}
	hint := w.Hints[f.Name]
	if w.Hints == nil {
		hint = hintOf(f)
	}
	if hint != "" {
		return BadParameter(f.Name, "is malformed: "+hint)
	}
	return BadParameter(f.Name, "is malformed")
}

// hintOf says what the document requires; "" if a type says nothing.
func hintOf(f *validate.Fault) string {
	switch {
	case f.Expected.Value != "":
		return fmt.Sprintf("'%s' is %s", f.Keyword, f.Expected.Value)
	case f.Keyword == "type" && f.Expected.Type != "":
		return fmt.Sprintf("it must be of the type '%s'", f.Expected.Type)
	case f.Keyword == "format" && f.Expected.Format != "":
		return fmt.Sprintf("it must have the format '%s'", f.Expected.Format)
	}
	return ""
}
