package spec

import (
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

var (
	stringFormats = words(`date-time date time duration email idn-email hostname idn-hostname ipv4 ipv6 uri uri-reference iri
		iri-reference uuid uri-template json-pointer relative-json-pointer regex byte base64url binary password
		edm-datetimeoffset`)
	numberFormats = words(`int8 int16 int32 int64 uint8 uint16 uint32 uint64 double-int float double edm-int32`)
)

// knownFormat reports whether a format is checked for values of the types.
func knownFormat(name string, types validate.Types) bool {
	return stringFormats[name] && types&validate.String != 0 || numberFormats[name] && types&(validate.Number|validate.Integer) != 0
}
