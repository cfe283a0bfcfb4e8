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

// settle is how long files must stay unchanged before they are read: a write may not be complete.
const settle = 100 * time.Millisecond

// patience is the longest wait for that: some folders change all the time.
const patience = 10 * settle

// watcher tells when files may have changed. It watches their folders, because editors and clusters replace a file instead
// of writing to it. For a symbolic link it also watches the folders of its targets.
type watcher struct {
	fs    *fsnotify.Watcher // nil if watching failed
	names []string
}

// watch starts to watch files and ignores empty names. If watching fails, it logs that; SIGHUP still works.
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
		_ = w.fs.Close() // an error changes nothing
		w.fs = nil
	}
}

// follow watches the current folders of the files: the target of a link may have changed.
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

// maxLinks bounds how many links are followed, as Linux does.
const maxLinks = 40

// folders returns the folder of a file and, for a link, of each target.
func folders(name string) []string {
	all := []string{filepath.Dir(name)}
	for range maxLinks {
		target, err := os.Readlink(name)
		if err != nil {
			break // not a link
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(name), target)
		}
		if name = target; !exists(filepath.Dir(name)) {
			break // a dangling link: reading the file reports it
		}
		all = append(all, filepath.Dir(name))
	}
	return all
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// run calls reload until ctx is done: with true for a signal, with false when files may have changed.
func (w *watcher) run(ctx context.Context, log *slog.Logger, hangups <-chan os.Signal, reload func(always bool)) {
	defer w.close()
	var events <-chan fsnotify.Event
	var faults <-chan error
	if w.fs != nil {
		events, faults = w.fs.Events, w.fs.Errors
	}
	settled := time.NewTimer(settle)
	settled.Stop()
	var since time.Time // the first event since the last reload
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
