package pfx_test

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// one is a store of a single request, so that the rules can be seen without a database.
type one struct {
	pfx.Store
	request pfx.Request
}

func (s *one) Update(_ context.Context, tenant edm.Guid, id string, fn func(*pfx.Request) error) (*pfx.Request, error) {
	if tenant != s.request.TenantID || id != s.request.ID {
		return nil, pfx.NotFoundError()
	}
	next := s.request
	if err := next.Change(fn); err != nil {
		return nil, err
	}
	s.request = next
	return &next, nil
}

var (
	tenant = edm.Guid{1}
	other  = edm.Guid{2}
)

func newOne() *one {
	return &one{request: pfx.Request{ID: "a", TenantID: tenant, Thumbprint: edm.Value("x"), Version: 7}}
}

func TestPatchRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		require bool
		id      string
		cond    pfx.Condition
		patch   pfx.Patch
		want    pfx.Kind
	}{
		"otherIDInBody":            {id: "a", patch: pfx.Patch{ID: edm.Value("b")}, want: pfx.Invalid},
		"otherTenantInBody":        {id: "a", patch: pfx.Patch{TenantID: edm.Value(other)}, want: pfx.Denied},
		"idBeforeTenant":           {id: "a", patch: pfx.Patch{ID: edm.Value("b"), TenantID: edm.Value(other)}, want: pfx.Invalid},
		"tenantBeforeMissing":      {require: true, id: "a", patch: pfx.Patch{TenantID: edm.Value(other)}, want: pfx.Denied},
		"missingBeforeAbsent":      {require: true, id: "z", want: pfx.PreconditionRequired},
		"absent":                   {id: "z", want: pfx.NotFound},
		"absentBeforeFailed":       {id: "z", cond: pfx.Condition{Versions: []pfx.Version{1}}, want: pfx.NotFound},
		"absentWithAny":            {id: "z", cond: pfx.Condition{Any: true}, want: pfx.NotFound},
		"failed":                   {id: "a", cond: pfx.Condition{Versions: []pfx.Version{6, 8}}, want: pfx.PreconditionFailed},
		"noneOfOurTags":            {id: "a", cond: pfx.Condition{Versions: []pfx.Version{}}, want: pfx.PreconditionFailed},
		"foreignTagsAreACondition": {require: true, id: "a", cond: pfx.Condition{Versions: []pfx.Version{}}, want: pfx.PreconditionFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := newOne()
			before := store.request
			tt.patch.Status = edm.Value(int32(9))
			_, err := (&pfx.Service{Store: store, RequireCondition: tt.require}).Patch(t.Context(), tenant, tt.id, tt.cond, tt.patch)
			e, ok := errors.AsType[*pfx.Error](err)
			if !ok || e.Kind != tt.want {
				t.Errorf("got %v, want kind %d", err, tt.want)
			}
			if store.request != before {
				t.Error("a refused patch changed the request")
			}
		})
	}
}

func TestPatchMatches(t *testing.T) {
	t.Parallel()
	for name, cond := range map[string]pfx.Condition{
		"none":      {},
		"any":       {Any: true},
		"oneOfMany": {Versions: []pfx.Version{3, 7}},
	} {
		got, err := (&pfx.Service{Store: newOne()}).Patch(t.Context(), tenant, "a", cond, pfx.Patch{Status: edm.Value(int32(9))})
		if err != nil || got.Status != 9 || got.Version != 8 {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

// TestPatchChangesWhatItNames sets one member at a time, by reflection, so that a member that is added cannot be
// forgotten.
func TestPatchChangesWhatItNames(t *testing.T) {
	t.Parallel()
	values := map[string]any{
		"ID": edm.Value("a"), "TenantID": edm.Value(tenant),
		"UserID": edm.Value(edm.Guid{3}), "DeviceID": edm.Value(edm.Guid{4}), "ProfileID": edm.Value(edm.Guid{5}),
		"Thumbprint": edm.Null[string](), "DeviceKeyThumbprint": edm.Value("y"), "ETag": edm.Value("z"),
		"Status": edm.Value(int32(-1)), "SourceType": edm.Value(int32(-2)), "IsDeleted": edm.Value(true),
		"CreatedTime": edm.Value(date(t, "2017-01-01T00:03Z")), "LastModifiedTime": edm.Value(date(t, "2018-01-01T00:03Z")),
	}
	for i := range reflect.TypeFor[pfx.Patch]().NumField() {
		name := reflect.TypeFor[pfx.Patch]().Field(i).Name
		var p pfx.Patch
		reflect.ValueOf(&p).Elem().Field(i).Set(reflect.ValueOf(values[name]))
		before := newOne().request
		got, err := (&pfx.Service{Store: newOne()}).Patch(t.Context(), tenant, "a", pfx.Condition{}, p)
		if err != nil {
			t.Fatal(err)
		}
		var changed []string
		for j := range reflect.TypeFor[pfx.Request]().NumField() {
			if reflect.ValueOf(*got).Field(j).Interface() != reflect.ValueOf(before).Field(j).Interface() {
				changed = append(changed, reflect.TypeFor[pfx.Request]().Field(j).Name)
			}
		}
		want := []string{name, "Version"}
		if name == "ID" || name == "TenantID" {
			want = nil
		}
		if !reflect.DeepEqual(changed, want) {
			t.Errorf("a patch of %s changed %v, want %v", name, changed, want)
		}
	}
}

func TestVersionChangesOnlyWithAMember(t *testing.T) {
	t.Parallel()
	store := newOne()
	service := &pfx.Service{Store: store}
	for range 3 {
		got, err := service.Patch(t.Context(), tenant, "a", pfx.Condition{}, pfx.Patch{Thumbprint: edm.Value("x"), TenantID: edm.Value(tenant)})
		if err != nil || got.Version != 7 {
			t.Fatalf("got version %d, %v, want 7", got.Version, err)
		}
	}
}

func TestNewVersion(t *testing.T) {
	t.Parallel()
	seen := map[pfx.Version]bool{}
	for range 1000 {
		v := pfx.NewVersion()
		if v <= 0 || v+1<<61 <= 0 || seen[v] {
			t.Fatalf("version %d is not positive, has no room to grow, or came twice", v)
		}
		seen[v] = true
	}
}

func date(t *testing.T, text string) edm.DateTimeOffset {
	d, err := edm.ParseDateTimeOffset(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
