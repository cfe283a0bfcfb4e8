// Package postgres keeps requests in PostgreSQL, from as many servers at once as one likes.
//
//	store, err := postgres.Open(ctx, postgres.Config{URL: "postgres://pfxr@db.example/pfxr?sslmode=verify-full"})
//	if err != nil {
//		return err // one sentence that names the database and the cause, without the password
//	}
//	defer store.Close()
//
// Updates are compare-and-swap: a request is read, the function applied, and one statement stores the outcome if the
// version is still the one that was read; else all of it happens again. Nothing is locked while the function runs, and
// READ COMMITTED is enough. A statement of which nobody knows whether it was applied, because its connection was lost, is
// never sent again: the error is Unavailable and says so.
//
// Updates that wait at the same time go together: one statement reads all of their requests, each function is applied in
// turn, and one statement stores what has changed, with one sync of the server's log. Each has its own outcome. If the
// database refuses the whole, or a row is locked by others, each goes on alone. On two cores that others used too,
// go test -bench Update printed 4,800 to 15,400 updates a second with 64 callers, and 1,000 to 2,100 for a statement
// each: 4 to 7 times as many whenever both were measured together. With one caller it is a tenth fewer. One group at a
// time was faster than two.
//
// # Tables
//
// [Open] brings the schema up to date; of several servers that start at once, one does, under an advisory lock. A
// database with a newer schema is refused. Every row is led by its tenant: the primary key is (tenant_id, id),
// every index begins with tenant_id, and every statement names it. So the table can be split by tenant without a change
// of the program, while no server runs:
//
//	ALTER TABLE request RENAME TO request_whole;
//	CREATE TABLE request (LIKE request_whole INCLUDING ALL) PARTITION BY HASH (tenant_id);
//	CREATE TABLE request_0 PARTITION OF request FOR VALUES WITH (MODULUS 16, REMAINDER 0); -- and so on to 15
//	INSERT INTO request SELECT * FROM request_whole;
//
// and with Citus distributed by SELECT create_distributed_table('request', 'tenant_id').
//
// The members by which callers look requests up, userId, deviceId, profileId and the two thumbprints, have an index
// (tenant_id, member, id): a page of the requests with a value is one range of an index, in the order of the page, however
// many others there are. The members that updates change, status, sourceType, the times, isDeleted and eTag, have none, so
// that the usual update touches no index and stays on its page (a HOT update), for which the fillfactor leaves room. A
// $filter on one of these reads the requests of the tenant in their order, until a page is full, as it does in SQLite; for a
// value that is rare in a tenant of millions that can exceed statement_timeout. [Config].Index (pfxrd serve --index) makes
// an index on such a member, and updates slower.
//
// Indexes come and go CONCURRENTLY while other servers read and write. A start waits up to ten minutes for transactions that
// have read the table before, such as that of pg_dump. The fillfactor holds for new pages; VACUUM FULL or pg_repack give it
// to a table of an earlier release at once.
//
// # Several hosts
//
// The address may name several hosts, HOST:PORT,HOST:PORT. Connections are to the one that takes changes
// (target_session_attrs=read-write, unless the address says otherwise): a standby would refuse them, and reads of it may be
// stale. A start tries every host. When primary and standby change places, the old connections end; a connection that leads
// to a standby nevertheless, as behind a proxy, is dropped by the first change that is refused with 25006, and found before
// it is used if it was idle for a second. Tested by scripts/torture.sh switchover. An answered change survives the loss of
// the primary only if that waits for its standby: synchronous_standby_names.
//
// # Audit trail
//
// Each change is recorded in the transaction of the change, unless [Config].Audit is off: a single one by the same statement,
// a group by a transaction of one more round trip, since only the database knows which of its updates took place. The hashes
// of the records are chained, a chain for each connection that writes at a time. See package audit.
//
// # Other databases
//
// The statements use nothing that CockroachDB and YugabyteDB lack, but only PostgreSQL is tested, from release 15 on.
// CockroachDB has no advisory locks: its functions of that name lock nothing. Two servers that start at once on an empty
// database there both run the migration, each step in a transaction; one of them fails, and takes it for done when it
// finds that the step is there. YugabyteDB has advisory locks since 2025.1; before, it answers them with an error unless
// the address says yb_silence_advisory_locks_not_supported_error=on. The error 40001 (and 40P01), which says that nothing
// was stored and that it may work now, is followed by a few more attempts, after random pauses.
//
// # Poolers
//
// A pooler may stand between the server and the database, also one that gives each transaction to another backend:
// [Open] notices, since the process that answers is not the one that the connection is said to be of. Then no statement
// is prepared for later, each is planned anew, and the lock of a migration is that of a transaction. Where connections
// keep their backends, or prepared statements follow them (PgBouncer from 1.21 on: max_prepared_statements), the
// parameter default_query_exec_mode=cache_statement of the address prepares them nevertheless.
//
// PgBouncer refuses the limits of config.go, and the error says so, unless it is told to leave them out:
//
//	ignore_startup_parameters = statement_timeout, lock_timeout, idle_in_transaction_session_timeout, default_transaction_isolation
//
// They are then for the database to set, and a warning names those that nobody has set:
//
//	ALTER ROLE pfxr SET statement_timeout = '5s';
//	ALTER ROLE pfxr SET lock_timeout = '1s';
//	ALTER ROLE pfxr SET idle_in_transaction_session_timeout = '5s';
//
// Tested with PgBouncer 1.18 in transaction mode (scripts/torture.sh pgbouncer).
package postgres
