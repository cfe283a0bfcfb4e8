package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// Holder is a store that can hold updates back, so that they go together.
type Holder interface {
	// Hold holds all updates from now on. release waits until n updates wait and lets them go.
	Hold() (release func(n int))
}

func everyStatementStoresEveryMember(t *testing.T, s CopyStore) {
	if err := CheckMembers(t.Context(), s); err != nil {
		t.Error(err)
	}
}

// CheckMembers checks that a store keeps every member in each way of storing it: by an insert, by a single update, by many
// updates of different members that go together, and by a copy. The store must be empty. It returns the first difference,
// so that a store's tests can prove that a missing assignment is found: see [Mutants].
func CheckMembers(ctx context.Context, s CopyStore) error {
	return errors.Join(checkInserts(ctx, s), checkUpdates(ctx, s), checkGroup(ctx, s), checkPuts(ctx, s))
}

func checkInserts(ctx context.Context, s CopyStore) error {
	r, err := s.Insert(ctx, Request(ours, "inserted"))
	if err != nil {
		return err
	}
	return checkFound(ctx, s, r)
}

// checkUpdates changes one member after another.
func checkUpdates(ctx context.Context, s CopyStore) error {
	r, err := s.Insert(ctx, Request(ours, "updated"))
	if err != nil {
		return err
	}
	for i := range pfx.Changeable {
		if r, err = checkUpdate(ctx, s, r, &pfx.Changeable[i]); err != nil {
			return err
		}
	}
	return nil
}

func checkUpdate(ctx context.Context, s CopyStore, r *pfx.Request, m *pfx.Member) (*pfx.Request, error) {
	got, err := s.Update(ctx, r.TenantID, r.ID, func(r *pfx.Request) error { change(m, r); return nil })
	if err != nil {
		return nil, fmt.Errorf("changing %s: %w", m.Name, err)
	}
	want := *r
	change(m, &want)
	want.Version++
	if *got != want {
		return nil, fmt.Errorf("changing %s: got %+v, want %+v", m.Name, *got, want)
	}
	return got, checkFound(ctx, s, got)
}

// checkGroup makes many updates go together, each of a different member of a different request.
func checkGroup(ctx context.Context, s CopyStore) error {
	requests := make([]*pfx.Request, len(pfx.Changeable))
	for i, m := range pfx.Changeable {
		var err error
		if requests[i], err = s.Insert(ctx, Request(ours, "grouped "+m.Name)); err != nil {
			return err
		}
	}
	release := func(int) {}
	if h, ok := s.(Holder); ok {
		release = h.Hold()
	}
	errs := make([]error, len(pfx.Changeable))
	var wg sync.WaitGroup
	for i := range pfx.Changeable {
		wg.Go(func() { _, errs[i] = checkUpdate(ctx, s, requests[i], &pfx.Changeable[i]) })
	}
	release(len(pfx.Changeable))
	wg.Wait()
	return errors.Join(errs...)
}

// checkPuts stores requests as a copy does, and replaces them by others that differ in one member each.
func checkPuts(ctx context.Context, s CopyStore) error {
	requests := make([]pfx.Request, len(pfx.Changeable))
	for i, m := range pfx.Changeable {
		requests[i] = Request(theirs, "put "+m.Name)
		requests[i].Version = pfx.Version(i + 1)
	}
	for range 2 {
		if err := s.Put(ctx, requests); err != nil {
			return err
		}
		for i := range requests {
			if err := checkFound(ctx, s, &requests[i]); err != nil {
				return err
			}
			change(&pfx.Changeable[i], &requests[i])
			requests[i].Version += 100
		}
	}
	return nil
}

// checkFound checks that a request is stored correctly, and is found by the value of each member.
func checkFound(ctx context.Context, s CopyStore, want *pfx.Request) error {
	got, err := s.Get(ctx, want.TenantID, want.ID)
	if err != nil {
		return fmt.Errorf("getting %q: %w", want.ID, err)
	}
	if *got != *want {
		return fmt.Errorf("%q (-want +got):\n%s", want.ID, cmp.Diff(want, got, cmp.Exporter(func(reflect.Type) bool { return true })))
	}
	for i := range pfx.Changeable {
		m := &pfx.Changeable[i]
		if m.Type != pfx.DateTimeOffset { // a store may compare these by a value in another column
			continue
		}
		found, err := s.List(ctx, want.TenantID, pfx.Query{Filter: pfx.Filter{{Member: m, Value: m.Value(want)}}, Limit: 1000})
		if err != nil {
			return fmt.Errorf("listing by %s: %w", m.Name, err)
		}
		if !slices.Contains(found, *want) {
			return fmt.Errorf("%q is not found by its %s, %v", want.ID, m.Name, m.Value(want))
		}
	}
	return nil
}

// assigned matches an assignment of an UPDATE or an upsert, parameter one of the values of an INSERT.
var (
	assigned  = regexp.MustCompile(`(\w+) = ((?:new|excluded)\.\w+|[?$]\d+)`)
	parameter = regexp.MustCompile(`[?$]\d+`)
)

// Mutants returns copies of a statement, each without one of its assignments, and named for it. An UPDATE then leaves the
// column as it is, and an INSERT makes it null. The assignment stays in a branch that is never taken, because the database
// must learn the types of parameters.
func Mutants(statement string) map[string]string {
	mutants := map[string]string{}
	if before, values, ok := strings.Cut(statement, "VALUES ("); ok {
		values, after, _ := strings.Cut(values, ")")
		for _, at := range parameter.FindAllStringIndex(values, -1) {
			name := values[at[0]:at[1]]
			mutants[name] = before + "VALUES (" + values[:at[0]] + "CASE WHEN true THEN NULL ELSE " + name + " END" + values[at[1]:] + ")" + after
		}
		return mutants
	}
	end := len(statement)
	if i := strings.Index(statement, "\nWHERE"); i >= 0 {
		end = i
	}
	for _, at := range assigned.FindAllStringSubmatchIndex(statement[:end], -1) {
		name := statement[at[2]:at[3]]
		mutants[name] = statement[:at[4]] + "CASE WHEN true THEN request." + name + " ELSE " + statement[at[4]:at[5]] + " END" + statement[at[5]:]
	}
	return mutants
}

// RunMutants checks that CheckMembers finds each mutant of some statements. open returns an empty store that uses a
// statement instead of the one with that name.
func RunMutants(t *testing.T, statements map[string]string, open func(t *testing.T, name, statement string) CopyStore) {
	t.Helper()
	for name, statement := range statements {
		mutants := Mutants(statement)
		if len(mutants) < len(pfx.Changeable) {
			t.Errorf("%s: got %d mutants, want one for each member at least", name, len(mutants))
		}
		for left, mutant := range mutants {
			if err := CheckMembers(t.Context(), open(t, name, mutant)); err == nil {
				t.Errorf("%s without %s passes:\n%s", name, left, mutant)
			}
		}
	}
}
