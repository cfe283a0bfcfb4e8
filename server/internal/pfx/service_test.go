package pfx_test

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// one is a store of a single request, to test the rules without a database.
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
	return &one{request: pfx.Request{Entity: pfx.Entity{ID: "a", TenantID: tenant, Thumbprint: edm.Value("x")}, Version: 7}}
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
			_, err := (&pfx.Service{Store: store, RequireCondition: tt.require}).Patch(t.Context(), tenant, tt.id, tt.cond, &tt.patch)
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
		got, err := (&pfx.Service{Store: newOne()}).Patch(t.Context(), tenant, "a", cond, &pfx.Patch{Status: edm.Value(int32(9))})
		if err != nil || got.Status != 9 || got.Version != 8 {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

// TestPatchChangesWhatItNames sets one field at a time, by reflection, so that it covers every new member.
func TestPatchChangesWhatItNames(t *testing.T) {
	t.Parallel()
	own := map[string]any{"ID": edm.Value("a"), "TenantID": edm.Value(tenant), "Thumbprint": edm.Null[string]()}
	patches := reflect.TypeFor[pfx.Patch]()
	for i := range patches.NumField() {
		name := patches.Field(i).Name
		value, ok := own[name]
		if !ok {
			value = map[reflect.Type]any{
				reflect.TypeFor[pfxapi.ODataType]():                 pfxapi.ODataTypePfxRecryptionRequest,
				reflect.TypeFor[edm.Optional[string]]():             edm.Value("y"),
				reflect.TypeFor[edm.Optional[int32]]():              edm.Value(int32(-1)),
				reflect.TypeFor[edm.Optional[bool]]():               edm.Value(true),
				reflect.TypeFor[edm.Optional[edm.Guid]]():           edm.Value(edm.Guid{3}),
				reflect.TypeFor[edm.Optional[edm.DateTimeOffset]](): edm.Value(date(t, "2017-01-01T00:03Z")),
			}[patches.Field(i).Type]
		}
		var p pfx.Patch
		reflect.ValueOf(&p).Elem().Field(i).Set(reflect.ValueOf(value))
		before := newOne().request
		got, err := (&pfx.Service{Store: newOne()}).Patch(t.Context(), tenant, "a", pfx.Condition{}, &p)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		if name != "ID" && name != "TenantID" && name != "ODataType" {
			want = []string{name}
		}
		if changed := changedFields(got, &before); !slices.Equal(changed, want) || (got.Version == before.Version) != (want == nil) {
			t.Errorf("a patch of %s changed %v, version %d after version %d, want %v", name, changed, got.Version, before.Version, want)
		}
	}
}

func changedFields(a, b *pfx.Request) []string {
	var names []string
	for i := range reflect.TypeFor[pfx.Entity]().NumField() {
		if !reflect.ValueOf(a.Entity).Field(i).Equal(reflect.ValueOf(b.Entity).Field(i)) {
			names = append(names, reflect.TypeFor[pfx.Entity]().Field(i).Name)
		}
	}
	return names
}

// TestSelect selects one member at a time, and all.
func TestSelect(t *testing.T) {
	t.Parallel()
	r := newOne().request
	r.Normalize()
	for _, m := range pfx.Members {
		p := reflect.ValueOf(r.Select([]string{m.Name}))
		var found []string
		for i := range p.NumField() {
			if !p.Field(i).IsZero() {
				name, _, _ := strings.Cut(p.Type().Field(i).Tag.Get("json"), ",")
				found = append(found, name)
			}
		}
		if want := []string{m.Name}; !slices.Equal(found, want) {
			t.Errorf("got %v, want %v", found, want)
		}
	}
	all := r.Select(nil)
	if v, ok := all.ID.Get(); !ok || v != "a" || !all.ETag.IsNull() {
		t.Errorf("got %+v, want all members", all)
	}
}

func TestVersionChangesOnlyWithAMember(t *testing.T) {
	t.Parallel()
	store := newOne()
	service := &pfx.Service{Store: store}
	for range 3 {
		got, err := service.Patch(t.Context(), tenant, "a", pfx.Condition{}, &pfx.Patch{Thumbprint: edm.Value("x"), TenantID: edm.Value(tenant)})
		if err != nil || got.Version != 7 {
			t.Fatalf("got version %d, %v, want 7", got.Version, err)
		}
	}
}

// several is a store of requests by key, to test creation without a database.
type several struct {
	pfx.Store
	requests map[string]pfx.Request
	// raced runs before an insertion: it does what others may do between lookup and creation.
	raced func()
}

func (s *several) Update(_ context.Context, tenant edm.Guid, id string, fn func(*pfx.Request) error) (*pfx.Request, error) {
	r, ok := s.requests[id]
	if !ok || r.TenantID != tenant {
		return nil, pfx.NotFoundError()
	}
	if err := r.Change(fn); err != nil {
		return nil, err
	}
	s.requests[id] = r
	return &r, nil
}

func (s *several) Insert(_ context.Context, r pfx.Request) (*pfx.Request, error) {
	if s.raced != nil {
		s.raced()
	}
	if _, ok := s.requests[r.ID]; ok {
		return nil, &pfx.Error{Kind: pfx.Exists, Msg: "exists"}
	}
	r.Version = 1
	s.requests[r.ID] = r
	return &r, nil
}

func (s *several) Delete(_ context.Context, _ edm.Guid, id string, check func(*pfx.Request) error) error {
	r, ok := s.requests[id]
	if !ok {
		return pfx.NotFoundError()
	}
	if err := check(&r); err != nil {
		return err
	}
	delete(s.requests, id)
	return nil
}

func (s *several) List(_ context.Context, _ edm.Guid, q pfx.Query) ([]pfx.Request, error) {
	var list []pfx.Request
	for _, id := range slices.Sorted(maps.Keys(s.requests)) {
		if id > q.After && len(list) < q.Limit {
			list = append(list, s.requests[id])
		}
	}
	return list, nil
}

func (s *several) Count(context.Context, edm.Guid, pfx.Filter) (int64, error) {
	return int64(len(s.requests)), nil
}

// whole returns a patch with every required member of a request.
func whole(t *testing.T) *pfx.Patch {
	return &pfx.Patch{
		TenantID: edm.Value(tenant), UserID: edm.Value(edm.Guid{}), DeviceID: edm.Value(edm.Guid{}), ProfileID: edm.Value(edm.Guid{}),
		Thumbprint: edm.Null[string](), DeviceKeyThumbprint: edm.Null[string](), ETag: edm.Null[string](),
		Status: edm.Value(int32(5)), SourceType: edm.Value(int32(0)), IsDeleted: edm.Value(false),
		CreatedTime: edm.Value(date(t, "2017-01-01T00:03Z")), LastModifiedTime: edm.Value(date(t, "2017-01-01T00:03Z")),
	}
}

func TestUpsert(t *testing.T) {
	t.Parallel()
	exists := func() map[string]pfx.Request {
		return map[string]pfx.Request{"a": {Entity: pfx.Entity{ID: "a", TenantID: tenant}, Version: 7}}
	}
	for name, tt := range map[string]struct {
		store      *several
		require    bool
		insertOnly bool
		patch      *pfx.Patch
		created    bool
		want       pfx.Kind // if refused
		refused    bool
	}{
		"creates":                {store: &several{requests: map[string]pfx.Request{}}, patch: whole(t), created: true},
		"updates":                {store: &several{requests: exists()}, patch: &pfx.Patch{Status: edm.Value(int32(5))}},
		"incomplete":             {store: &several{requests: map[string]pfx.Request{}}, patch: &pfx.Patch{Status: edm.Value(int32(5))}, refused: true, want: pfx.Invalid},
		"insertOnlyCreates":      {store: &several{requests: map[string]pfx.Request{}}, insertOnly: true, patch: whole(t), created: true},
		"insertOnlyExists":       {store: &several{requests: exists()}, insertOnly: true, patch: whole(t), refused: true, want: pfx.Exists},
		"otherTenant":            {store: &several{requests: exists()}, patch: &pfx.Patch{TenantID: edm.Value(other)}, refused: true, want: pfx.Denied},
		"conditionRequired":      {store: &several{requests: exists()}, require: true, patch: whole(t), refused: true, want: pfx.PreconditionRequired},
		"insertOnlyIsACondition": {store: &several{requests: map[string]pfx.Request{}}, require: true, insertOnly: true, patch: whole(t), created: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := maps.Clone(tt.store.requests)
			got, created, err := (&pfx.Service{Store: tt.store, RequireCondition: tt.require}).Upsert(t.Context(), tenant, "a", tt.insertOnly, tt.patch)
			if tt.refused {
				if e, ok := errors.AsType[*pfx.Error](err); !ok || e.Kind != tt.want || !maps.Equal(before, tt.store.requests) {
					t.Errorf("got %v, want kind %d and nothing changed", err, tt.want)
				}
				return
			}
			if err != nil || created != tt.created || got.Status != 5 || got.TenantID != tenant || got.ID != "a" {
				t.Errorf("got %+v, created %t, %v", got, created, err)
			}
		})
	}
}

// TestUpsertFollowsOthers: others create the request between lookup and creation.
func TestUpsertFollowsOthers(t *testing.T) {
	t.Parallel()
	store := &several{requests: map[string]pfx.Request{}}
	store.raced = func() { store.requests["a"] = pfx.Request{Entity: pfx.Entity{ID: "a", TenantID: tenant}, Version: 7} }
	got, created, err := (&pfx.Service{Store: store}).Upsert(t.Context(), tenant, "a", false, whole(t))
	if err != nil || created || got.Version != 8 || got.Status != 5 {
		t.Errorf("got %+v, created %t, %v, want an update of the request that others have created", got, created, err)
	}
}

// TestUpsertNamesWhatIsMissing omits one required member at a time.
func TestUpsertNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	for i := range reflect.TypeFor[pfx.Patch]().NumField() {
		name := reflect.TypeFor[pfx.Patch]().Field(i).Name
		p := whole(t)
		if reflect.ValueOf(p).Elem().Field(i).IsZero() {
			continue
		}
		reflect.ValueOf(p).Elem().Field(i).SetZero()
		_, _, err := (&pfx.Service{Store: &several{requests: map[string]pfx.Request{}}}).Upsert(t.Context(), tenant, "a", false, p)
		e, ok := errors.AsType[*pfx.Error](err)
		if !ok || e.Kind != pfx.Invalid || len(e.Details) != 1 || !strings.EqualFold(e.Details[0].Member, name) {
			t.Errorf("without %s: got %+v", name, err)
		}
	}
}

func TestCreateMakesTheKey(t *testing.T) {
	t.Parallel()
	service := &pfx.Service{Store: &several{requests: map[string]pfx.Request{}}}
	a, errA := service.Create(t.Context(), tenant, pfx.Entity{ID: "mine", TenantID: tenant})
	b, errB := service.Create(t.Context(), tenant, pfx.Entity{ID: "mine", TenantID: tenant})
	if errA != nil || errB != nil || a.ID == b.ID || a.ID == "mine" || len(a.ID) != 36 {
		t.Errorf("got %+v, %v and %+v, %v, want two keys", a, errA, b, errB)
	}
	if _, err := service.Create(t.Context(), tenant, pfx.Entity{TenantID: other}); !isKind(err, pfx.Denied) {
		t.Errorf("got %v, want another tenant denied", err)
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	store := &several{requests: map[string]pfx.Request{"a": {Entity: pfx.Entity{ID: "a", TenantID: tenant}, Version: 7}}}
	strict := &pfx.Service{Store: store, RequireCondition: true}
	if err := strict.Delete(t.Context(), tenant, "a", pfx.Condition{}); !isKind(err, pfx.PreconditionRequired) {
		t.Errorf("without a condition: got %v", err)
	}
	if err := strict.Delete(t.Context(), tenant, "a", pfx.Condition{Versions: []pfx.Version{6}}); !isKind(err, pfx.PreconditionFailed) {
		t.Errorf("with another version: got %v", err)
	}
	if err := strict.Delete(t.Context(), tenant, "a", pfx.Condition{Versions: []pfx.Version{7}}); err != nil || len(store.requests) != 0 {
		t.Errorf("with its version: got %v", err)
	}
}

func TestListSaysWhetherThereIsMore(t *testing.T) {
	t.Parallel()
	service := &pfx.Service{Store: &several{requests: map[string]pfx.Request{"a": {Entity: pfx.Entity{ID: "a"}}, "b": {Entity: pfx.Entity{ID: "b"}}, "c": {Entity: pfx.Entity{ID: "c"}}}}}
	for limit, more := range map[int]bool{1: true, 2: true, 3: false, 4: false} {
		page, err := service.List(t.Context(), tenant, pfx.Query{Limit: limit}, limit == 1)
		if err != nil || page.More != more || len(page.Requests) != min(limit, 3) || (page.Count != nil) != (limit == 1) {
			t.Errorf("limit %d: got %+v, %v", limit, page, err)
		}
	}
}

func isKind(err error, kind pfx.Kind) bool {
	e, ok := errors.AsType[*pfx.Error](err)
	return ok && e.Kind == kind
}

func TestNewVersion(t *testing.T) {
	t.Parallel()
	seen := map[pfx.Version]bool{}
	for range 1000 {
		v := pfx.NewVersion()
		if v <= 0 || v+1<<61 <= 0 || seen[v] {
			t.Fatalf("version %d is not positive, has no room to grow, or is a duplicate", v)
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
