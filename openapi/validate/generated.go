package validate

// FormatOf returns what checks a format of strings, nil if the format is not known.
func FormatOf(name string) func(s string) bool {
	switch name {
	case "uuid":
		return isUUID
	case "date":
		return isDate
	case "date-time":
		return isDateTime
	case "byte":
		return isByte
	case "uri":
		return isURI
	case "email":
		return isEmail
	case "ipv4":
		return isIPv4
	case "ipv6":
		return isIPv6
	case "edm-datetimeoffset":
		return isDateTimeOffset
	}
	return nil
}

// DecodeByte returns the bytes that a string of the format byte stands for (RFC 4648 §4).
func DecodeByte(s string) ([]byte, bool) { return decodeByte(s) }
