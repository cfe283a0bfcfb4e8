// Package postgres keeps requests in PostgreSQL, shared by any number of servers.
//
//	store, err := postgres.Open(ctx, postgres.Config{URL: "postgres://pfxr@db.example/pfxr?sslmode=verify-full"})
//	if err != nil {
//		return err // one sentence that names the database and the cause, without the password
//	}
//	defer store.Close()
//
// Updates are compare-and-swap: the store reads a request, applies the function, and stores the result by one statement if
// the version is unchanged. Otherwise it starts again. Nothing is locked while the function runs, and READ COMMITTED is
// enough. A statement with an unknown outcome, because its connection was lost, is never sent again: the error is
// Unavailable and says so.
//
// Updates that wait at the same time go together: one statement reads all their requests, the functions are applied in
// turn, and one statement stores the changes, with one sync of the server's log. Each update has its own outcome. If the
// database refuses the group, or another transaction holds a row, each update is tried alone. On two busy cores, go test
// -bench Update printed 4,800 to 15,400 updates a second with 64 callers, and 1,000 to 2,100 with a statement for each
// update: 4 to 7 times as many whenever both were measured together. With one caller it is a tenth fewer. One group at a
// time was faster than two.
//
// # Tables
//
// [Open] migrates the schema, under an advisory lock if several servers start at once. It refuses a database with a newer
// schema. Every row begins with its tenant: the primary key is (tenant_id, id), every index begins with tenant_id, and
// every statement names it. So the table can be partitioned by tenant without a change of the program, while no server
// runs:
//
//	ALTER TABLE request RENAME TO request_whole;
//	CREATE TABLE request (LIKE request_whole INCLUDING ALL) PARTITION BY HASH (tenant_id);
//	CREATE TABLE request_0 PARTITION OF request FOR VALUES WITH (MODULUS 16, REMAINDER 0); -- and so on to 15
//	INSERT INTO request SELECT * FROM request_whole;
//
// and with Citus distributed by SELECT create_distributed_table('request', 'tenant_id').
//
// The members by which clients look requests up, userId, deviceId, profileId and the two thumbprints, have an index
// (tenant_id, member, id). A page of the requests with a value is one range of it, in page order, however many others there
// are. The members that updates change, status, sourceType, the times, isDeleted and eTag, have none. So the usual update
// touches no index and stays on its page (a HOT update), where the fillfactor leaves room. A $filter on one of these reads
// the tenant's requests in order until a page is full, as in SQLite. For a value that is rare in a tenant of millions, that
// can exceed statement_timeout. [Config].Index (pfxrd serve --index) creates an index on such a member, and makes updates
// slower.
//
// Indexes are created and dropped CONCURRENTLY, while other servers read and write. A start waits up to ten minutes for
// transactions that have read the table before, such as that of pg_dump. The fillfactor applies to new pages; VACUUM FULL
// or pg_repack apply it to a table of an earlier release at once.
//
// # Several hosts
//
// The address may name several hosts, HOST:PORT,HOST:PORT. Connections go to the host that accepts changes
// (target_session_attrs=read-write, unless the address says otherwise): a standby would refuse them, and reads from it may
// be stale. A start tries every host. When primary and standby change places, the old connections end. A connection that
// still leads to a standby, as behind a proxy, is dropped when a change is refused with 25006. If it was idle for a second,
// it is found before its next use. Tested by scripts/torture.sh switchover. An acknowledged change survives the loss of the
// primary only if the primary waits for its standby: synchronous_standby_names.
//
// # Audit trail
//
// Each change is recorded by the statement that makes it, unless [Config].Audit is off. The statement of a group changes all
// of its requests or none, since its records are chained: if another server has changed one meanwhile, it fails (23502), and
// a transaction locks the requests, reads them again and stores the group. The hashes of the records are chained, with one
// chain for each connection that writes at a time. See package audit.
//
// # Other databases
//
// The statements use nothing that CockroachDB and YugabyteDB lack, but only PostgreSQL is tested, from release 15 on.
// CockroachDB has no advisory locks: its functions of that name lock nothing. If two servers start at once on an empty
// database there, both run the migration, each step in a transaction. One of them fails, finds that the step exists, and
// continues. YugabyteDB has advisory locks since 2025.1. Before, they fail unless the address says
// yb_silence_advisory_locks_not_supported_error=on. After the errors 40001 and 40P01, which say that nothing was stored and
// a retry may work, the store retries a few times, after random pauses.
//
// # Poolers
//
// A pooler may be between the server and the database, even one that gives each transaction to another backend. [Open]
// detects it, because the process that responds is not the one that the connection names. Then no statement is prepared for
// later use, each is planned again, and a migration's lock belongs to a transaction. Some poolers keep connections on their
// backends, or move prepared statements with them (PgBouncer from 1.21 on: max_prepared_statements). For these,
// default_query_exec_mode=cache_statement in the address turns preparation on again.
//
// PgBouncer refuses the limits of config.go, and the error says so, unless it is told to ignore them:
//
//	ignore_startup_parameters = statement_timeout, lock_timeout, idle_in_transaction_session_timeout, default_transaction_isolation
//
// Set them in the database then; a warning names those that are not set:
//
//	ALTER ROLE pfxr SET statement_timeout = '5s';
//	ALTER ROLE pfxr SET lock_timeout = '1s';
//	ALTER ROLE pfxr SET idle_in_transaction_session_timeout = '5s';
//
// Tested with PgBouncer 1.18 in transaction mode (scripts/torture.sh pgbouncer).
package postgres
