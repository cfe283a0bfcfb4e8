package audit

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// plain returns a member's value as encoding/json writes it, like the API.
func plain(m *pfx.Member, r *pfx.Request) any {
	value := m.Value(r)
	if text, ok := value.(fmt.Stringer); ok {
		return text.String()
	}
	return value
}

// changes returns the members that differ, in the form of [Record].Changes.
func changes(mode Mode, before, after *pfx.Request) string {
	if mode != Values {
		return names(before, after)
	}
	type change struct {
		Member string `json:"member"`
		Old    any    `json:"old"`
		New    any    `json:"new"`
	}
	all := []change{}
	for i := range pfx.Changeable {
		m := &pfx.Changeable[i]
		switch {
		case before == nil:
			all = append(all, change{Member: m.Name, New: plain(m, after)})
		case after == nil:
			all = append(all, change{Member: m.Name, Old: plain(m, before)})
		case !m.Equal(before, after):
			all = append(all, change{m.Name, plain(m, before), plain(m, after)})
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err) // the values are only strings, numbers and booleans
	}
	return string(text)
}

// names returns the members that differ without their values.
func names(before, after *pfx.Request) string {
	if before == nil || after == nil {
		return "[]"
	}
	list := make([]byte, 1, 256)
	list[0] = '['
	for i := range pfx.Changeable {
		if m := &pfx.Changeable[i]; !m.Equal(before, after) {
			list = append(append(append(list, `{"member":"`...), m.Name...), `"},`...)
		}
	}
	return string(append(bytes.TrimSuffix(list, []byte(",")), ']'))
}
