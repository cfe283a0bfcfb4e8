package copying_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/copying"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/sqlite"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/storetest"
)

func TestMain(m *testing.M) {
	copying.SetBatchLen(100)
	goleak.VerifyTestMain(m)
}

// many exceeds the batch size of these tests.
const many = 210

var tenants = []edm.Guid{{1}, {2}}

// TestCopy starts from a source and a target and checks the result.
func TestCopy(t *testing.T) {
	t.Parallel()
	all := requests(many)
	for name, tt := range map[string]struct {
		source, target    []pfx.Request
		delete, overwrite bool
		want              copying.Outcome
		differ            bool
	}{
		"nothing":       {},
		"everything":    {source: all, want: copying.Outcome{Copied: many}},
		"odd":           {source: storetest.Odd(), want: copying.Outcome{Copied: 40}},
		"again":         {source: all, target: all, want: copying.Outcome{Equal: many}},
		"afterAKill":    {source: all, target: all[:many/2], want: copying.Outcome{Copied: many / 2, Equal: many / 2}},
		"withHoles":     {source: all, target: every(3, all), want: copying.Outcome{Copied: many - (many+2)/3, Equal: (many + 2) / 3}},
		"changedSource": {source: changed(all, 1), target: all, want: copying.Outcome{Replaced: many}},
		"recreated":     {source: changed(all, -1<<40), target: all, want: copying.Outcome{Replaced: many}},
		"sameVersion":   {source: changed(all, 0), target: all, want: copying.Outcome{Replaced: many}},
		"deletedIsLeft": {source: every(3, all), target: all, want: copying.Outcome{Equal: (many + 2) / 3, Extra: many - (many+2)/3}, differ: true},
		"deletedIsRemoved": {source: every(3, all), target: all, delete: true,
			want: copying.Outcome{Equal: (many + 2) / 3, Removed: many - (many+2)/3}},
		"allIsRemoved":       {target: all, delete: true, want: copying.Outcome{Removed: many}},
		"aheadIsLeft":        {source: all, target: changed(all, 1), want: copying.Outcome{Ahead: many}, differ: true},
		"aheadIsOverwritten": {source: all, target: changed(all, 1), overwrite: true, want: copying.Outcome{Replaced: many}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, to := open(t, tt.source), open(t, tt.target)
			told := 0
			job := copying.Job{From: from, To: to, Delete: tt.delete, Overwrite: tt.overwrite, Progress: func(n int) { told += n }}
			got, err := job.Copy(t.Context())
			check(t, err)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
			if told != len(tt.source) {
				t.Errorf("told of %d requests, want %d", told, len(tt.source))
			}
			report, err := job.Verify(t.Context())
			check(t, err)
			if differ := report.Differences() != nil; differ != tt.differ {
				t.Errorf("differences: %v", report.Differences())
			}
			if same := slices.Equal(content(t, to), content(t, from)); same == tt.differ {
				t.Errorf("the stores have the same: %v", same)
			}
		})
	}
}

// TestCopyResumes interrupts a copy at each of its writes, before and after the write, and starts it again.
func TestCopyResumes(t *testing.T) {
	t.Parallel()
	from, to := open(t, requests(many)), open(t, nil)
	broken := errors.New("broken")
	total := int64(0)
	for n := 0; ; n++ {
		target := &fake{Target: to, put: func(ctx context.Context, requests []pfx.Request) error {
			if n%2 == 1 {
				check(t, to.Put(ctx, requests))
			}
			return broken
		}}
		got, err := (&copying.Job{From: from, To: target}).Copy(t.Context())
		if err == nil {
			break
		}
		if !errors.Is(err, broken) {
			t.Fatal(err)
		}
		if total = got.Equal; n > 20 {
			t.Fatal("it does not come to an end")
		}
	}
	if total == 0 || !slices.Equal(content(t, to), content(t, from)) {
		t.Error("the stores have not the same")
	}
}

// TestCopyReadsOneMoment: a change made in the source during a copy is not copied. The verification finds it, and
// the next copy transfers it.
func TestCopyReadsOneMoment(t *testing.T) {
	t.Parallel()
	all := requests(many)
	from, to := open(t, all), open(t, nil)
	late := all[many-1]
	update := true
	job := copying.Job{From: from, To: &fake{Target: to, put: func(ctx context.Context, requests []pfx.Request) error {
		if update {
			update = false
			_, err := from.Update(ctx, late.TenantID, late.ID, func(r *pfx.Request) error { r.Status++; return nil })
			check(t, err)
			check(t, from.Remove(ctx, []pfx.Key{all[0].Key()}))
		}
		return to.Put(ctx, requests)
	}}}
	_, err := job.Copy(t.Context())
	check(t, err)
	if !slices.Equal(content(t, to), all) {
		t.Error("the target does not have what the source had when the copy began")
	}
	report, err := job.Verify(t.Context())
	check(t, err)
	if got := report.Differences(); len(got) != 2 || got[0].Source.Count != many/2-1 || got[0].Target.Count != many/2 || got[1].Source.Count != many/2 {
		t.Errorf("got the differences %v, want one of each tenant", got)
	}
	job.Delete = true
	got, err := job.Copy(t.Context())
	check(t, err)
	if want := (copying.Outcome{Replaced: 1, Removed: 1, Equal: many - 2}); got != want {
		t.Errorf("got %+v by the next copy, want %+v", got, want)
	}
	report, err = job.Verify(t.Context())
	check(t, err)
	if got := report.Differences(); got != nil {
		t.Errorf("got the differences %v after the next copy", got)
	}
}

// TestVerifyFindsEveryChange changes one member of one request in the target at a time.
func TestVerifyFindsEveryChange(t *testing.T) {
	t.Parallel()
	all := requests(10)
	from, to := open(t, all), open(t, all)
	job := copying.Job{From: from, To: to}
	for name, change := range map[string]func(*pfx.Request){
		"UserID":              func(r *pfx.Request) { r.UserID[15]++ },
		"DeviceID":            func(r *pfx.Request) { r.DeviceID[15]++ },
		"ProfileID":           func(r *pfx.Request) { r.ProfileID[15]++ },
		"Thumbprint":          func(r *pfx.Request) { r.Thumbprint = edm.Null[string]() },
		"DeviceKeyThumbprint": func(r *pfx.Request) { r.DeviceKeyThumbprint = edm.Value("") },
		"Status":              func(r *pfx.Request) { r.Status++ },
		"SourceType":          func(r *pfx.Request) { r.SourceType++ },
		"CreatedTime":         func(r *pfx.Request) { r.CreatedTime = edm.DateTimeOffset{} },
		"LastModifiedTime":    func(r *pfx.Request) { r.LastModifiedTime = r.CreatedTime },
		"IsDeleted":           func(r *pfx.Request) { r.IsDeleted = !r.IsDeleted },
		"ETag":                func(r *pfx.Request) { r.ETag = edm.Value("x") },
		"Version":             func(r *pfx.Request) { r.Version++ },
		// One value moves to the next member.
		"border": func(r *pfx.Request) { r.Thumbprint, r.DeviceKeyThumbprint = r.DeviceKeyThumbprint, r.Thumbprint },
	} {
		r := all[3]
		change(&r)
		check(t, to.Put(t.Context(), []pfx.Request{r}))
		report, err := job.Verify(t.Context())
		check(t, err)
		if got := report.Differences(); len(got) != 1 || got[0].Source.Tenant != r.TenantID || got[0].Source.Count != got[0].Target.Count {
			t.Errorf("%s: got the differences %v, want one of tenant %s", name, got, r.TenantID)
		}
		check(t, to.Put(t.Context(), all[3:4]))
	}
	report, err := job.Verify(t.Context())
	check(t, err)
	if got := report.Differences(); got != nil || len(report.Source) != 2 || report.Source[0].Count != 5 {
		t.Errorf("got the report %v, want two tenants and no difference", report)
	}
}

// TestErrorsEndACopy: a store's error must not look like the end of its data.
func TestErrorsEndACopy(t *testing.T) {
	t.Parallel()
	all := requests(many)
	broken := errors.New("broken")
	for name, broken := range map[string]copying.Job{
		"source": {From: &fake{Target: open(t, all), fault: broken}, To: open(t, nil)},
		"target": {From: open(t, all), To: &fake{Target: open(t, all), fault: broken}},
	} {
		if _, err := broken.Copy(t.Context()); err == nil {
			t.Errorf("%s: Copy: got no error", name)
		}
		if _, err := broken.Verify(t.Context()); err == nil {
			t.Errorf("%s: Verify: got no error", name)
		}
	}
}

// fake is a store that fails on request.
type fake struct {
	copying.Target
	put   func(context.Context, []pfx.Request) error
	fault error // returned by Scan after a few requests
}

func (f *fake) Put(ctx context.Context, requests []pfx.Request) error { return f.put(ctx, requests) }

func (f *fake) Scan(ctx context.Context, after pfx.Key) iter.Seq2[pfx.Request, error] {
	if f.fault == nil {
		return f.Target.Scan(ctx, after)
	}
	return func(yield func(pfx.Request, error) bool) {
		n := 0
		for r, err := range f.Target.Scan(ctx, after) {
			if n++; n == 100 {
				yield(pfx.Request{}, f.fault)
				return
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// requests returns n requests of two tenants with the same keys, in order.
func requests(n int) []pfx.Request {
	var all []pfx.Request
	for _, tenant := range tenants {
		for i := range n / len(tenants) {
			r := storetest.Request(tenant, fmt.Sprintf("%06d", i))
			r.Version = pfx.NewVersion()
			all = append(all, r)
		}
	}
	return all
}

// every returns each n-th request.
func every(n int, all []pfx.Request) []pfx.Request {
	var some []pfx.Request
	for i := 0; i < len(all); i += n {
		some = append(some, all[i])
	}
	return some
}

// changed returns the requests with another value and a version that is higher by the given number.
func changed(all []pfx.Request, by pfx.Version) []pfx.Request {
	all = slices.Clone(all)
	for i := range all {
		all[i].Status++
		all[i].Version += by
	}
	return all
}

func open(t testing.TB, requests []pfx.Request) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "pfxr.db")})
	check(t, err)
	t.Cleanup(func() { check(t, s.Close()) })
	check(t, s.Put(t.Context(), requests))
	return s
}

func content(t *testing.T, s copying.Source) []pfx.Request {
	t.Helper()
	var all []pfx.Request
	for r, err := range s.Scan(t.Context(), pfx.Key{}) {
		check(t, err)
		all = append(all, r)
	}
	return all
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
