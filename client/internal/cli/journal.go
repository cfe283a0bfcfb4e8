package cli

import (
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"
)

// journal records how many lines from the beginning of a file are imported, and their digest. It may lack the lines of the
// last second; importing them again is harmless.
type journal struct {
	Server string `json:"server"`
	Lines  int    `json:"lines"`
	Digest []byte `json:"sha256"` // of those lines, each with a line feed

	name string // empty for no file

	mu     sync.Mutex
	hash   hash.Hash
	behind map[int][]byte // imported lines after a line that is still pending
	saved  time.Time
}

func newJournal(name, server string) *journal {
	return &journal{name: name, Server: server, hash: sha256.New(), behind: make(map[int][]byte), saved: time.Now()}
}

// openJournal returns the journal that an earlier run left in the file name, or a new one, and rewinds in. It refuses a
// journal of another server or of different lines.
func openJournal(name, server string, in io.ReadSeeker) (*journal, error) {
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	j := newJournal(name, server)
	found, err := loadState(name, j)
	if err != nil || !found {
		return j, err
	}
	n := 0
	for line, err := range lines(in) {
		if err != nil {
			return nil, err
		}
		if n == j.Lines {
			break
		}
		n++
		j.add(line)
	}
	if j.Server != server || n != j.Lines || string(j.hash.Sum(nil)) != string(j.Digest) {
		return nil, usagef("%s belongs to a different import: delete it to start over", name)
	}
	_, err = in.Seek(0, io.SeekStart)
	return j, err
}

func (j *journal) add(line []byte) {
	j.hash.Write(line)
	j.hash.Write([]byte{'\n'})
}

// done records that line n, counted from 1, is imported. It writes the file at most once per second.
func (j *journal) done(n int, line []byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.name == "" {
		return nil
	}
	j.behind[n] = line
	for line, ok := j.behind[j.Lines+1]; ok; line, ok = j.behind[j.Lines+1] {
		j.Lines++
		delete(j.behind, j.Lines)
		j.add(line)
	}
	if time.Since(j.saved) < time.Second {
		return nil
	}
	return j.write()
}

// save writes the journal for a later run.
func (j *journal) save() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.name == "" {
		return nil
	}
	return j.write()
}

func (j *journal) write() error {
	j.Digest, j.saved = j.hash.Sum(nil), time.Now()
	return saveState(j.name, j)
}

// remove deletes the journal of a complete import.
func (j *journal) remove() error {
	if err := os.Remove(j.name); j.name != "" && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
