package pfx

import (
	"errors"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
)

// Filter says which requests are meant: those of which every comparison holds. The empty Filter means all.
type Filter []Comparison

// Comparison holds for the requests whose member has the value. Times are compared as instants, text byte by byte; null
// is equal to null alone.
type Comparison struct {
	Member string // the JSON name
	Value  any    // nil for null, else what the member is: bool, int64, string, edm.Guid or edm.DateTimeOffset
}

// The errors of NewComparison.
var (
	ErrNoMember  = errors.New("no such member")
	ErrOtherType = errors.New("the value is not of the member's type")
)

// NewComparison checks that a request has the member and that the value is of its type. Null is of every type.
func NewComparison(member string, value any) (Comparison, error) {
	sample := memberOf(&Request{}, member)
	if sample == nil {
		return Comparison{}, ErrNoMember
	}
	same := value == nil
	switch value.(type) {
	case bool:
		_, same = sample.(bool)
	case int64:
		_, same = sample.(int64)
	case edm.Guid:
		_, same = sample.(edm.Guid)
	case edm.DateTimeOffset:
		_, same = sample.(edm.DateTimeOffset)
	case string:
		switch sample.(type) {
		case string, edm.Optional[string]:
			same = true
		}
	}
	if !same {
		return Comparison{}, ErrOtherType
	}
	return Comparison{member, value}, nil
}

// memberOf returns the value of a member by its JSON name, numbers as int64; nil if there is no such member.
func memberOf(r *Request, name string) any {
	switch name {
	case "id":
		return r.ID
	case "tenantId":
		return r.TenantID
	case "userId":
		return r.UserID
	case "deviceId":
		return r.DeviceID
	case "profileId":
		return r.ProfileID
	case "thumbprint":
		return r.Thumbprint
	case "deviceKeyThumbprint":
		return r.DeviceKeyThumbprint
	case "status":
		return int64(r.Status)
	case "sourceType":
		return int64(r.SourceType)
	case "createdTime":
		return r.CreatedTime
	case "lastModifiedTime":
		return r.LastModifiedTime
	case "isDeleted":
		return r.IsDeleted
	case "eTag":
		return r.ETag
	}
	return nil
}

// Matches reports whether every comparison holds for r. It is what a store's own language has to agree with.
func (f Filter) Matches(r *Request) bool {
	for _, c := range f {
		if !c.matches(memberOf(r, c.Member)) {
			return false
		}
	}
	return true
}

func (c Comparison) matches(member any) bool {
	switch m := member.(type) {
	case edm.Optional[string]:
		text, ok := m.Get()
		return c.Value == nil && !ok || ok && c.Value == text
	case edm.DateTimeOffset:
		want, ok := c.Value.(edm.DateTimeOffset)
		return ok && m.Compare(want) == 0
	}
	return member == c.Value
}
