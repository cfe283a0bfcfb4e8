package cli

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"

	"github.com/moby/sys/atomicwriter"
)

// loadState reads the state that an earlier run left in the file name, and reports whether there was one.
func loadState(name string, into any) (bool, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return false, usagef("%s is damaged or not a file of pfxr: delete it to start over", name)
	}
	return true, nil
}

// saveState replaces the file name atomically: a crash leaves either the old content or the new.
func saveState(name string, state any) error {
	text, err := json.Marshal(state)
	if err != nil {
		return err
	}
	return atomicwriter.WriteFile(name, append(text, '\n'), 0o600)
}
