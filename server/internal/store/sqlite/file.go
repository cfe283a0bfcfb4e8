package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"zombiezen.com/go/sqlite"
)

// creating stops another Open of this process from using a file before createFile has closed it: closing any descriptor of
// a file drops all POSIX locks that the process holds on it (https://sqlite.org/howtocorrupt.html §2.2). For the same
// reason only SQLite opens existing files in this package.
var creating sync.Mutex

// createFile creates an empty file that only its owner can read, if path does not exist. SQLite would apply the umask
// instead; it gives the log the mode of the file.
func createFile(path string) error {
	creating.Lock()
	defer creating.Unlock()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("its folder does not exist")
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("creating the file: %w", e.Err) // the message names the path already
	}
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes the name of a new file survive a power loss.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	// Some file systems and Windows cannot sync a folder and need not: ignore the error.
	_ = d.Sync()
	return d.Close()
}

// inspect returns an error if path is not a file of this program. It changes nothing in the folder. While another process
// moves its log into the file, an unlocked read may mix two moments: inspect retries for 200 ms before it reports damage.
func inspect(ctx context.Context, path string) error {
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for tries := 1; ; tries++ {
		err := inspectOnce(path)
		if code := sqlite.ErrCode(err).ToPrimary(); tries == 20 || code != sqlite.ResultCorrupt && code != sqlite.ResultNotADB {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return err
		}
	}
}

func inspectOnce(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("it is not a regular file")
	}
	if err := writable(path); err != nil {
		return err
	}
	if info.Size() == 0 {
		return nil // not in use yet
	}
	if journal, err := os.Stat(path + "-journal"); err == nil && journal.Size() > 0 {
		return nil // the first commit was interrupted: SQLite must undo it before the file can be read
	}
	// immutable=1 reads the bytes as they are, without locks, log or recovery.
	uri := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: "immutable=1"}
	sc, err := sqlite.OpenConn(uri.String(), sqlite.OpenReadOnly, sqlite.OpenURI)
	if err != nil {
		return err
	}
	c := &conn{Conn: sc}
	log, err := os.Stat(path + "-wal")
	whole := err != nil || log.Size() == 0
	if !whole {
		// After an interrupted checkpoint the file is complete only with its log. The values that are read here are in the
		// first page. With this setting SQLite reads it even if the file is too short.
		if err := c.set("writable_schema", "ON", ""); err != nil {
			return errors.Join(err, c.Close())
		}
	}
	appID, err := c.text("PRAGMA application_id")
	if err == nil && appID != fmt.Sprint(schema.AppID) {
		err = fmt.Errorf("it is the database of another application (application_id %s, not %d)", appID, schema.AppID)
	}
	if err == nil {
		err = inspectSchema(c, whole)
	}
	return errors.Join(err, c.Close())
}

// inspectSchema returns an error if the schema is newer than this program's, or if a whole file lacks the table.
func inspectSchema(c *conn, whole bool) error {
	version, err := c.text("PRAGMA user_version")
	if err != nil {
		return err
	}
	var n int
	if _, err := fmt.Sscan(version, &n); err != nil || n > len(schema.Migrations) {
		return fmt.Errorf("its schema version %s is newer than this program's %d: use the release that wrote it, or a later one",
			version, len(schema.Migrations))
	}
	if n == 0 || !whole {
		return nil // another Open or the log is about to fill it
	}
	if _, err := c.text(selectAny); err != nil {
		return fmt.Errorf("reading its table: %w", err)
	}
	return nil
}

// explain puts the cause before SQLite's own message.
func explain(err error) error {
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultNotADB:
		return fmt.Errorf("it is not an SQLite database: %w", err)
	case sqlite.ResultCorrupt:
		return fmt.Errorf("the database is damaged: %w", err)
	case sqlite.ResultReadOnly, sqlite.ResultCantOpen, sqlite.ResultPerm, sqlite.ResultAuth:
		return fmt.Errorf("the file or its folder cannot be written: %w", err)
	case sqlite.ResultBusy, sqlite.ResultLocked:
		return fmt.Errorf("another process keeps it locked: %w", err)
	case sqlite.ResultFull:
		return fmt.Errorf("no space is left: %w", err)
	case sqlite.ResultIOErr:
		return fmt.Errorf("the disk reports a fault: %w", err)
	}
	return err
}
