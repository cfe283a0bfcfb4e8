package strict

import (
	"fmt"
	"net/http"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// Words are the words of refusals that differ from contract to contract. The zero Words speak of JSON Schema's types.
type Words struct {
	// Type is the name of the type of bodies, "" for none.
	Type string
	// Types name a JSON Schema type and format, and say how their values look.
	Types map[[2]string][2]string
	// Hints say what a parameter must be, by its name, where a client may not know.
	Hints map[string]string
}

// ofInvalid words the faults of a request.
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

// ofParameters words the faults of parameters: each is listed, and the first speaks for all.
func (w *Words) ofParameters(faults []validate.Fault) *Problem {
	p := w.OfParameter(&faults[0])
	for i := range faults[1:] {
		p.Faults = append(p.Faults, w.OfParameter(&faults[i+1]).Faults...)
	}
	return p
}

// Malformed is the problem of a body that cannot be read, or of one that is empty.
func (w *Words) Malformed(empty bool) *Problem {
	keyword, text := "malformed", "The request body is malformed: send one that is well-formed for its media type, without duplicate members."
	if empty {
		keyword, text = "empty", "The request body is empty: send one that is well-formed for its media type, without duplicate members."
	}
	if w.Type != "" {
		text = "Unable to read JSON request payload. Send one JSON object in UTF-8, no member twice, nothing after it."
		if empty {
			text = "Empty Payload. JSON content expected."
		}
	}
	p := badRequest(text)
	p.Faults = []Fault{{Keyword: keyword, Message: text}}
	return p
}

// OfBody words the faults of a body: each is listed, and the first speaks for all.
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
	if f.In != "" { // of a part
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

// OfParameter words the fault of a parameter.
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
	if hint := w.Hints[f.Name]; hint != "" {
		return BadParameter(f.Name, "is malformed: "+hint)
	}
	return BadParameter(f.Name, "is malformed")
}
