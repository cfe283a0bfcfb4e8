package audit

import (
	"encoding/json"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// member is a member that an update may change.
type member struct {
	name    string // in JSON
	differs func(a, b *pfx.Request) bool
	value   func(*pfx.Request) any // as JSON has it
}

// members are all of them.
var members = []member{
	of("userId", func(r *pfx.Request) edm.Guid { return r.UserID }),
	of("deviceId", func(r *pfx.Request) edm.Guid { return r.DeviceID }),
	of("profileId", func(r *pfx.Request) edm.Guid { return r.ProfileID }),
	of("thumbprint", func(r *pfx.Request) edm.Optional[string] { return r.Thumbprint }),
	of("deviceKeyThumbprint", func(r *pfx.Request) edm.Optional[string] { return r.DeviceKeyThumbprint }),
	of("status", func(r *pfx.Request) int32 { return r.Status }),
	of("sourceType", func(r *pfx.Request) int32 { return r.SourceType }),
	of("createdTime", func(r *pfx.Request) edm.DateTimeOffset { return r.CreatedTime }),
	of("lastModifiedTime", func(r *pfx.Request) edm.DateTimeOffset { return r.LastModifiedTime }),
	of("isDeleted", func(r *pfx.Request) bool { return r.IsDeleted }),
	of("eTag", func(r *pfx.Request) edm.Optional[string] { return r.ETag }),
}

func of[T comparable](name string, read func(*pfx.Request) T) member {
	return member{
		name:    name,
		differs: func(a, b *pfx.Request) bool { return read(a) != read(b) },
		value:   func(r *pfx.Request) any { return plain(read(r)) },
	}
}

// plain returns a value that encoding/json writes as the API does.
func plain(value any) any {
	switch v := value.(type) {
	case edm.Optional[string]:
		if text, ok := v.Get(); ok {
			return text
		}
		return nil
	case edm.Guid:
		return v.String()
	case edm.DateTimeOffset:
		return v.String()
	}
	return value
}

// changes returns the members that differ, as [Record].Changes has them.
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
	for _, m := range members {
		switch {
		case before == nil:
			all = append(all, change{Member: m.name, New: m.value(after)})
		case after == nil:
			all = append(all, change{Member: m.name, Old: m.value(before)})
		case m.differs(before, after):
			all = append(all, change{m.name, m.value(before), m.value(after)})
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err) // there are strings, numbers and truth values alone
	}
	return string(text)
}

// names returns the members that differ without their values.
func names(before, after *pfx.Request) string {
	if before == nil || after == nil {
		return "[]"
	}
	var b strings.Builder
	for _, m := range members {
		if m.differs(before, after) {
			b.WriteString(`,{"member":"` + m.name + `"}`)
		}
	}
	if b.Len() == 0 {
		return "[]"
	}
	return "[" + b.String()[1:] + "]"
}
