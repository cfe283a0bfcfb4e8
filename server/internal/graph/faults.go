package graph

import (
	"bytes"
	"net/http"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/strict"
)

// Words are the words for refusals that depend on the contract.
type Words = strict.Words

// Entity are the words for the built-in contract.
var Entity = Words{
	Type:          "microsoft.graph.pfxRecryptionRequest",
	MalformedText: "Unable to read JSON request payload. Send one JSON object in UTF-8, no member twice, nothing after it.",
	EmptyText:     "Empty Payload. JSON content expected.",
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

// Batch are the words for batches.
var Batch = Words{
	MalformedText: Entity.MalformedText, EmptyText: Entity.EmptyText, Hints: Entity.Hints,
	Types: map[[2]string][2]string{
		{"string", ""}: {"Edm.String", "Send an 'id' of 1 to 128 characters, a 'url' below the base path without scheme and authority, and header fields of one line."},
		{"array", ""}:  {"Collection", "Send 1 to 20 requests, and at most 20 ids of requests in 'dependsOn'."},
		{"object", ""}: {"object", "Send a JSON object."},
	},
}

// OfBody returns the problem for faults of a body of the built-in contract.
func OfBody(faults *validate.Faults) *Problem {
	if faults.Malformed {
		return Entity.Malformed(faults.Empty)
	}
	return Entity.OfBody(faults.List)
}

// CheckKey returns the fault and the problem of an update whose id differs from the key in the address, which is the last of
// values.
func CheckKey(op *validate.Operation, values []string, body []byte) (validate.Fault, *Problem) {
	if op.Method != http.MethodPatch || !mayNameID(body) {
		return validate.Fault{}, nil
	}
	var update pfxapi.PfxRecryptionRequestUpdate
	if faults, ok := op.DecodeBody(body, &update); !ok || faults != nil {
		return validate.Fault{}, nil // the faults were already judged
	}
	id, named := update.ID.Get()
	if !named || len(values) > 0 && id == values[len(values)-1] {
		return validate.Fault{}, nil
	}
	const message = "The value of 'id' does not match the key of the addressed object."
	return validate.Fault{Pointer: "/id", Name: "id", Keyword: "const"}, &Problem{
		Status: http.StatusBadRequest, Code: CodeModelValidation, Message: message,
		Faults: []Fault{{Pointer: "/id", Name: "id", Keyword: "const", Message: message}},
	}
}

// mayNameID reports whether a JSON text may have a member id. Nearly no update has one, and decoding costs as much as
// checking.
func mayNameID(body []byte) bool {
	return bytes.Contains(body, []byte(`"id"`)) || bytes.Contains(body, []byte(`\u`))
}

// OfParameter returns the problem for parameter faults of the built-in contract.
func OfParameter(faults *validate.Faults) *Problem { return Entity.OfParameter(&faults.List[0]) }
