package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/copying"
)

// CopyStore is a store that can be copied from and to.
type CopyStore interface {
	pfx.Store
	copying.Target
}

// RunCopy runs every test of the contract of [copying.Target], as Run does for that of [pfx.Store].
func RunCopy(t *testing.T, open func(t *testing.T) CopyStore) {
	t.Helper()
	for _, tt := range []struct {
		name string
		test func(t *testing.T, s CopyStore)
	}{
		{"cancelledCopyStoresNothing", cancelledCopyStoresNothing},
		{"closedStoreCannotBeCopied", closedStoreCannotBeCopied},
		{"everyStatementStoresEveryMember", everyStatementStoresEveryMember},
		{"putIsSeenByUpdate", putIsSeenByUpdate},
		{"putKeepsEveryByteAndVersion", putKeepsEveryByteAndVersion},
		{"putReplaces", putReplaces},
		{"removeRemovesOnlyTheseKeys", removeRemovesOnlyTheseKeys},
		{"scanBeginsAfterAKey", scanBeginsAfterAKey},
		{"scanIsInOrderOfKeys", scanIsInOrderOfKeys},
		{"scanIsOfOneMoment", scanIsOfOneMoment},
		{"scanMayEndEarly", scanMayEndEarly},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.test(t, open(t))
		})
	}
}

// Odd returns requests with values that a copy could easily change, for several tenants with the same keys. They are in key
// order and have versions. Every release can store them.
func Odd() []pfx.Request {
	var all []pfx.Request
	texts := []edm.Optional[string]{
		edm.Null[string](), edm.Value(""), edm.Value("null"), edm.Value(`\N`), edm.Value("a\tb\r\n\"\\'"), edm.Value("\u2028\ufeff\ufffd"),
		edm.Value("a\u0308 ä \U0001f511 \u200d\u202e"), edm.Value("\x01\x7f"), edm.Value(" {1,NULL} "),
	}
	times := []string{
		"2017-01-01T00:03Z", "2017-01-01T00:03:18.123456789012-08:00", "2017-01-01T00:03:18.100000000000+14:00",
		"0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999999-14:00", "2017-01-01T00:03:18.10-00:00",
	}
	for i, tenant := range []edm.Guid{{}, ours, theirs, {0xff, 15: 0xff}} {
		for k, id := range []string{" ", "A", "B", "a", "a ", "aa", "a\u0308", "~", "ä", "\U0001f511"} {
			r := pageRequest(tenant, id)
			n := i*10 + k
			r.Thumbprint, r.DeviceKeyThumbprint, r.ETag = texts[n%len(texts)], texts[(n+1)%len(texts)], texts[(n+3)%len(texts)]
			r.CreatedTime, r.LastModifiedTime = mustTime(times[n%len(times)]), mustTime(times[(n+1)%len(times)])
			r.Status, r.SourceType, r.IsDeleted = int32(n)<<26, -int32(n), n%2 == 0
			r.Version = pfx.Version(1<<62 - n)
			all = append(all, r)
		}
	}
	all[0].Version, all[0].CreatedTime, all[0].LastModifiedTime = 1, edm.DateTimeOffset{}, edm.DateTimeOffset{}
	return all
}

func putKeepsEveryByteAndVersion(t *testing.T, s CopyStore) {
	want := Odd()
	put(t, s, want)
	wantAll(t, s, want)
	for i := range want {
		wantStored(t, s, &want[i])
	}
}

func putReplaces(t *testing.T, s CopyStore) {
	old := insert(t, s, Request(ours, "b"))
	kept := insert(t, s, Request(ours, "c"))
	next := *old
	for i := range pfx.Changeable {
		change(&pfx.Changeable[i], &next)
	}
	next.Version = 7 // lower than before
	added := Request(ours, "a")
	added.Version = 5
	put(t, s, []pfx.Request{added, next})
	wantAll(t, s, []pfx.Request{added, next, *kept})
	put(t, s, []pfx.Request{added, next}) // changes nothing
	wantAll(t, s, []pfx.Request{added, next, *kept})
	put(t, s, nil)
	wantAll(t, s, []pfx.Request{added, next, *kept})
}

// putIsSeenByUpdate: a client can continue with a version from before the copy.
func putIsSeenByUpdate(t *testing.T, s CopyStore) {
	r := Request(ours, "a")
	r.Version = 41
	put(t, s, []pfx.Request{r})
	got := update(t, s, &r, func(r *pfx.Request) error {
		if r.Version != 41 {
			t.Errorf("got version %d, want that of the copy", r.Version)
		}
		r.Status++
		return nil
	})
	if got.Version != 42 {
		t.Errorf("got version %d, want the next one", got.Version)
	}
}

func removeRemovesOnlyTheseKeys(t *testing.T, s CopyStore) {
	a, b, other := insert(t, s, Request(ours, "a")), insert(t, s, Request(ours, "b")), insert(t, s, Request(theirs, "a"))
	if err := s.Remove(t.Context(), []pfx.Key{a.Key(), {Tenant: theirs, ID: "b"}, {Tenant: ours, ID: "c"}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	wantAll(t, s, []pfx.Request{*b, *other})
}

func scanIsInOrderOfKeys(t *testing.T, s CopyStore) {
	wantAll(t, s, nil)
	want := Odd()
	shuffled := slices.Clone(want)
	slices.Reverse(shuffled)
	put(t, s, shuffled)
	wantAll(t, s, want)
	if !slices.IsSortedFunc(want, func(a, b pfx.Request) int { return a.Key().Compare(b.Key()) }) {
		t.Error("the requests of this test are not in the order of their keys")
	}
}

func scanBeginsAfterAKey(t *testing.T, s CopyStore) {
	all := Odd()
	put(t, s, all)
	for i := range all {
		wantSame(t, scan(t, s, all[i].Key()), all[i+1:])
	}
	wantSame(t, scan(t, s, pfx.Key{Tenant: ours}), all[10:])
	wantSame(t, scan(t, s, pfx.Key{Tenant: ours, ID: "b"}), all[17:])
}

// manyRequests returns more requests than any store reads at once.
func manyRequests() []pfx.Request {
	all := make([]pfx.Request, 4500)
	for i := range all {
		all[i] = Request(ours, fmt.Sprintf("%05d", i))
		all[i].Version = pfx.Version(i + 1)
	}
	return all
}

func scanIsOfOneMoment(t *testing.T, s CopyStore) {
	want := manyRequests()
	put(t, s, want)
	var got []pfx.Request
	for r, err := range s.Scan(t.Context(), pfx.Key{}) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, r); len(got) == 10 {
			late := want[4400]
			late.Status++
			put(t, s, []pfx.Request{late, Request(ours, "00011x"), Request(ours, "04400x"), Request(theirs, "x")})
			if err := s.Remove(t.Context(), []pfx.Key{want[11].Key(), want[4499].Key()}); err != nil {
				t.Fatal(err)
			}
		}
	}
	wantSame(t, got, want)
	if got := len(scan(t, s, pfx.Key{})); got != len(want)+1 {
		t.Errorf("got %d requests by the next scan, want %d", got, len(want)+1)
	}
}

// scanMayEndEarly ends scans at once, in the middle and after the last request. The store keeps working.
func scanMayEndEarly(t *testing.T, s CopyStore) {
	put(t, s, manyRequests())
	for _, enough := range []int{1, 999, 1000, 1001, 4500} {
		for range 5 {
			n := 0
			for _, err := range s.Scan(t.Context(), pfx.Key{}) {
				if err != nil {
					t.Fatal(err)
				}
				if n++; n == enough {
					break
				}
			}
		}
	}
	insert(t, s, Request(theirs, "a"))
}

func cancelledCopyStoresNothing(t *testing.T, s CopyStore) {
	all := Odd()
	put(t, s, all)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, err := range s.Scan(ctx, pfx.Key{}) {
		cancel() // requests that were already read may still come
		if err != nil {
			wantKind(t, err, pfx.Unavailable)
		}
	}
	other := Request(ours, "other")
	wantKind(t, s.Put(ctx, []pfx.Request{other}), pfx.Unavailable)
	wantKind(t, s.Remove(ctx, []pfx.Key{all[0].Key()}), pfx.Unavailable)
	wantAll(t, s, all)
	_, err := scanAll(ctx, s, pfx.Key{})
	wantKind(t, err, pfx.Unavailable)
}

func closedStoreCannotBeCopied(t *testing.T, s CopyStore) {
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantKind(t, s.Put(t.Context(), []pfx.Request{Request(ours, "a")}), pfx.Unavailable)
	wantKind(t, s.Remove(t.Context(), []pfx.Key{{Tenant: ours, ID: "a"}}), pfx.Unavailable)
	_, err := scanAll(t.Context(), s, pfx.Key{})
	wantKind(t, err, pfx.Unavailable)
}

func put(t *testing.T, s CopyStore, requests []pfx.Request) {
	t.Helper()
	before := slices.Clone(requests)
	if err := s.Put(t.Context(), requests); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(requests, before) {
		t.Error("Put has changed what is the caller's")
	}
}

func scan(t *testing.T, s copying.Source, after pfx.Key) []pfx.Request {
	t.Helper()
	all, err := scanAll(t.Context(), s, after)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func wantAll(t *testing.T, s copying.Source, want []pfx.Request) {
	t.Helper()
	wantSame(t, scan(t, s, pfx.Key{}), want)
}

func wantSame(t *testing.T, got, want []pfx.Request) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("scanned (-want +got):\n%s", cmp.Diff(want, got, cmp.Comparer(func(a, b pfx.Request) bool { return a == b })))
	}
}

func scanAll(ctx context.Context, s copying.Source, after pfx.Key) ([]pfx.Request, error) {
	var all []pfx.Request
	for r, err := range s.Scan(ctx, after) {
		if err != nil {
			return all, err
		}
		all = append(all, r)
	}
	return all, nil
}
