package pfx

import (
	"errors"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
)

// Filter selects the requests that match every comparison. The empty Filter selects all.
type Filter []Comparison

// Comparison matches the requests whose member has the value. Times are compared as instants, text byte by byte; null
// equals only null.
type Comparison struct {
	Member *Member
	Value  any // nil for null, else bool, int64, string, edm.Guid or edm.DateTimeOffset
}

// The errors of NewComparison.
var (
	ErrNoMember  = errors.New("no such member")
	ErrOtherType = errors.New("the value is not of the member's type")
)

// NewComparison returns an error if requests have no such member or the value has another type. Null has every type.
func NewComparison(member string, value any) (Comparison, error) {
	m := MemberNamed(member)
	if m == nil {
		return Comparison{}, ErrNoMember
	}
	same := value == nil
	switch value.(type) {
	case bool:
		same = m.Type == Boolean
	case int64:
		same = m.Type == Int32
	case string:
		same = m.Type == Text
	case edm.Guid:
		same = m.Type == Guid
	case edm.DateTimeOffset:
		same = m.Type == DateTimeOffset
	}
	if !same {
		return Comparison{}, ErrOtherType
	}
	return Comparison{m, value}, nil
}

// Matches reports whether r matches every comparison. A store's queries must select the same requests.
func (f Filter) Matches(r *Request) bool {
	for _, c := range f {
		if !c.matches(c.Member.Value(r)) {
			return false
		}
	}
	return true
}

func (c Comparison) matches(value any) bool {
	switch v := value.(type) {
	case int32:
		return c.Value == int64(v)
	case edm.DateTimeOffset:
		want, ok := c.Value.(edm.DateTimeOffset)
		return ok && v.Compare(want) == 0
	}
	return value == c.Value
}
