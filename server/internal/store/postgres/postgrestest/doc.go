// Package postgrestest gives tests a PostgreSQL of their own: a private cluster, made by the installed programs in a
// temporary folder, which listens on a Unix socket alone and is gone when the test process is, however that ends.
//
//	dsn := postgrestest.Database(t) // a new, empty database; skips the test where no PostgreSQL is installed
//
// When PFXR_TEST_POSTGRES has an address, [Database] makes its databases there instead.
package postgrestest
