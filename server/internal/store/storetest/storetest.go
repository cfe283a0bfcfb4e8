// Package storetest is the contract of [pfx.Store] as tests. Every store passes [Run]:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) pfx.Store { return openEmpty(t) })
//	}
//
// A rule that every store must keep belongs here, not in one store's own tests.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// Run runs every test of the contract, each with its own store. open returns an empty store and registers its Close with
// t.Cleanup; a test may have closed the store before. open is called from several goroutines at once.
func Run(t *testing.T, open func(t *testing.T) pfx.Store) {
	t.Helper()
	for _, tt := range []struct {
		name string
		test func(t *testing.T, s pfx.Store)
	}{
		{"absentStringIsStoredAsNull", absentStringIsStoredAsNull},
		{"cancelledContextAppliesNothing", cancelledContextAppliesNothing},
		{"cancelledListEnds", cancelledListEnds},
		{"cancelledWhileWaitingAppliesAllOrNothing", cancelledWhileWaitingAppliesAllOrNothing},
		{"closeMayBeRepeated", closeMayBeRepeated},
		{"closedStoreIsUnavailable", closedStoreIsUnavailable},
		{"compareAndSwapHasOneWinner", compareAndSwapHasOneWinner},
		{"concurrentIncrementsLoseNone", concurrentIncrementsLoseNone},
		{"concurrentInsertsHaveOneWinner", concurrentInsertsHaveOneWinner},
		{"deleteAndUpdateExclude", deleteAndUpdateExclude},
		{"deleteOfOtherTenantIsNotFound", deleteOfOtherTenantIsNotFound},
		{"deletedIsGone", deletedIsGone},
		{"everyMemberChangeChangesVersion", everyMemberChangeChangesVersion},
		{"filtersAgree", filtersAgree},
		{"fnCannotMoveKeyOrOwner", fnCannotMoveKeyOrOwner},
		{"fnErrorStoresNothing", fnErrorStoresNothing},
		{"fnPanicStoresNothingAndStoreSurvives", fnPanicStoresNothingAndStoreSurvives},
		{"fnSeesWhatIsStored", fnSeesWhatIsStored},
		{"insertGivesANewVersion", insertGivesANewVersion},
		{"insertTwiceIsExists", insertTwiceIsExists},
		{"int32LimitsAreKept", int32LimitsAreKept},
		{"keysAreComparedByteForByte", keysAreComparedByteForByte},
		{"listHasWholeRequests", listHasWholeRequests},
		{"listIsInOrderOfBytes", listIsInOrderOfBytes},
		{"listExcludesOtherTenants", listExcludesOtherTenants},
		{"noChangeKeepsVersion", noChangeKeepsVersion},
		{"oneFailureAffectsNoOther", oneFailureAffectsNoOther},
		{"otherTenantIsNotFound", otherTenantIsNotFound},
		{"pagesAreStable", pagesAreStable},
		{"readersSeeWholeVersions", readersSeeWholeVersions},
		{"readyWhileOpen", readyWhileOpen},
		{"refusedDeleteKeeps", refusedDeleteKeeps},
		{"resultIsTheCallersOwn", resultIsTheCallersOwn},
		{"sameKeyInTwoTenantsIsTwoRequests", sameKeyInTwoTenantsIsTwoRequests},
		{"textIsKeptByteForByte", textIsKeptByteForByte},
		{"timeIsKeptByteForByte", timeIsKeptByteForByte},
		{"unknownIsNotFound", unknownIsNotFound},
		{"updateReturnsWhatGetReturns", updateReturnsWhatGetReturns},
		{"zeroTimeIsKept", zeroTimeIsKept},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.test(t, open(t))
		})
	}
}

// The tenants of the tests. Only their last bits differ.
var (
	ours   = edm.Guid{0xf9, 0x88, 0x2b, 0xcd, 15: 0xf8}
	theirs = edm.Guid{0xf9, 0x88, 0x2b, 0xcd, 15: 0xf9}
)

// Request returns a request with a value in every member, for an Insert.
func Request(tenant edm.Guid, id string) pfx.Request {
	r := pageRequest(tenant, id)
	for i := range pfx.Changeable {
		if m := &pfx.Changeable[i]; m.Value(&r) == nil {
			change(m, &r)
		}
	}
	return r
}

// pageRequest returns a request with a value in every member of the documented page. Members that later releases add are
// null.
func pageRequest(tenant edm.Guid, id string) pfx.Request {
	r := pfx.Request{Entity: pfx.Entity{
		ID:                  id,
		TenantID:            tenant,
		UserID:              edm.Guid{1, 15: 1},
		DeviceID:            edm.Guid{2, 15: 2},
		ProfileID:           edm.Guid{3, 15: 3},
		Thumbprint:          edm.Value("Thumbprint value"),
		DeviceKeyThumbprint: edm.Value("Device Key Thumbprint value"),
		Status:              6,
		SourceType:          10,
		CreatedTime:         mustTime("2017-01-01T00:03:18.9597073-08:00"),
		LastModifiedTime:    mustTime("2017-01-01T00:03:18.5958204-08:00"),
		IsDeleted:           true,
		ETag:                edm.Value("ETag value"),
	}}
	r.Normalize()
	return r
}

func mustTime(text string) edm.DateTimeOffset {
	d, err := edm.ParseDateTimeOffset(text)
	if err != nil {
		panic(err)
	}
	return d
}

func unknownIsNotFound(t *testing.T, s pfx.Store) {
	insert(t, s, Request(ours, "a"))
	_, err := s.Get(t.Context(), ours, "b")
	wantKind(t, err, pfx.NotFound)
	_, err = s.Update(t.Context(), ours, "b", func(*pfx.Request) error {
		t.Error("fn ran for a request that does not exist")
		return nil
	})
	wantKind(t, err, pfx.NotFound)
	_, err = s.Get(t.Context(), ours, "b")
	wantKind(t, err, pfx.NotFound)
}

// otherTenantIsNotFound also compares the messages: an error must not reveal that another tenant has the request.
func otherTenantIsNotFound(t *testing.T, s pfx.Store) {
	before := insert(t, s, Request(theirs, "a"))
	_, err := s.Get(t.Context(), ours, "a")
	_, unknown := s.Get(t.Context(), ours, "unknown")
	wantSameError(t, err, unknown)
	_, err = s.Update(t.Context(), ours, "a", func(*pfx.Request) error {
		t.Error("fn ran for a request of another tenant")
		return nil
	})
	wantSameError(t, err, unknown)
	wantStored(t, s, before)
}

func sameKeyInTwoTenantsIsTwoRequests(t *testing.T, s pfx.Store) {
	a := insert(t, s, Request(ours, "a"))
	b := insert(t, s, Request(theirs, "a"))
	a = update(t, s, a, func(r *pfx.Request) error { r.Status = 100; return nil })
	wantStored(t, s, a)
	wantStored(t, s, b)
	b = update(t, s, b, func(r *pfx.Request) error { r.Status = 200; return nil })
	wantStored(t, s, a)
	wantStored(t, s, b)
}

func keysAreComparedByteForByte(t *testing.T, s pfx.Store) {
	var all []*pfx.Request
	for i, id := range []string{"a", "A", "a ", " a", "a.", "aa", "1", "01", "1.0", "1e0", "ä", "a\u0308", "%", "_", "~", strings.Repeat("k", 128)} {
		r := Request(ours, id)
		r.Status = int32(i)
		all = append(all, insert(t, s, r))
	}
	for _, r := range all {
		wantStored(t, s, r)
	}
}

func insertTwiceIsExists(t *testing.T, s pfx.Store) {
	first := insert(t, s, Request(ours, "a"))
	second := Request(ours, "a")
	second.Status = 99
	_, err := s.Insert(t.Context(), second)
	wantKind(t, err, pfx.Exists)
	wantStored(t, s, first)
}

func concurrentInsertsHaveOneWinner(t *testing.T, s pfx.Store) {
	var won atomic.Pointer[pfx.Request]
	inParallel(8, func(n int) {
		r := Request(ours, "a")
		r.Status = int32(n)
		got, err := s.Insert(t.Context(), r)
		if err != nil {
			wantKind(t, err, pfx.Exists)
		} else if !won.CompareAndSwap(nil, got) {
			t.Error("two inserts of one key succeeded")
		}
	})
	if won.Load() == nil {
		t.Fatal("no insert succeeded")
	}
	wantStored(t, s, won.Load())
}

func insertGivesANewVersion(t *testing.T, s pfx.Store) {
	seen := map[pfx.Version]bool{}
	for n := range 16 {
		r := Request(ours, fmt.Sprint(n))
		r.Version = 42
		got := insert(t, s, r)
		if got.Version <= 0 || got.Version == 42 || seen[got.Version] {
			t.Errorf("got version %d, want a positive one of its own", got.Version)
		}
		seen[got.Version] = true
		r.Version = got.Version
		wantEqual(t, got, &r)
	}
}

func updateReturnsWhatGetReturns(t *testing.T, s pfx.Store) {
	r := insert(t, s, Request(ours, "a"))
	wantStored(t, s, r)
	for i := range pfx.Changeable {
		m := &pfx.Changeable[i]
		got := update(t, s, r, func(r *pfx.Request) error { change(m, r); return nil })
		want := *r
		change(m, &want)
		want.Version = got.Version
		wantEqual(t, got, &want)
		wantStored(t, s, got)
		r = got
	}
}

func fnSeesWhatIsStored(t *testing.T, s pfx.Store) {
	want := insert(t, s, Request(ours, "a"))
	update(t, s, want, func(r *pfx.Request) error { wantEqual(t, r, want); return nil })
	wantStored(t, s, want)
}

func resultIsTheCallersOwn(t *testing.T, s pfx.Store) {
	r := insert(t, s, Request(ours, "a"))
	want := *r
	r.Status = -1
	got := update(t, s, r, func(*pfx.Request) error { return nil })
	wantEqual(t, got, &want)
	got.Status = -2
	got, err := s.Get(t.Context(), ours, "a")
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, got, &want)
	got.Status = -3
	wantStored(t, s, &want)
}

func noChangeKeepsVersion(t *testing.T, s pfx.Store) {
	r := insert(t, s, Request(ours, "a"))
	for name, fn := range map[string]func(*pfx.Request){
		"nothing":        func(*pfx.Request) {},
		"same values":    func(r *pfx.Request) { *r = Request(ours, "a") },
		"there and back": func(r *pfx.Request) { r.Status++; r.Status-- },
		"version alone":  func(r *pfx.Request) { r.Version += 7 },
		"key and owner":  func(r *pfx.Request) { r.ID, r.TenantID = "b", theirs },
	} {
		got := update(t, s, r, func(r *pfx.Request) error { fn(r); return nil })
		if got.Version != r.Version {
			t.Errorf("%s: got version %d, want the old %d", name, got.Version, r.Version)
		}
		wantStored(t, s, r)
	}
}

// change gives one member another value. A nullable one goes from a value to null and then to the zero value, which is
// easily confused with null. A time goes from one text to another for the same instant.
func change(m *pfx.Member, r *pfx.Request) {
	if m.Nullable && m.Value(r) != nil {
		m.Clear(r)
		return
	}
	switch v := m.Value(r).(type) {
	case bool:
		pfx.Set(m, r, !v)
	case int32:
		pfx.Set(m, r, v+1)
	case edm.Guid:
		v[15]++
		pfx.Set(m, r, v)
	case edm.DateTimeOffset:
		pfx.Set(m, r, rewritten(v))
	case nil:
		setZero(m, r)
	default:
		panic("storetest cannot change a value of this type")
	}
}

// setZero gives a null member the zero value of its type, or some time.
func setZero(m *pfx.Member, r *pfx.Request) {
	switch m.Type {
	case pfx.Text:
		pfx.Set(m, r, "")
	case pfx.Boolean:
		pfx.Set(m, r, false)
	case pfx.Int32:
		pfx.Set(m, r, int32(0))
	case pfx.Guid:
		pfx.Set(m, r, edm.Guid{})
	case pfx.DateTimeOffset:
		pfx.Set(m, r, rewritten(edm.DateTimeOffset{}))
	}
}

// rewritten returns another text for the same instant.
func rewritten(d edm.DateTimeOffset) edm.DateTimeOffset {
	const short, long = "2026-01-02T03:04:05.5-08:00", "2026-01-02T03:04:05.50-08:00"
	if d.String() == short {
		return mustTime(long)
	}
	return mustTime(short)
}

func everyMemberChangeChangesVersion(t *testing.T, s pfx.Store) {
	r := insert(t, s, Request(ours, "a"))
	seen := map[pfx.Version]bool{r.Version: true}
	for range 2 {
		for i := range pfx.Changeable {
			m := &pfx.Changeable[i]
			got := update(t, s, r, func(r *pfx.Request) error { change(m, r); return nil })
			if seen[got.Version] {
				t.Errorf("%s: got version %d again", m.Name, got.Version)
			}
			seen[got.Version] = true
			wantStored(t, s, got)
			r = got
		}
	}
}

func fnErrorStoresNothing(t *testing.T, s pfx.Store) {
	r := insert(t, s, Request(ours, "a"))
	refusal := &pfx.Error{Kind: pfx.PreconditionFailed, Msg: "moved on"}
	for _, want := range []error{refusal, errors.New("plain")} {
		got, err := s.Update(t.Context(), ours, "a", func(r *pfx.Request) error {
			r.Status, r.ETag = 99, edm.Null[string]()
			return want
		})
		if got != nil || !errors.Is(err, want) {
			t.Errorf("got %v, %v, want nil and fn's own error %v", got, err, want)
		}
		wantStored(t, s, r)
	}
}

func fnPanicStoresNothingAndStoreSurvives(t *testing.T, s pfx.Store) {
	r := insert(t, s, Request(ours, "a"))
	cause := errors.New("the cause")
	_, err := s.Update(t.Context(), ours, "a", func(r *pfx.Request) error {
		r.Status = 99
		panic(cause)
	})
	wantKind(t, err, pfx.Internal)
	if !errors.Is(err, cause) {
		t.Errorf("got error %v, want one that wraps the panic's value", err)
	}
	if e, ok := errors.AsType[*pfx.Error](err); ok && strings.Contains(e.Msg, cause.Error()) {
		t.Errorf("got message %q, want one that does not tell the client of the panic", e.Msg)
	}
	wantStored(t, s, r)
	got := update(t, s, r, func(r *pfx.Request) error { r.Status = 100; return nil })
	if got.Version != r.Version+1 {
		t.Errorf("got version %d, want %d", got.Version, r.Version+1)
	}
	wantStored(t, s, got)
}

func fnCannotMoveKeyOrOwner(t *testing.T, s pfx.Store) {
	r := insert(t, s, Request(ours, "a"))
	other := insert(t, s, Request(ours, "b"))
	foreign := insert(t, s, Request(theirs, "a"))
	got := update(t, s, r, func(r *pfx.Request) error {
		r.ID, r.TenantID, r.Version, r.Status = "b", theirs, 1, 99
		return nil
	})
	want := *r
	want.Status, want.Version = 99, r.Version+1
	wantEqual(t, got, &want)
	wantStored(t, s, &want)
	wantStored(t, s, other)
	wantStored(t, s, foreign)
	_, err := s.Get(t.Context(), theirs, "b")
	wantKind(t, err, pfx.NotFound)
}

// oneFailureAffectsNoOther runs updates that succeed, fail, panic and find nothing at the same time, so that a store with
// batches has them together.
func oneFailureAffectsNoOther(t *testing.T, s pfx.Store) {
	start := insert(t, s, Request(ours, "a"))
	const rounds = 50
	inParallel(16, func(n int) {
		for range rounds {
			id, want := "a", error(nil)
			switch n % 4 {
			case 1:
				want = errors.New("refused")
			case 2:
				id = "unknown"
			}
			_, err := s.Update(t.Context(), ours, id, func(r *pfx.Request) error {
				r.Status++
				if n%4 == 3 {
					panic("planned")
				}
				return want
			})
			switch n % 4 {
			case 0, 1:
				if !errors.Is(err, want) {
					t.Errorf("got %v, want %v", err, want)
				}
			case 2:
				wantKind(t, err, pfx.NotFound)
			case 3:
				wantKind(t, err, pfx.Internal)
			}
		}
	})
	want := *start
	want.Status += 4 * rounds
	want.Version += 4 * rounds
	wantStored(t, s, &want)
}

func textIsKeptByteForByte(t *testing.T, s pfx.Store) {
	for i, text := range []string{
		"",
		" ",
		" leading and trailing ",
		"null",
		"NULL",
		"0012",
		"1e3",
		"'); DROP TABLE request; --",
		`\x41 \u0041 "quoted" 'single' %s ?1`,
		"tab\tline\nreturn\r\nend",
		"e\u0301 is not \u00e9",
		"\u1100\u1161\u11a8 is not \uac01",
		"👩‍👩‍👧‍👦 🇨🇭 \U0010ffff",
		"\ufeffmark first",
		"\ufffe \uffff \ufffd \u2028 \u0085",
		"\u0001\u001f\u007f\u0080",
		strings.Repeat("x", 1024),
		strings.Repeat("😀", 256),
	} {
		r := Request(ours, fmt.Sprint(i))
		r.Thumbprint = edm.Value(text)
		got := insert(t, s, r)
		wantStored(t, s, got)
		got = update(t, s, got, func(r *pfx.Request) error {
			r.Thumbprint, r.DeviceKeyThumbprint, r.ETag = edm.Null[string](), edm.Value(text), edm.Value(text)
			return nil
		})
		if back, ok := got.ETag.Get(); !ok || back != text {
			t.Errorf("got %q, want %q", back, text)
		}
		wantStored(t, s, got)
	}
}

func timeIsKeptByteForByte(t *testing.T, s pfx.Store) {
	for i, text := range []string{
		"2017-01-01T00:03:18.9597070-08:00",
		"2017-01-01T00:03:18.9597073-08:00",
		"2017-01-01t00:03:18z",
		"2017-01-01T00:03Z",
		"2017-01-01T00:03:18.123456789012+14:00",
		"2017-01-01T00:03:18.500000000000-00:00",
		"0000-02-29T00:00:00Z",
		"9999-12-31T23:59:59.999999999999-14:00",
	} {
		r := Request(ours, fmt.Sprint(i))
		r.CreatedTime = mustTime(text)
		got := insert(t, s, r)
		wantStored(t, s, got)
		got = update(t, s, got, func(r *pfx.Request) error { r.LastModifiedTime = mustTime(text); return nil })
		if got.LastModifiedTime.String() != text || got.CreatedTime.String() != text {
			t.Errorf("got %v and %v, want %s", got.CreatedTime, got.LastModifiedTime, text)
		}
		wantStored(t, s, got)
	}
}

func zeroTimeIsKept(t *testing.T, s pfx.Store) {
	r := Request(ours, "a")
	r.CreatedTime, r.LastModifiedTime = edm.DateTimeOffset{}, edm.DateTimeOffset{}
	got := insert(t, s, r)
	if !got.CreatedTime.IsZero() {
		t.Errorf("got %v, want the zero time", got.CreatedTime)
	}
	wantStored(t, s, got)
}

func absentStringIsStoredAsNull(t *testing.T, s pfx.Store) {
	r := Request(ours, "a")
	r.Thumbprint, r.ETag = edm.Optional[string]{}, edm.Optional[string]{}
	got := insert(t, s, r)
	if !got.Thumbprint.IsNull() || !got.ETag.IsNull() {
		t.Errorf("got %+v, want null for the strings that are absent", got)
	}
	wantStored(t, s, got)
	got = update(t, s, got, func(r *pfx.Request) error { r.DeviceKeyThumbprint = edm.Optional[string]{}; return nil })
	if !got.DeviceKeyThumbprint.IsNull() {
		t.Errorf("got %+v, want null for the string that is absent", got)
	}
	wantStored(t, s, got)
}

func int32LimitsAreKept(t *testing.T, s pfx.Store) {
	r := insert(t, s, Request(ours, "a"))
	for _, v := range []int32{math.MinInt32, -1, 0, 1, math.MaxInt32} {
		got := update(t, s, r, func(r *pfx.Request) error { r.Status, r.SourceType = v, -v; return nil })
		if got.Status != v || got.SourceType != -v {
			t.Errorf("got %d and %d, want %d and %d", got.Status, got.SourceType, v, -v)
		}
		wantStored(t, s, got)
	}
}

func concurrentIncrementsLoseNone(t *testing.T, s pfx.Store) {
	start := insert(t, s, Request(ours, "a"))
	const callers, rounds = 16, 200
	var mu sync.Mutex
	seen := map[pfx.Version]int32{}
	inParallel(callers, func(int) {
		for range rounds {
			got := update(t, s, start, func(r *pfx.Request) error { r.Status++; return nil })
			mu.Lock()
			if _, ok := seen[got.Version]; ok {
				t.Errorf("version %d was answered twice", got.Version)
			}
			seen[got.Version] = got.Status
			mu.Unlock()
		}
	})
	want := *start
	want.Status += callers * rounds
	want.Version += callers * rounds
	wantStored(t, s, &want)
	for version, status := range seen {
		if int64(version-start.Version) != int64(status-start.Status) {
			t.Fatalf("version %d was answered with status %d", version, status)
		}
	}
}

// compareAndSwapHasOneWinner checks that exactly one of the callers that name a version changes it.
func compareAndSwapHasOneWinner(t *testing.T, s pfx.Store) {
	const callers, rounds = 8, 50
	r := insert(t, s, Request(ours, "a"))
	for round := range rounds {
		var winners atomic.Int32
		inParallel(callers, func(n int) {
			_, err := s.Update(t.Context(), ours, "a", func(stored *pfx.Request) error {
				if stored.Version != r.Version {
					return &pfx.Error{Kind: pfx.PreconditionFailed}
				}
				stored.Status = int32(round*callers + n)
				stored.SourceType++
				return nil
			})
			if err == nil {
				winners.Add(1)
				return
			}
			wantKind(t, err, pfx.PreconditionFailed)
		})
		if n := winners.Load(); n != 1 {
			t.Fatalf("round %d: got %d winners, want 1", round, n)
		}
		next, err := s.Get(t.Context(), ours, "a")
		if err != nil {
			t.Fatal(err)
		}
		if next.Version != r.Version+1 || next.SourceType != r.SourceType+1 {
			t.Fatalf("round %d: got version %d, source type %d, want one more than %d, %d", round, next.Version, next.SourceType, r.Version, r.SourceType)
		}
		r = next
	}
}

// readersSeeWholeVersions has writers set four members to values that belong together. The strings are so long that they
// cover several pages.
func readersSeeWholeVersions(t *testing.T, s pfx.Store) {
	r := Request(ours, "a")
	step := func(r *pfx.Request) {
		r.Status++
		r.SourceType = r.Status
		long := strings.Repeat(string('a'+r.Status%26), 1024)
		r.Thumbprint, r.ETag = edm.Value(long), edm.Value(long)
	}
	step(&r)
	start := insert(t, s, r)
	ctx, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	var reads atomic.Int64
	for range 2 {
		readers.Go(func() {
			last := start.Version
			for ctx.Err() == nil {
				got, err := s.Get(context.WithoutCancel(ctx), ours, "a")
				if err != nil {
					t.Error(err)
					return
				}
				if got.Status != got.SourceType || got.Thumbprint != got.ETag || got.Version < last ||
					int64(got.Version-start.Version) != int64(got.Status-start.Status) {
					t.Errorf("after version %d got half of one: %+v", last, got)
					return
				}
				last = got.Version
				reads.Add(1)
			}
		})
	}
	inParallel(4, func(int) {
		for range 50 {
			got := update(t, s, start, func(r *pfx.Request) error { step(r); return nil })
			read, err := s.Get(t.Context(), ours, "a")
			if err != nil || read.Version < got.Version {
				t.Errorf("got %+v, %v after version %d was answered", read, err, got.Version)
			}
		}
	})
	stop()
	readers.Wait()
	if reads.Load() == 0 {
		t.Error("no reader has read")
	}
}

func cancelledContextAppliesNothing(t *testing.T, s pfx.Store) {
	r := insert(t, s, Request(ours, "a"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Update(ctx, ours, "a", func(r *pfx.Request) error {
		t.Error("fn ran although its context was done before")
		r.Status = 99
		return nil
	})
	wantKind(t, err, pfx.Unavailable)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want an error that wraps context.Canceled", err)
	}
	_, err = s.Insert(ctx, Request(ours, "b"))
	wantKind(t, err, pfx.Unavailable)
	_, err = s.Get(ctx, ours, "a")
	wantKind(t, err, pfx.Unavailable)
	wantStored(t, s, r)
	_, err = s.Get(t.Context(), ours, "b")
	wantKind(t, err, pfx.NotFound)
}

// cancelledWhileWaitingAppliesAllOrNothing cancels updates at any moment. An acknowledged update is stored; a canceled one
// is stored completely or not at all; and no fn runs after its Update has returned.
func cancelledWhileWaitingAppliesAllOrNothing(t *testing.T, s pfx.Store) {
	start := insert(t, s, Request(ours, "a"))
	var answered, givenUp atomic.Int32
	inParallel(8, func(n int) {
		for round := range 100 {
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				if round%2 == n%2 {
					cancel()
				}
			}()
			var returned atomic.Bool
			_, err := s.Update(ctx, ours, "a", func(r *pfx.Request) error {
				if returned.Load() {
					t.Error("fn ran after Update had returned")
				}
				r.Status++
				r.SourceType++
				return nil
			})
			returned.Store(true)
			cancel()
			if err == nil {
				answered.Add(1)
			} else {
				wantKind(t, err, pfx.Unavailable)
				givenUp.Add(1)
			}
		}
	})
	got, err := s.Get(t.Context(), ours, "a")
	if err != nil {
		t.Fatal(err)
	}
	n := got.Status - start.Status
	if n < answered.Load() || n > answered.Load()+givenUp.Load() || got.SourceType-start.SourceType != n || int32(got.Version-start.Version) != n {
		t.Errorf("got %d updates with version +%d, want %d answered ones and at most %d more", n, got.Version-start.Version, answered.Load(), givenUp.Load())
	}
}

func readyWhileOpen(t *testing.T, s pfx.Store) {
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("got %v, want a store that is ready", err)
	}
}

func closeMayBeRepeated(t *testing.T, s pfx.Store) {
	inParallel(4, func(int) {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func closedStoreIsUnavailable(t *testing.T, s pfx.Store) {
	r := insert(t, s, Request(ours, "a"))
	var answered atomic.Int32
	half := make(chan struct{})
	var once sync.Once
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				_, err := s.Update(t.Context(), ours, "a", func(r *pfx.Request) error { r.Status++; return nil })
				if err != nil {
					wantKind(t, err, pfx.Unavailable)
					return
				}
				if answered.Add(1) > 20 {
					once.Do(func() { close(half) })
				}
			}
		})
	}
	<-half
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	_, err := s.Get(t.Context(), ours, "a")
	wantKind(t, err, pfx.Unavailable)
	_, err = s.Insert(t.Context(), *r)
	wantKind(t, err, pfx.Unavailable)
	wantKind(t, s.Ready(t.Context()), pfx.Unavailable)
}

// inParallel calls fn(0) to fn(n-1) at the same time and waits for them.
func inParallel(n int, fn func(int)) {
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			fn(i)
		})
	}
	close(start)
	wg.Wait()
}

func insert(t *testing.T, s pfx.Store, r pfx.Request) *pfx.Request {
	t.Helper()
	got, err := s.Insert(t.Context(), r)
	if err != nil {
		t.Fatalf("inserting %q: %v", r.ID, err)
	}
	return got
}

// update applies fn to r's current state. On an error it returns r, so that it may be called on any goroutine.
func update(t *testing.T, s pfx.Store, r *pfx.Request, fn func(*pfx.Request) error) *pfx.Request {
	t.Helper()
	got, err := s.Update(t.Context(), r.TenantID, r.ID, fn)
	if err != nil {
		t.Errorf("updating %q: %v", r.ID, err)
		return r
	}
	return got
}

func wantStored(t *testing.T, s pfx.Store, want *pfx.Request) {
	t.Helper()
	got, err := s.Get(t.Context(), want.TenantID, want.ID)
	if err != nil {
		t.Errorf("getting %q: %v", want.ID, err)
		return
	}
	wantEqual(t, got, want)
}

func wantEqual(t *testing.T, got, want *pfx.Request) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
		t.Errorf("got another request than wanted (-want +got):\n%s", diff)
	}
}

func wantKind(t *testing.T, err error, want pfx.Kind) {
	t.Helper()
	e, ok := errors.AsType[*pfx.Error](err)
	if !ok || e.Kind != want {
		t.Errorf("got error %v, want a *pfx.Error of kind %d", err, want)
		return
	}
	if e.Msg == "" && want != pfx.PreconditionFailed {
		t.Error("got an error without words for the client")
	}
}

func wantSameError(t *testing.T, got, want error) {
	t.Helper()
	wantKind(t, got, pfx.NotFound)
	wantKind(t, want, pfx.NotFound)
	if got != nil && want != nil && got.Error() != want.Error() {
		t.Errorf("got error %q, want the same as for an unknown key, %q", got, want)
	}
}
