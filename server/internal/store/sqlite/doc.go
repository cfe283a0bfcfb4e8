// Package sqlite keeps requests in one SQLite file, with a driver written in Go alone.
//
//	store, err := sqlite.Open(ctx, sqlite.Config{Path: "pfxr.db"})
//	if err != nil {
//		return err // one sentence that names the file and the cause
//	}
//	defer store.Close()
//
// One goroutine writes. It applies all waiting updates one after the other in one transaction and returns their outcomes
// after the commit is on disk. The more callers wait, the more of them share one fsync. Readers have their own connections
// and never wait for a writer.
//
// Several processes may open one file. It must be on a local disk: SQLite's write-ahead log needs shared memory, which
// network file systems do not have.
//
// The package knows no rule of the domain beyond [pfx.Store].
package sqlite
