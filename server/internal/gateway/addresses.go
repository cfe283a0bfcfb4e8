package gateway

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// readdresses reports whether addresses in the response's body are replaced: those of OData's control information in
// responses of the built-in contract.
func (x *exchange) readdresses() bool {
	return x.gate.config.Address != nil && x.gate.config.Contract.Graph && x.route != nil
}

// readdress returns the body with the upstream's addresses replaced by the gateway's. A body without addresses is unchanged,
// including its codings.
func (x *exchange) readdress(body []byte) []byte {
	if !x.readdresses() {
		return body
	}
	plain, err := x.plain(body)
	if err != nil {
		return body // it cannot be decoded
	}
	replaced, changed := replaceAddresses(plain, func(address string) string { return x.gate.config.Address(x.request, address) })
	if !changed {
		return body
	}
	if len(x.codings()) > 0 {
		x.uncode()
	}
	return replaced
}

// replaceAddresses replaces addresses in JSON control information, and reports whether any changed. All other bytes stay the
// same, even in invalid JSON.
func replaceAddresses(text []byte, replace func(string) string) (replaced []byte, changed bool) {
	if bytes.IndexByte(text, '@') < 0 && bytes.IndexByte(text, '\\') < 0 {
		return text, false
	}
	copied, address := 0, false // the next value is an address
	for at := 0; at < len(text); at++ {
		switch text[at] {
		case '"':
			end := endOfString(text, at)
			if isName(text[end:]) {
				address = isAddress(text[at:end])
			} else if address {
				old := unquote(text[at:end])
				if is := replace(old); is != old {
					replaced, copied, changed = validate.AppendString(append(replaced, text[copied:at]...), is), end, true
				}
			}
			at = end - 1
		case ',', '{', '[':
			address = false
		}
	}
	if !changed {
		return text, false
	}
	return append(replaced, text[copied:]...), true
}

// endOfString returns the index after the string that begins at a quote.
func endOfString(text []byte, at int) int {
	for i := at + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// isName reports whether the string before rest is a member's name.
func isName(rest []byte) bool {
	rest = bytes.TrimLeft(rest, " \t\r\n")
	return len(rest) > 0 && rest[0] == ':'
}

func unquote(quoted []byte) string {
	if inner, closed := bytes.CutSuffix(quoted[1:], []byte{'"'}); closed && bytes.IndexByte(inner, '\\') < 0 {
		return string(inner)
	}
	var s string
	_ = json.Unmarshal(quoted, &s) // anything else than a string is no address
	return s
}

// isAddress reports whether a quoted member name is control information whose value is an address (OData JSON Format 4.01
// §4.6).
func isAddress(quoted []byte) bool {
	if !bytes.ContainsAny(quoted, `@\`) {
		return false
	}
	_, name, found := strings.Cut(unquote(quoted), "@")
	if !found {
		return false
	}
	switch strings.TrimPrefix(name, "odata.") {
	case "context", "id", "editLink", "readLink", "nextLink", "deltaLink", "associationLink", "navigationLink", "mediaEditLink", "mediaReadLink":
		return true
	}
	return false
}
