package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// The tests of List, Count and Delete.

func listIsInOrderOfBytes(t *testing.T, s pfx.Store) {
	ids := []string{"-", "0", "9", "A", "Aa", "Z", "_", "a", "a-", "a.", "aa", "b", "~"}
	for _, i := range rand.Perm(len(ids)) {
		insert(t, s, Request(ours, ids[i]))
	}
	for limit := 1; limit <= len(ids)+1; limit++ {
		if got := pages(t, s, limit, nil); !slices.Equal(got, ids) {
			t.Errorf("pages of %d: got %q, want %q", limit, got, ids)
		}
	}
}

func listHasWholeRequests(t *testing.T, s pfx.Store) {
	want := insert(t, s, Request(ours, "a"))
	want = update(t, s, want, func(r *pfx.Request) error { r.ETag, r.Status = edm.Null[string](), -1; return nil })
	got := list(t, s, ours, pfx.Query{Limit: 10})
	if len(got) != 1 {
		t.Fatalf("got %d requests, want 1", len(got))
	}
	wantEqual(t, &got[0], want)
}

func listExcludesOtherTenants(t *testing.T, s pfx.Store) {
	insert(t, s, Request(theirs, "a"))
	insert(t, s, Request(theirs, "b"))
	for _, f := range []pfx.Filter{nil, filter(t, "id", "a"), filter(t, "tenantId", theirs)} {
		if got := list(t, s, ours, pfx.Query{Filter: f, Limit: 10}); len(got) != 0 {
			t.Errorf("%v: got %d requests of another tenant", f, len(got))
		}
		if n := count(t, s, ours, f); n != 0 {
			t.Errorf("%v: counted %d requests of another tenant", f, n)
		}
	}
}

// filtersAgree filters by every member and compares the result with [pfx.Filter] itself.
func filtersAgree(t *testing.T, s pfx.Store) {
	times := []string{
		"2017-01-01T00:03:18.9597073-08:00", "2017-01-01T08:03:18.9597073Z", "2017-01-01t08:03:18.959707300000z",
		"2017-01-01T08:03:18.959707300001Z", "2017-01-01T08:03Z", "2017-01-01T08:03:00+00:00", "0000-01-01T00:00+14:00", "9999-12-31T23:59:59-14:00",
	}
	texts := []edm.Optional[string]{edm.Null[string](), edm.Value(""), edm.Value("x"), edm.Value("X"), edm.Value("x "), edm.Value("it's"), edm.Value("%"), edm.Value("é")}
	var all []*pfx.Request
	for i := range 40 {
		r := Request(ours, fmt.Sprint("k", i))
		r.UserID, r.DeviceID, r.ProfileID = edm.Guid{byte(i % 3)}, edm.Guid{15: byte(i % 2)}, edm.Guid{byte(i % 5)}
		r.Thumbprint, r.DeviceKeyThumbprint, r.ETag = texts[i%len(texts)], texts[i%3], texts[i%5]
		r.Status, r.SourceType, r.IsDeleted = int32(i%4)-1, []int32{-1 << 31, 0, 1<<31 - 1}[i%3], i%2 == 0
		r.CreatedTime, r.LastModifiedTime = mustTime(times[i%len(times)]), mustTime(times[i%3])
		all = append(all, insert(t, s, r))
	}
	slices.SortFunc(all, func(a, b *pfx.Request) int { return strings.Compare(a.ID, b.ID) })
	filters := []pfx.Filter{
		nil,
		filter(t, "id", "k7"), filter(t, "id", "K7"), filter(t, "tenantId", ours), filter(t, "tenantId", nil),
		filter(t, "userId", edm.Guid{1}), filter(t, "deviceId", edm.Guid{15: 1}), filter(t, "profileId", edm.Guid{4}),
		filter(t, "status", int64(-1)), filter(t, "status", nil), filter(t, "sourceType", int64(1<<31-1)), filter(t, "sourceType", int64(1<<40)),
		filter(t, "isDeleted", true), filter(t, "isDeleted", false), filter(t, "isDeleted", nil), filter(t, "createdTime", nil),
		slices.Concat(filter(t, "status", int64(1)), filter(t, "isDeleted", false), filter(t, "userId", edm.Guid{2})),
		slices.Concat(filter(t, "status", int64(1)), filter(t, "status", int64(2))),
	}
	for _, text := range times {
		filters = append(filters, filter(t, "createdTime", mustTime(text)), filter(t, "lastModifiedTime", mustTime(text)))
	}
	for _, o := range texts {
		var value any
		if text, ok := o.Get(); ok {
			value = text
		}
		filters = append(filters, filter(t, "thumbprint", value), filter(t, "deviceKeyThumbprint", value), filter(t, "eTag", value))
	}
	for _, f := range filters {
		var want []string
		for _, r := range all {
			if f.Matches(r) {
				want = append(want, r.ID)
			}
		}
		if got := pages(t, s, 7, f); !slices.Equal(got, want) {
			t.Errorf("%v: got %q, want %q", f, got, want)
		}
		if n := count(t, s, ours, f); n != int64(len(want)) {
			t.Errorf("%v: counted %d, want %d", f, n, len(want))
		}
	}
}

// pagesAreStable lists while requests are created and deleted: one that exists all the time is on exactly one page.
func pagesAreStable(t *testing.T, s pfx.Store) {
	var stay []string
	for i := range 60 {
		id := fmt.Sprintf("%03d-stays", i)
		insert(t, s, Request(ours, id))
		stay = append(stay, id)
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
			}
			id := fmt.Sprintf("%03d-goes", i*7%60)
			if _, err := s.Insert(t.Context(), Request(ours, id)); err != nil {
				t.Error(err)
				return
			}
			if err := s.Delete(t.Context(), ours, id, func(*pfx.Request) error { return nil }); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 5 {
		got := pages(t, s, 7, nil)
		kept := slices.DeleteFunc(slices.Clone(got), func(id string) bool { return strings.HasSuffix(id, "-goes") })
		if !slices.Equal(kept, stay) {
			t.Errorf("got %q, want each of those that stay once", kept)
		}
		if !slices.IsSorted(got) {
			t.Errorf("got %q, want them in order", got)
		}
	}
	close(done)
	wg.Wait()
}

func deletedIsGone(t *testing.T, s pfx.Store) {
	a, b := insert(t, s, Request(ours, "a")), insert(t, s, Request(ours, "b"))
	other := insert(t, s, Request(theirs, "a"))
	if err := s.Delete(t.Context(), ours, "a", func(r *pfx.Request) error { wantEqual(t, r, a); return nil }); err != nil {
		t.Fatal(err)
	}
	_, err := s.Get(t.Context(), ours, "a")
	wantKind(t, err, pfx.NotFound)
	wantKind(t, s.Delete(t.Context(), ours, "a", unchecked(t)), pfx.NotFound)
	wantStored(t, s, b)
	wantStored(t, s, other)
	if again := insert(t, s, Request(ours, "a")); again.Version == a.Version || again.Version == a.Version+1 {
		t.Errorf("a request that was created again has version %d, the one before had %d", again.Version, a.Version)
	}
}

func refusedDeleteKeeps(t *testing.T, s pfx.Store) {
	want := insert(t, s, Request(ours, "a"))
	refusal := &pfx.Error{Kind: pfx.PreconditionFailed}
	if err := s.Delete(t.Context(), ours, "a", func(*pfx.Request) error { return refusal }); !errors.Is(err, refusal) {
		t.Errorf("got %v, want the error of the check", err)
	}
	wantStored(t, s, want)
}

func deleteOfOtherTenantIsNotFound(t *testing.T, s pfx.Store) {
	want := insert(t, s, Request(theirs, "a"))
	err := s.Delete(t.Context(), ours, "a", unchecked(t))
	wantSameError(t, err, s.Delete(t.Context(), ours, "unknown", unchecked(t)))
	wantStored(t, s, want)
}

// deleteAndUpdateExclude lets exactly one of several changes of the same version succeed.
func deleteAndUpdateExclude(t *testing.T, s pfx.Store) {
	for round := range 20 {
		id := fmt.Sprint("r", round)
		start := insert(t, s, Request(ours, id))
		check := func(r *pfx.Request) error {
			if r.Version != start.Version {
				return &pfx.Error{Kind: pfx.PreconditionFailed}
			}
			return nil
		}
		var won [8]bool
		inParallel(len(won), func(i int) {
			var err error
			if i%2 == 0 {
				err = s.Delete(t.Context(), ours, id, check)
			} else {
				_, err = s.Update(t.Context(), ours, id, func(r *pfx.Request) error {
					if err := check(r); err != nil {
						return err
					}
					r.Status = int32(100 + i)
					return nil
				})
			}
			won[i] = err == nil
		})
		winner := slices.Index(won[:], true)
		if winner < 0 || slices.Contains(won[winner+1:], true) {
			t.Fatalf("round %d: winners %v, want one", round, won)
		}
		got, err := s.Get(t.Context(), ours, id)
		if winner%2 == 0 {
			wantKind(t, err, pfx.NotFound)
		} else if err != nil || got.Status != int32(100+winner) {
			t.Errorf("round %d: got %v, %v, want the winner's update", round, got, err)
		}
	}
}

func cancelledListEnds(t *testing.T, s pfx.Store) {
	insert(t, s, Request(ours, "a"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.List(ctx, ours, pfx.Query{Limit: 1})
	wantKind(t, err, pfx.Unavailable)
	_, err = s.Count(ctx, ours, nil)
	wantKind(t, err, pfx.Unavailable)
	wantKind(t, s.Delete(ctx, ours, "a", unchecked(t)), pfx.Unavailable)
	if got := list(t, s, ours, pfx.Query{Limit: 1}); len(got) != 1 {
		t.Error("after one that was given up, a list found nothing")
	}
}

func unchecked(t *testing.T) func(*pfx.Request) error {
	return func(*pfx.Request) error {
		t.Error("the check of a deletion ran for a request that is not there")
		return nil
	}
}

func filter(t *testing.T, member string, value any) pfx.Filter {
	t.Helper()
	c, err := pfx.NewComparison(member, value)
	if err != nil {
		t.Fatal(err)
	}
	return pfx.Filter{c}
}

func list(t *testing.T, s pfx.Store, tenant edm.Guid, q pfx.Query) []pfx.Request {
	t.Helper()
	got, err := s.List(t.Context(), tenant, q)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func count(t *testing.T, s pfx.Store, tenant edm.Guid, f pfx.Filter) int64 {
	t.Helper()
	n, err := s.Count(t.Context(), tenant, f)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// pages lists everything in pages and returns the ids.
func pages(t *testing.T, s pfx.Store, limit int, f pfx.Filter) []string {
	t.Helper()
	var ids []string
	after := ""
	for {
		page := list(t, s, ours, pfx.Query{Filter: f, After: after, Limit: limit})
		if len(page) > limit {
			t.Fatalf("a page of at most %d has %d requests", limit, len(page))
		}
		for _, r := range page {
			ids = append(ids, r.ID)
		}
		if len(page) < limit {
			return ids
		}
		after = page[len(page)-1].ID
	}
}
