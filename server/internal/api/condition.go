package api

import (
	"strconv"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// entityTag returns the strong entity tag of a version (RFC 9110 §8.8.3).
func entityTag(v pfx.Version) string {
	const digits = "0123456789abcdef"
	tag := [2 + 16]byte{0: '"', 17: '"'}
	for i := 16; i > 0; i-- {
		tag[i] = digits[v&0xf]
		v >>= 4
	}
	return string(tag[:])
}

// condition reads the value of If-Match or If-None-Match, which the contract has found well-formed; nil is an absent header. Weak and
// strong forms of a tag mean the same here, and a tag that is not one of ours matches no version.
func condition(value *string) pfx.Condition {
	if value == nil {
		return pfx.Condition{}
	}
	if *value == "*" {
		return pfx.Condition{Any: true}
	}
	cond := pfx.Condition{Versions: []pfx.Version{}}
	between := strings.Split(*value, `"`) // a tag holds no quote: every second part is one
	for i := 1; i < len(between)-1; i += 2 {
		v, err := strconv.ParseInt(between[i], 16, 64)
		if err == nil && v > 0 && entityTag(pfx.Version(v)) == `"`+between[i]+`"` {
			cond.Versions = append(cond.Versions, pfx.Version(v))
		}
	}
	return cond
}
