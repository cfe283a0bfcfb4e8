package graph

import (
	"bytes"
	"fmt"
	"net/http"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// Words are the words of refusals that differ from contract to contract. The zero Words speak of JSON Schema's types.
type Words struct {
	// Type is the name of the type of bodies, "" for none.
	Type string
	// Types name a JSON Schema type and format, and say how their values look.
	Types map[[2]string][2]string
	// Hints say what a parameter must be, by its name, where a caller may not know.
	Hints map[string]string
}

// Entity are the words for our own contract.
var Entity = Words{
	Type: "microsoft.graph.pfxRecryptionRequest",
	Types: map[[2]string][2]string{
		{"string", "uuid"}:               {"Edm.Guid", "Send 8-4-4-4-12 hexadecimal digits."},
		{"string", "edm-datetimeoffset"}: {"Edm.DateTimeOffset", "Send YYYY-MM-DDThh:mm:ss with up to 12 fraction digits and an offset, Z or ±hh:mm."},
		{"integer", "edm-int32"}:         {"Edm.Int32", "Send an integer from -2147483648 to 2147483647 without fraction or exponent."},
		{"boolean", ""}:                  {"Edm.Boolean", "Send true or false."},
		{"string", ""}:                   {"Edm.String", "Send text of at most 1024 bytes of UTF-8 without U+0000."},
		{"object", ""}:                   {"microsoft.graph.pfxRecryptionRequest", "Send a JSON object."},
	},
	Hints: map[string]string{
		"pfxRecryptionRequestsId": "a key is 1 to 128 characters of A-Z a-z 0-9 . _ ~ - and does not start with a dot",
		"If-Match":                "send * or entity tags in double quotes, separated by commas",
		"If-None-Match":           "send *, or, to read an object, entity tags in double quotes, separated by commas",
		"$top":                    "send an integer from 1 to 1000",
		"$skiptoken":              "take it from '@odata.nextLink'",
		"$count":                  "send true or false",
		"$select":                 "send names of members separated by commas, or *",
		"$filter":                 "send 1 to 4096 characters of comparisons such as status eq 6, joined by 'and'",
	},
}

// OfBody words the faults of a body of our own contract.
func OfBody(faults *validate.Faults) *Problem {
	switch {
	case faults.Empty:
		return EmptyBody()
	case faults.Malformed:
		return MalformedBody(nil)
	}
	return Entity.OfBody(faults.List)
}

// CheckKey returns the fault and the problem of an update that names another object than its address, whose key is the last
// of values.
func CheckKey(op *validate.Operation, values []string, body []byte) (validate.Fault, *Problem) {
	if op.Method != http.MethodPatch || !mayNameID(body) {
		return validate.Fault{}, nil
	}
	var update pfxapi.PfxRecryptionRequestUpdate
	if faults, ok := op.DecodeBody(body, &update); !ok || faults != nil {
		return validate.Fault{}, nil // its faults were judged
	}
	id, named := update.ID.Get()
	if !named || len(values) > 0 && id == values[len(values)-1] {
		return validate.Fault{}, nil
	}
	const message = "The value of 'id' does not match the key of the addressed object."
	return validate.Fault{Pointer: "/id", Name: "id", Keyword: "const"}, &Problem{
		Status: http.StatusBadRequest, Code: CodeModelValidation, Message: message,
		Details: []pfxapi.ErrorDetail{{Code: CodeModelValidation, Message: message, Target: "/id"}},
	}
}

// mayNameID reports whether a JSON text can have a member called id: nearly no update has, and to decode it costs as much as
// to check it.
func mayNameID(body []byte) bool {
	return bytes.Contains(body, []byte(`"id"`)) || bytes.Contains(body, []byte(`\u`))
}

// OfParameter words the faults of the parameters of our own contract.
func OfParameter(faults *validate.Faults) *Problem { return Entity.OfParameter(&faults.List[0]) }

// Malformed is the problem of a body that cannot be read, or of one that is empty.
func (w *Words) Malformed(empty bool) *Problem {
	p, keyword := MalformedBody(nil), "malformed"
	if empty {
		p, keyword = EmptyBody(), "empty"
	}
	if w.Type == "" { // of any media type
		p.Message = "The request body is " + keyword + ": send one that is well-formed for its media type, without duplicate members."
	}
	p.Faults = []Fault{{Keyword: keyword, Message: p.Message}}
	return p
}

// OfBody words the faults of a body that is JSON: every fault is a detail, and the first speaks for all.
func (w *Words) OfBody(faults []validate.Fault) *Problem {
	p := &Problem{Status: http.StatusBadRequest, Code: CodeModelValidation, Details: make([]pfxapi.ErrorDetail, 0, len(faults))}
	for i := range faults {
		f := &faults[i]
		message := w.message(f)
		p.Details = append(p.Details, pfxapi.ErrorDetail{Code: CodeModelValidation, Message: message, Target: f.Pointer})
		p.Faults = append(p.Faults, Fault{f.In, f.Pointer, f.Name, f.Keyword, message})
	}
	p.Message = p.Details[0].Message
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
