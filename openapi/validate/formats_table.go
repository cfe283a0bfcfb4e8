package validate

import (
	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate/ecma"
)

// formatRule has the checks of a format for strings and for JSON numbers; nil for no check.
type formatRule struct {
	types  Types
	text   func(s string) bool
	number func(literal []byte) bool
}

// formatRules are the formats of JSON Schema 2020-12, of the OpenAPI format registry, and of Edm. Each follows its
// specification exactly:
//
//   - date-time and time allow leap seconds at the end of a day in UTC, and lower-case t and z (RFC 3339 §5.6, §5.7)
//   - duration must not skip a unit between two others and has no fractions (RFC 3339 appendix A)
//   - hostname and idn-hostname follow IDNA2008 (RFC 5891 to 5893) except normalization (RFC 5891 §5.3); see isULabel
//   - regex is ECMA-262 with the flag u, which is stricter than the patterns of a document
//   - base64url may omit its padding (RFC 4648 §3.2)
//   - int64, uint64, decimal, decimal128 and unixtime may also be strings, as in the registry
var formatRules = map[string]formatRule{
	"date":            ofText(isDate),
	"date-time":       ofText(isDateTime),
	"date-time-local": ofText(isDateTimeLocal),
	"duration":        ofText(isDuration),
	"http-date":       ofText(isHTTPDate),
	"time":            ofText(isTime),
	"time-local":      ofText(isTimeLocal),
	"unixtime":        {types: String | Number, text: isDecimal},

	"email":         ofText(isEmail),
	"hostname":      ofText(isHostname),
	"idn-email":     ofText(isIDNEmail),
	"idn-hostname":  ofText(isIDNHostname),
	"ipv4":          ofText(isIPv4),
	"ipv4-cidr":     ofText(isIPv4Prefix),
	"ipv6":          ofText(isIPv6),
	"ipv6-cidr":     ofText(isIPv6Prefix),
	"iri":           ofText(isIRI),
	"iri-reference": ofText(isIRIReference),
	"language":      ofText(isLanguage),
	"media-range":   ofText(isMediaRange),
	"uri":           ofText(isURI),
	"uri-reference": ofText(isURIReference),
	"uri-template":  ofText(isURITemplate),

	"base64url":             ofText(isBase64URL),
	"binary":                ofText(nil),
	"byte":                  ofText(isByte),
	"char":                  ofText(isCharacter),
	"commonmark":            ofText(nil),
	"html":                  ofText(nil),
	"json-pointer":          ofText(isJSONPointer),
	"password":              ofText(nil),
	"regex":                 ofText(ecma.Valid),
	"relative-json-pointer": ofText(isRelativeJSONPointer),
	"uuid":                  ofText(isUUID),

	"sf-binary":  ofText(isStructuredBinary),
	"sf-boolean": ofText(isStructuredBoolean),
	"sf-decimal": ofNumber(isStructuredDecimal),
	"sf-integer": ofNumber(isStructuredInteger),
	"sf-string":  ofText(isStructuredString),
	"sf-token":   ofText(isStructuredToken),

	"decimal":    {types: String | Number, text: isDecimal},
	"decimal128": {types: String | Number, text: isDecimal128Text, number: isDecimal128},
	"double":     ofNumber(isDouble),
	"double-int": ofNumber(isDoubleInt),
	"float":      ofNumber(isFloat),
	"int8":       ofNumber(isInt8),
	"int16":      ofNumber(isInt16),
	"int32":      ofNumber(isInt32),
	"int64":      {types: String | Number, text: isInt64Text, number: isInt64},
	"uint8":      ofNumber(isUint8),
	"uint16":     ofNumber(isUint16),
	"uint32":     ofNumber(isUint32),
	"uint64":     {types: String | Number, text: isUint64Text, number: isUint64},

	"edm-datetimeoffset": ofText(edm.ValidDateTimeOffset[string]),
	"edm-int32":          ofNumber(isEdmInt32),
}

func ofText(is func(string) bool) formatRule { return formatRule{types: String, text: is} }

func ofNumber(is func([]byte) bool) formatRule { return formatRule{types: Number, number: is} }

// KnownFormat reports whether a format has a meaning for a value of one of the types, even if only for people, such as
// password. Other formats are unknown annotations.
func KnownFormat(name string, types Types) bool {
	if types&Integer != 0 {
		types |= Number
	}
	return formatRules[name].types&types != 0
}

// formatOf returns the checks of a format for strings and for numbers; nil for no check.
func formatOf(name string) (text func(string) bool, number func([]byte) bool) {
	rule := formatRules[name]
	return rule.text, rule.number
}
