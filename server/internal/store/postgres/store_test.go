package postgres

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/audit"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/postgres/postgrestest"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/storetest"
)

var (
	tenant      = edm.Guid{0xf9, 0x88, 15: 0xf9}
	someTime, _ = edm.ParseDateTimeOffset("2017-01-01T00:03:18.9597070-08:00")
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ways are the two ways of an update. Both must keep the contract.
var ways = []struct {
	name  string
	share bool
}{{"shared", true}, {"alone", false}}

// TestStore keeps the contract. TestStoreAlone, a long test, does the same with updates that do not share commits.
func TestStore(t *testing.T) {
	t.Parallel()
	testStore(t, true)
	storetest.RunCopy(t, func(t *testing.T) storetest.CopyStore { return &holder{openTemp(t, true), t} })
}

func testStore(t *testing.T, share bool) {
	storetest.Run(t, func(t *testing.T) pfx.Store { return openTemp(t, share) })
}

// TestAudit keeps the contract of the audit trail. TestAuditAlone is to it what TestStoreAlone is to TestStore.
func TestAudit(t *testing.T) {
	t.Parallel()
	testAudit(t, true)
}

func testAudit(t *testing.T, share bool) {
	storetest.RunAudit(t, func(t *testing.T, mode audit.Mode) storetest.AuditStore {
		s := openTemp(t, share)
		s.audit = mode
		if !share {
			return s
		}
		return &holder{s, t}
	}, func(t *testing.T, s storetest.AuditStore, sql string) {
		store, ok := s.(*Store)
		if !ok {
			store = s.(*holder).Store
		}
		_, err := store.pool.Exec(t.Context(), asTable+sql+asBlocks, pgx.QueryExecModeSimpleProtocol)
		check(t, err)
	})
}

// The statements between asTable and asBlocks see the records as a table and not as a view. The blocks are like those of
// schema version 3: each record has all its texts.
const (
	asTable = `
CREATE TEMP TABLE audit_record AS SELECT * FROM public.audit_record;
`
	asBlocks = `;
DELETE FROM audit_block;
INSERT INTO audit_block SELECT chain, min(number), jsonb_agg(jsonb_build_array(time, action, tenant_id, object_id, before, after,
	subject, app, token, request, changes, encode(hash, 'hex')) ORDER BY number)
FROM (SELECT *, number - row_number() OVER (PARTITION BY chain ORDER BY number) AS run FROM pg_temp.audit_record) AS record GROUP BY chain, run;
DROP TABLE pg_temp.audit_record`
)

// holder makes updates go together.
type holder struct {
	*Store
	t *testing.T
}

var _ storetest.Holder = (*holder)(nil)

func (h *holder) Hold() (release func(n int)) {
	free := holdWriters(h.t, h.Store)
	return func(n int) {
		waitQueued(h.Store, n-writers) // each writer holds one job
		free()
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func openTemp(t testing.TB, share bool) *Store {
	t.Helper()
	// A busy machine would exceed each of these limits.
	const patient = "&connect_timeout=600&statement_timeout=10min&lock_timeout=10min&idle_in_transaction_session_timeout=10min&pool_ping_timeout=10m"
	settings, err := Config{URL: postgrestest.Copy(t, "empty", prepare) + patient}.settings()
	check(t, err)
	settings.waits = waits{connection: 10 * time.Minute, answer: 10 * time.Minute, call: 10 * time.Minute}
	s, err := openWith(t.Context(), settings, share)
	check(t, err)
	t.Cleanup(func() { check(t, s.Close()) })
	return s
}

// prepare creates the tables once for all tests that do not check how they are created.
func prepare(dsn string) error {
	s, err := Open(context.Background(), Config{URL: dsn})
	if err != nil {
		return err
	}
	return s.Close()
}

func mustOpen(t testing.TB, c Config, share bool) *Store {
	t.Helper()
	s, err := open(t.Context(), c, share)
	check(t, err)
	t.Cleanup(func() { check(t, s.Close()) })
	return s
}

func increment(r *pfx.Request) error {
	r.Status++
	return nil
}

func mustInsert(t testing.TB, s *Store, id string) *pfx.Request {
	t.Helper()
	r, err := s.Insert(t.Context(), storetest.Request(tenant, id))
	check(t, err)
	return r
}

func wantKind(t testing.TB, err error, want pfx.Kind) {
	t.Helper()
	e, ok := errors.AsType[*pfx.Error](err)
	if !ok || e.Kind != want {
		t.Errorf("got error %v, want a *pfx.Error of kind %d", err, want)
	}
}
