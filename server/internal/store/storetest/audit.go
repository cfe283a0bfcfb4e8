package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/audit"
)

// AuditStore is a store with an audit trail.
type AuditStore interface {
	pfx.Store
	audit.Trail
}

// RunAudit runs every test of the contract of [audit.Trail], as Run does for that of [pfx.Store]. tamper runs SQL on the
// tables audit_record, audit_chain and request of a store returned by open, like an attacker with access to them.
func RunAudit(t *testing.T, open func(t *testing.T, mode audit.Mode) AuditStore, tamper func(t *testing.T, s AuditStore, sql string)) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, AuditStore){
		"eachChangeHasOneRecord":     eachChangeHasOneRecord,
		"whatChangesNothingHasNone":  whatChangesNothingHasNone,
		"recordSaysWhoAndWhat":       recordSaysWhoAndWhat,
		"trailIsCopied":              trailIsCopiedTo(open),
		"prunedTrailVerifies":        prunedTrailVerifies,
		"prunedTrailKeepsWhatIsNew":  prunedTrailKeepsWhatIsNew,
		"groupHasARecordForEach":     groupHasARecordForEach,
		"viewIsOfOneMoment":          viewIsOfOneMoment,
		"closedStoreTellsNothing":    closedStoreTellsNothing,
		"recordsAreFoundByTheirTime": recordsAreFoundByTheirTime,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t, audit.Members))
		})
	}
	t.Run("valuesAreRecorded", func(t *testing.T) { t.Parallel(); valuesAreRecorded(t, open(t, audit.Values)) })
	t.Run("offRecordsNothing", func(t *testing.T) { t.Parallel(); offRecordsNothing(t, open(t, audit.Off)) })
	t.Run("tamperingIsFound", func(t *testing.T) {
		t.Parallel()
		tamperingIsFound(t, open(t, audit.Members), tamper)
	})
}

// tamperingIsFound restores the tables after each change to them.
func tamperingIsFound(t *testing.T, s AuditStore, tamper func(*testing.T, AuditStore, string)) {
	threeChanges(t, s)
	for _, table := range []string{"audit_record", "audit_chain", "request"} {
		tamper(t, s, "CREATE TABLE saved_"+table+" AS SELECT * FROM "+table)
	}
	for name, sql := range tampers {
		wantVerified(t, s, 3)
		tamper(t, s, sql)
		report, err := audit.Verify(t.Context(), s)
		if err != nil || len(report.Faults) == 0 {
			t.Errorf("%s: got %+v, %v after %s, want a fault", name, report, err, sql)
		}
		for _, table := range []string{"audit_record", "audit_chain", "request"} {
			tamper(t, s, "DELETE FROM "+table+"; INSERT INTO "+table+" SELECT * FROM saved_"+table)
		}
	}
}

// tampers are possible attacks on a trail of three records: creations of a and b and an update of a.
var tampers = map[string]string{
	"firstRemoved":     "DELETE FROM audit_record WHERE number = 1",
	"middleRemoved":    "DELETE FROM audit_record WHERE number = 2",
	"lastRemoved":      "DELETE FROM audit_record WHERE number = 3",
	"allRemoved":       "DELETE FROM audit_record",
	"headRemoved":      "DELETE FROM audit_chain",
	"headTakenBack":    "UPDATE audit_chain SET number = 2",
	"reordered":        "UPDATE audit_record SET number = CASE number WHEN 1 THEN 12 WHEN 2 THEN 11 ELSE 13 END; UPDATE audit_record SET number = number - 10",
	"otherTime":        "UPDATE audit_record SET time = time + 1 WHERE number = 2",
	"otherAction":      "UPDATE audit_record SET action = 'delete' WHERE number = 2",
	"otherObject":      "UPDATE audit_record SET object_id = 'c' WHERE number = 2",
	"otherTenant":      "UPDATE audit_record SET tenant_id = chain WHERE number = 2",
	"otherVersion":     "UPDATE audit_record SET before = before + 1 WHERE number = 3",
	"otherNewVersion":  "UPDATE audit_record SET after = after + 1 WHERE number = 3",
	"otherSubject":     "UPDATE audit_record SET subject = 'somebody' WHERE number = 1",
	"otherApp":         "UPDATE audit_record SET app = 'something' WHERE number = 1",
	"otherToken":       "UPDATE audit_record SET token = 'x' WHERE number = 3",
	"otherRequest":     "UPDATE audit_record SET request = 'x' WHERE number = 3",
	"otherMembers":     "UPDATE audit_record SET changes = '[]' WHERE number = 3",
	"movedText":        "UPDATE audit_record SET subject = subject || app, app = '' WHERE number = 1",
	"changedUnaudited": "UPDATE request SET status = 99, version = version + 1 WHERE id = 'a'",
}

// threeChanges creates the records that tampers change, in one chain.
func threeChanges(t *testing.T, s AuditStore) {
	t.Helper()
	ctx := context.WithValue(t.Context(), pfx.AuthorKey{}, &pfx.Author{Subject: "subject", App: "app", Token: "token", Request: "request"})
	for _, id := range []string{"a", "b"} {
		if _, err := s.Insert(ctx, Request(ours, id)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Update(ctx, ours, "a", func(r *pfx.Request) error { r.Status++; return nil }); err != nil {
		t.Fatal(err)
	}
}

func eachChangeHasOneRecord(t *testing.T, s AuditStore) {
	const callers, rounds = 8, 20
	for i := range 3 {
		insert(t, s, Request(ours, fmt.Sprint(i)))
	}
	inParallel(callers, func(n int) {
		for range rounds {
			update(t, s, &pfx.Request{Entity: pfx.Entity{TenantID: ours, ID: fmt.Sprint(n % 3)}}, func(r *pfx.Request) error { r.Status++; return nil })
		}
		gone := insert(t, s, Request(theirs, fmt.Sprint(n)))
		if err := s.Delete(t.Context(), theirs, gone.ID, func(*pfx.Request) error { return nil }); err != nil {
			t.Error(err)
		}
	})
	wantVerified(t, s, 3+callers*(rounds+2))
	// Each record of an object starts from the version of the one before it.
	last := map[pfx.Key]pfx.Version{}
	for _, r := range sorted(records(t, s)) {
		if was, ok := last[r.Key]; ok && was != r.Before {
			t.Errorf("the record %+v does not follow version %d", r, was)
		}
		last[r.Key] = r.After
	}
	for i := range 3 {
		got, err := s.Get(t.Context(), ours, fmt.Sprint(i))
		if err != nil || got.Version != last[got.Key()] {
			t.Errorf("got %+v, %v, want version %d", got, err, last[pfx.Key{Tenant: ours, ID: fmt.Sprint(i)}])
		}
	}
}

// sorted orders the records of each object by version, which is the order of its changes.
func sorted(records []audit.Record) []audit.Record {
	slices.SortStableFunc(records, func(a, b audit.Record) int { return int(a.Before - b.Before) })
	return records
}

func whatChangesNothingHasNone(t *testing.T, s AuditStore) {
	r := insert(t, s, Request(ours, "a"))
	update(t, s, r, func(*pfx.Request) error { return nil })
	refusal := errors.New("refused")
	_, err := s.Update(t.Context(), ours, "a", func(r *pfx.Request) error { r.Status++; return refusal })
	if !errors.Is(err, refusal) {
		t.Error(err)
	}
	if err := s.Delete(t.Context(), ours, "a", func(*pfx.Request) error { return refusal }); !errors.Is(err, refusal) {
		t.Error(err)
	}
	_, err = s.Insert(t.Context(), Request(ours, "a"))
	wantKind(t, err, pfx.Exists)
	_, err = s.Update(t.Context(), theirs, "a", func(r *pfx.Request) error { r.Status++; return nil })
	wantKind(t, err, pfx.NotFound)
	wantVerified(t, s, 1)
	update(t, s, r, func(r *pfx.Request) error { r.Status++; return nil })
	wantVerified(t, s, 2)
}

func recordSaysWhoAndWhat(t *testing.T, s AuditStore) {
	author := pfx.Author{Subject: "oid", App: "azp", Token: "uti", Request: "id"}
	ctx := context.WithValue(t.Context(), pfx.AuthorKey{}, &author)
	began := time.Now().Truncate(time.Microsecond)
	created, err := s.Insert(ctx, Request(ours, "a"))
	if err != nil {
		t.Fatal(err)
	}
	updated, err := s.Update(ctx, ours, "a", func(r *pfx.Request) error { r.Status++; r.ETag = edm.Null[string](); return nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(ctx, ours, "a", func(*pfx.Request) error { return nil }); err != nil {
		t.Fatal(err)
	}
	got := records(t, s)
	want := []audit.Record{
		{Action: audit.Create, After: created.Version, Changes: "[]"},
		{Action: audit.Update, Before: created.Version, After: updated.Version, Changes: `[{"member":"status"},{"member":"eTag"}]`},
		{Action: audit.Delete, Before: updated.Version, Changes: "[]"},
	}
	if len(got) != len(want) {
		t.Fatalf("got %d records, want %d", len(got), len(want))
	}
	for i, w := range want {
		g := got[i]
		if g.Time.Before(began) || g.Time.After(time.Now()) {
			t.Errorf("got time %s, want one since %s", g.Time, began)
		}
		w.Key, w.Author = pfx.Key{Tenant: ours, ID: "a"}, author
		w.Chain, w.Number, w.Time, w.Hash = g.Chain, g.Number, g.Time, g.Hash
		if g != w {
			t.Errorf("got %+v, want %+v", g, w)
		}
	}
}

// valuesAreRecorded changes each member and looks for its old and its new value.
func valuesAreRecorded(t *testing.T, s AuditStore) {
	r := insert(t, s, Request(ours, "a"))
	for i := range pfx.Changeable {
		update(t, s, r, func(r *pfx.Request) error { change(&pfx.Changeable[i], r); return nil })
	}
	all := records(t, s)
	if len(all) != len(pfx.Changeable)+1 {
		t.Fatalf("got %d records, want %d", len(all), len(pfx.Changeable)+1)
	}
	for i, r := range all {
		var changes []struct {
			Member   string
			Old, New any
		}
		if err := json.Unmarshal([]byte(r.Changes), &changes); err != nil {
			t.Fatal(err)
		}
		if want := 1; i > 0 && (len(changes) != want || changes[0].Old == changes[0].New) {
			t.Errorf("%s: got changes %s, want one member with two values", pfx.Changeable[i-1].Name, r.Changes)
		}
		if i == 0 && len(changes) != len(pfx.Changeable) {
			t.Errorf("got changes %s of a creation, want all members", r.Changes)
		}
	}
}

func offRecordsNothing(t *testing.T, s AuditStore) {
	threeChanges(t, s)
	wantVerified(t, s, 0)
}

// groupHasARecordForEach makes many updates of few objects by few authors go together.
func groupHasARecordForEach(t *testing.T, s AuditStore) {
	const objects, each = 3, 4
	for i := range objects {
		insert(t, s, Request(ours, fmt.Sprint(i)))
	}
	release := func(int) {}
	if h, ok := s.(Holder); ok {
		release = h.Hold()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		inParallel(objects*each, func(n int) {
			author := pfx.Author{Subject: fmt.Sprint(n % 2), App: fmt.Sprint(n % 4), Request: fmt.Sprint(n)}
			_, err := s.Update(context.WithValue(t.Context(), pfx.AuthorKey{}, &author), ours, fmt.Sprint(n%objects), func(r *pfx.Request) error { r.Status++; return nil })
			if err != nil {
				t.Error(err)
			}
		})
	}()
	release(objects * each)
	<-done
	wantVerified(t, s, objects+objects*each)
}

func prunedTrailVerifies(t *testing.T, s AuditStore) {
	threeChanges(t, s)
	n, err := s.Prune(t.Context(), time.Now().Add(time.Hour))
	if err != nil || n != 3 {
		t.Fatalf("got %d, %v, want 3 records removed", n, err)
	}
	wantVerified(t, s, 0)
	update(t, s, &pfx.Request{Entity: pfx.Entity{TenantID: ours, ID: "a"}}, func(r *pfx.Request) error { r.Status++; return nil })
	wantVerified(t, s, 1)
}

func prunedTrailKeepsWhatIsNew(t *testing.T, s AuditStore) {
	threeChanges(t, s)
	all := records(t, s)
	if n, err := s.Prune(t.Context(), all[0].Time); err != nil || n != 0 {
		t.Fatalf("got %d, %v, want none removed", n, err)
	}
	if n, err := s.Prune(t.Context(), all[2].Time); err != nil || n > 2 {
		t.Fatalf("got %d, %v, want at most two removed", n, err)
	}
	if left := records(t, s); len(left) == 0 || left[len(left)-1] != all[2] {
		t.Errorf("got %+v, want the last record left", left)
	}
	report, err := audit.Verify(t.Context(), s)
	if err != nil || len(report.Faults) > 0 {
		t.Errorf("got %+v, %v, want no fault", report, err)
	}
}

func trailIsCopiedTo(open func(*testing.T, audit.Mode) AuditStore) func(*testing.T, AuditStore) {
	return func(t *testing.T, from AuditStore) {
		to := open(t, audit.Members)
		threeChanges(t, from)
		insert(t, to, Request(theirs, "own"))
		for _, want := range []int64{3, 0} {
			if n, err := audit.Copy(t.Context(), from, to); err != nil || n != want {
				t.Fatalf("got %d, %v, want %d records copied", n, err, want)
			}
		}
		update(t, from, &pfx.Request{Entity: pfx.Entity{TenantID: ours, ID: "b"}}, func(r *pfx.Request) error { r.Status++; return nil })
		if n, err := audit.Copy(t.Context(), from, to); err != nil || n != 1 {
			t.Fatalf("got %d, %v, want one record copied", n, err)
		}
		wantVerified(t, to, 5)
		all := records(t, to)
		for _, r := range records(t, from) {
			if !slices.Contains(all, r) {
				t.Errorf("the record %+v was not copied", r)
			}
		}
	}
}

func viewIsOfOneMoment(t *testing.T, s AuditStore) {
	threeChanges(t, s)
	err := s.Trail(t.Context(), func(v audit.View) error {
		heads, err := v.Heads()
		if err != nil {
			return err
		}
		update(t, s, &pfx.Request{Entity: pfx.Entity{TenantID: ours, ID: "a"}}, func(r *pfx.Request) error { r.Status++; return nil })
		n := int64(0)
		for _, err := range v.Chain(heads[0].ID, 0) {
			if err != nil {
				return err
			}
			n++
		}
		if n != heads[0].Number {
			t.Errorf("got %d records of a chain with %d", n, heads[0].Number)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func closedStoreTellsNothing(t *testing.T, s AuditStore) {
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantKind(t, s.Trail(t.Context(), func(audit.View) error { return nil }), pfx.Unavailable)
	wantKind(t, s.PutTrail(t.Context(), nil, nil), pfx.Unavailable)
	_, err := s.Prune(t.Context(), time.Now())
	wantKind(t, err, pfx.Unavailable)
}

func recordsAreFoundByTheirTime(t *testing.T, s AuditStore) {
	threeChanges(t, s)
	all := records(t, s)
	if between := recordsBetween(t, s, all[2].Time, all[2].Time.Add(time.Microsecond)); !slices.Contains(between, all[2]) {
		t.Errorf("got %+v, want the last record", between)
	}
	if later := recordsBetween(t, s, all[2].Time.Add(time.Microsecond), time.Time{}); len(later) > 0 {
		t.Errorf("got %+v, want none after the last record", later)
	}
}

func records(t *testing.T, s AuditStore) []audit.Record {
	t.Helper()
	return recordsBetween(t, s, time.Time{}, time.Time{})
}

func recordsBetween(t *testing.T, s AuditStore, since, until time.Time) []audit.Record {
	t.Helper()
	var all []audit.Record
	err := s.Trail(t.Context(), func(v audit.View) error {
		all = nil
		for r, err := range v.ByTime(since, until) {
			if err != nil {
				return err
			}
			all = append(all, r)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func wantVerified(t *testing.T, s AuditStore, records int64) {
	t.Helper()
	report, err := audit.Verify(t.Context(), s)
	if err != nil || len(report.Faults) > 0 || report.Records != records {
		t.Errorf("got %d records, faults %v, %v, want %d records and no fault", report.Records, report.Faults, err, records)
	}
}
