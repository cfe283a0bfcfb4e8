package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long files must be left alone before they are read: who writes one may not be done.
const settle = 100 * time.Millisecond

// patience is how long that may take at most: in some folders something is always going on.
const patience = 10 * settle

// watcher tells when files may have changed. It watches their folders: an editor, and a cluster that mounts a
// configuration, put a new file in the place of the old one.
type watcher struct{ fs *fsnotify.Watcher }

// watch begins to watch files; empty names are none.
func watch(names ...string) (*watcher, error) {
	fs, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watching files: %w", err)
	}
	for _, name := range names {
		if name == "" {
			continue
		}
		if err := fs.Add(filepath.Dir(name)); err != nil {
			return nil, errors.Join(fmt.Errorf("watching %s: %w", name, err), fs.Close())
		}
	}
	return &watcher{fs}, nil
}

// run calls reload, with true for a signal and with false when files may have changed, until ctx is done.
func (w *watcher) run(ctx context.Context, log *slog.Logger, hangups <-chan os.Signal, reload func(always bool)) {
	defer func() { _ = w.fs.Close() }() // nothing more is to be learned from it
	settled := time.NewTimer(settle)
	settled.Stop()
	var since time.Time // the first event that has led to no reload yet
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
			reload(true)
		case <-w.fs.Events:
			if since.IsZero() {
				since = time.Now()
			}
			if time.Since(since) < patience {
				settled.Reset(settle)
			}
		case err := <-w.fs.Errors:
			log.Warn("watching files", "err", err)
		case <-settled.C:
			since = time.Time{}
			reload(false)
		}
	}
}
