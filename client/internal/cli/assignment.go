package cli

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/client"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// parseUpdate reads an update from object, a JSON object or empty, and from assignments, which override it. An assignment is
// member:=JSON, or member=value, whose type the contract determines; null is null.
func parseUpdate(object []byte, assignments []string) (u client.Update, err error) {
	body := make(map[string]json.RawMessage)
	if len(object) > 0 {
		if err := faultsError(pfxvalid.DecodePfxRecryptionRequestUpdate(object, &u)); err != nil {
			return u, err
		}
		if err := json.Unmarshal(object, &body); err != nil {
			return u, err
		}
	}
	seen := make(map[string]bool)
	for _, a := range assignments {
		name, value, ok := strings.Cut(a, "=")
		name, isJSON := strings.CutSuffix(name, ":")
		if !ok || name == "" {
			return u, usagef("%q is not an assignment: write member=value or member:=JSON", a)
		}
		if seen[name] {
			return u, usagef("the member %q is assigned twice", name)
		}
		seen[name] = true
		if body[name], err = valueOf(name, value, isJSON); err != nil {
			return u, err
		}
	}
	text, err := json.Marshal(body)
	if err != nil {
		return u, err
	}
	return u, faultsError(pfxvalid.DecodePfxRecryptionRequestUpdate(text, &u))
}

// valueOf returns the JSON of a member's value. Without isJSON it tries the value as a string and as JSON: the contract
// allows at most one of them.
func valueOf(name, value string, isJSON bool) (json.RawMessage, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	var u client.Update
	faults := pfxvalid.DecodePfxRecryptionRequestUpdate(member(name, []byte(value)), &u)
	if isJSON || value == "null" || faults == nil && pfxvalid.DecodePfxRecryptionRequestUpdate(member(name, text), &u) != nil {
		return json.RawMessage(value), faultsError(faults)
	}
	return text, faultsError(pfxvalid.DecodePfxRecryptionRequestUpdate(member(name, text), &u))
}

// member returns the object {name: value}.
func member(name string, value []byte) []byte {
	key, _ := json.Marshal(name) // a string always has JSON
	return bytes.Join([][]byte{[]byte("{"), key, []byte(":"), value, []byte("}")}, nil)
}

// faultsError returns an error that lists the faults, or nil if there are none.
func faultsError(faults *validate.Faults) error {
	if faults == nil {
		return nil
	}
	if faults.Malformed {
		return usagef("this is not JSON from byte %d on, or nests too deep", faults.Offset)
	}
	var b strings.Builder
	for _, f := range faults.List {
		b.WriteString("\n  " + f.Name + ": ")
		switch f.Keyword {
		case "additionalProperties":
			b.WriteString("the object has no such member")
		case "required":
			b.WriteString("it is required")
		default:
			b.WriteString("it must be " + rule(f))
		}
	}
	return usagef("invalid by the contract:%s", b.String())
}

// rule says what a member must be.
func rule(f validate.Fault) string {
	switch {
	case f.Expected.Format == "edm-int32":
		return "an integer from -2147483648 to 2147483647, without fraction or exponent"
	case f.Expected.Format == "uuid":
		return "a GUID, such as f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9"
	case f.Expected.Format == "edm-datetimeoffset":
		return "a time with its offset, such as 2017-01-01T00:03:18.9597073-08:00"
	case f.Expected.Type == "boolean":
		return "true or false"
	case f.Keyword == "enum":
		return f.Expected.Value
	case f.Expected.Type == "string":
		return "text of at most 1,024 bytes without U+0000; three members may be null"
	}
	return strings.TrimSpace(f.Expected.Type + " " + f.Expected.Format + " (" + f.Keyword + " " + f.Expected.Value + ")")
}
