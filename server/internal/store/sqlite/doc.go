// Package sqlite keeps requests in one SQLite file, through a driver that is Go alone.
//
//	store, err := sqlite.Open(ctx, sqlite.Config{Path: "pfxr.db"})
//	if err != nil {
//		return err // one sentence that names the file and the cause
//	}
//	defer store.Close()
//
// One goroutine writes. It takes every update that waits, applies them one after the other in one transaction, and
// answers them only after the commit that is on the disk: the more callers wait, the more of them share one fsync.
// Readers have connections of their own and never wait for a writer.
//
// Several processes may open one file. It belongs on a local disk: SQLite's write-ahead log needs shared memory, which
// no network file system has.
//
// The package knows no rule of the domain beyond [pfx.Store].
package sqlite
