package cli

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"

	"github.com/moby/sys/atomicwriter"
)

// loadState reads what an earlier run left in the file name, and reports whether there was something.
func loadState(name string, into any) (bool, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return false, usagef("%s is not what an earlier run left there: delete it to begin anew", name)
	}
	return true, nil
}

// saveState replaces the file name as a whole: a run that dies leaves the old one or the new one.
func saveState(name string, state any) error {
	text, err := json.Marshal(state)
	if err != nil {
		return err
	}
	return atomicwriter.WriteFile(name, append(text, '\n'), 0o600)
}
