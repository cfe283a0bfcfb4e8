package graph

import (
	"fmt"
	"net/http"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
)

// entityType is the name of the entity's type in messages.
const entityType = "microsoft.graph.pfxRecryptionRequest"

// edmTypes names the primitive types in messages by the contract's type and format, and says how their values look.
var edmTypes = map[[2]string][2]string{
	{"string", "uuid"}:               {"Edm.Guid", "Send 8-4-4-4-12 hexadecimal digits."},
	{"string", "edm-datetimeoffset"}: {"Edm.DateTimeOffset", "Send YYYY-MM-DDThh:mm:ss with up to 12 fraction digits and an offset, Z or ±hh:mm."},
	{"integer", "edm-int32"}:         {"Edm.Int32", "Send an integer from -2147483648 to 2147483647 without fraction or exponent."},
	{"boolean", ""}:                  {"Edm.Boolean", "Send true or false."},
	{"string", ""}:                   {"Edm.String", "Send text of at most 1024 bytes of UTF-8 without U+0000."},
	{"object", ""}:                   {entityType, "Send a JSON object."},
}

// OfBody words the faults of a body: what is not JSON is that and nothing else; otherwise every fault is a detail,
// in document order, and the first speaks for all.
func OfBody(faults *pfxvalid.Faults) *Problem {
	switch {
	case faults.Empty:
		return &Problem{Status: http.StatusBadRequest, Code: CodeBadRequest, Message: "Empty Payload. JSON content expected."}
	case faults.Malformed:
		return MalformedBody(nil)
	}
	p := &Problem{Status: http.StatusBadRequest, Code: CodeModelValidation, Details: make([]pfxapi.ErrorDetail, 0, len(faults.List))}
	for _, f := range faults.List {
		p.Details = append(p.Details, pfxapi.ErrorDetail{Code: CodeModelValidation, Message: faultMessage(f), Target: f.Pointer})
	}
	p.Message = p.Details[0].Message
	return p
}

func faultMessage(f pfxvalid.Fault) string {
	switch f.Keyword {
	case "additionalProperties":
		return fmt.Sprintf("The property '%s' does not exist on type '%s'.", f.Name, entityType)
	case "required":
		return fmt.Sprintf("The property '%s' is required on type '%s'.", f.Name, entityType)
	case "enum":
		return fmt.Sprintf("The value of '%s' must be one of %s.", f.Name, f.Expected.Value)
	}
	t, ok := edmTypes[[2]string{f.Expected.Type, f.Expected.Format}]
	if !ok {
		t = edmTypes[[2]string{f.Expected.Type, ""}]
	}
	if f.Name == "" {
		return fmt.Sprintf("Cannot convert the value of the request body to the expected type '%s'. %s", t[0], t[1])
	}
	return fmt.Sprintf("Cannot convert the value of '%s' to the expected type '%s'. %s", f.Name, t[0], t[1])
}

// OfParameter words the first fault of the parameters.
func OfParameter(faults *pfxvalid.Faults) *Problem {
	f := faults.List[0]
	switch {
	case f.Keyword == "additionalProperties":
		return BadParameter(f.Name, "is not a query option of this operation")
	case f.Keyword == "repeated":
		return BadParameter(f.Name, "was sent more than once")
	case f.Keyword == "required":
		return BadParameter(f.Name, "is required")
	}
	return BadParameter(f.Name, "is malformed"+parameterHints[f.Name])
}

// parameterHints say what a parameter must be, where a caller may not know.
var parameterHints = map[string]string{
	"pfxRecryptionRequestsId": ": a key is 1 to 128 characters of A-Z a-z 0-9 . _ ~ - and does not start with a dot",
	"If-Match":                ": send * or entity tags in double quotes, separated by commas",
	"If-None-Match":           ": send *, or, to read an object, entity tags in double quotes, separated by commas",
	"$top":                    ": send an integer from 1 to 1000",
	"$skiptoken":              ": take it from '@odata.nextLink'",
	"$count":                  ": send true or false",
	"$select":                 ": send names of members separated by commas, or *",
	"$filter":                 ": send 1 to 4096 characters of comparisons such as status eq 6, joined by 'and'",
}
