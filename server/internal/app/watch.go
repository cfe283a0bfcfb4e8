package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long files must be left alone before they are read: who writes one may not be done.
const settle = 100 * time.Millisecond

// patience is how long that may take at most: in some folders something is always going on.
const patience = 10 * settle

// watcher tells when files may have changed. It watches their folders: an editor, and a cluster that mounts a
// configuration, put a new file in the place of the old one. Of a symbolic link it watches the folders of the targets, too.
type watcher struct {
	fs    *fsnotify.Watcher // nil if files cannot be watched
	names []string
}

// watch begins to watch files; empty names are none. Where that cannot be done signals are left, and the log says so.
func watch(log *slog.Logger, names ...string) *watcher {
	w := &watcher{names: slices.DeleteFunc(names, func(name string) bool { return name == "" })}
	fs, err := fsnotify.NewWatcher()
	if err == nil {
		w.fs = fs
		err = w.follow()
	}
	if err != nil {
		log.Warn("files are not watched: send SIGHUP when they have changed", "err", err)
		w.close()
	}
	return w
}

func (w *watcher) close() {
	if w.fs != nil {
		_ = w.fs.Close() // nothing more is to be learned from it
		w.fs = nil
	}
}

// follow watches the folders in which the files are now: a link may lead elsewhere than before.
func (w *watcher) follow() error {
	for _, name := range w.names {
		for _, folder := range folders(name) {
			if err := w.fs.Add(folder); err != nil {
				return fmt.Errorf("watching %s: %w", name, err)
			}
		}
	}
	return nil
}

// maxLinks is how many links are followed from one to the next, as Linux does.
const maxLinks = 40

// folders returns the folder of a file and, of a link, those of all that it leads to.
func folders(name string) []string {
	all := []string{filepath.Dir(name)}
	for range maxLinks {
		target, err := os.Readlink(name)
		if err != nil {
			break // it is no link
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(name), target)
		}
		if name = target; !exists(filepath.Dir(name)) {
			break // the link leads nowhere: reading the file says so
		}
		all = append(all, filepath.Dir(name))
	}
	return all
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// run calls reload, with true for a signal and with false when files may have changed, until ctx is done.
func (w *watcher) run(ctx context.Context, log *slog.Logger, hangups <-chan os.Signal, reload func(always bool)) {
	defer w.close()
	var events <-chan fsnotify.Event
	var faults <-chan error
	if w.fs != nil {
		events, faults = w.fs.Events, w.fs.Errors
	}
	settled := time.NewTimer(settle)
	settled.Stop()
	var since time.Time // the first event that has led to no reload yet
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
			reload(true)
		case <-events:
			if since.IsZero() {
				since = time.Now()
			}
			if time.Since(since) < patience {
				settled.Reset(settle)
			}
		case err := <-faults:
			log.Warn("watching files", "err", err)
		case <-settled.C:
			since = time.Time{}
			if err := w.follow(); err != nil {
				log.Warn("watching files", "err", err)
			}
			reload(false)
		}
	}
}
