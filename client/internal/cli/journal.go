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

// journal says how much of a file is known to be imported: a number of lines from the beginning, and which ones. It is
// behind by what was sent in the last second; to send that again does no harm.
type journal struct {
	Server string `json:"server"`
	Lines  int    `json:"lines"`
	Digest []byte `json:"sha256"` // of those lines, each with a line feed

	name string // empty: nothing is kept

	mu     sync.Mutex
	hash   hash.Hash
	behind map[int][]byte // lines that are done, but one before them is not
	saved  time.Time
}

func newJournal(name, server string) *journal {
	return &journal{name: name, Server: server, hash: sha256.New(), behind: make(map[int][]byte), saved: time.Now()}
}

// openJournal returns the journal that an earlier run left in the file name, or a new one; in is left at its beginning. It
// refuses a journal of another server, or of other lines than in has.
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
		return nil, usagef("%s is of another import: delete it to begin anew", name)
	}
	_, err = in.Seek(0, io.SeekStart)
	return j, err
}

func (j *journal) add(line []byte) {
	j.hash.Write(line)
	j.hash.Write([]byte{'\n'})
}

// done notes that the n-th line, counted from 1, is imported.
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

// save keeps what is done for a later run.
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

// remove forgets an import that is done.
func (j *journal) remove() error {
	if err := os.Remove(j.name); j.name != "" && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
