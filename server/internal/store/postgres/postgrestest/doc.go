// Package postgrestest gives tests their own PostgreSQL: a private cluster, created by the installed programs in a
// temporary folder. It listens on a Unix socket alone and is removed when the test process ends, for whatever reason.
//
//	dsn := postgrestest.Database(t) // a new, empty database; skips the test where no PostgreSQL is installed
//
// If PFXR_TEST_POSTGRES has an address, [Database] creates its databases there instead.
package postgrestest
