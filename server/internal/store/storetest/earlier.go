package storetest

import (
	"testing"

	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// RunEarlier checks a store opened on data that an earlier release has written, which must be [Odd]. Every byte and every
// version is unchanged, each request can be updated and deleted, and others can be inserted.
func RunEarlier(t *testing.T, s CopyStore) {
	t.Helper()
	want := Odd()
	wantAll(t, s, want)
	for i := range want {
		wantStored(t, s, &want[i])
		got := update(t, s, &want[i], func(r *pfx.Request) error {
			r.IsDeleted = !r.IsDeleted
			return nil
		})
		next := want[i]
		next.IsDeleted, next.Version = !next.IsDeleted, next.Version+1
		wantEqual(t, got, &next)
		wantStored(t, s, &next)
	}
	if err := s.Delete(t.Context(), want[0].TenantID, want[0].ID, func(*pfx.Request) error { return nil }); err != nil {
		t.Error(err)
	}
	insert(t, s, Request(want[0].TenantID, want[0].ID))
}
