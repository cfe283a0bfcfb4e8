//go:build long

package sqlite

import (
	"testing"

	"github.com/pfxrecryption/pfxrecryption/server/internal/store/storetest"
)

// TestEveryAssignmentIsNecessary removes one assignment at a time from the statements.
func TestEveryAssignmentIsNecessary(t *testing.T) {
	t.Parallel()
	storetest.RunMutants(t, map[string]string{"insert": insertRequest, "put": putRequest, "update": updateRequest},
		func(t *testing.T, name, statement string) storetest.CopyStore {
			planted := usualStatements
			*map[string]*string{"insert": &planted.insert, "put": &planted.put, "update": &planted.update}[name] = statement
			s, err := open(t.Context(), Config{Path: tempPath(t)}, planted)
			check(t, err)
			t.Cleanup(func() { check(t, s.Close()) })
			return s
		})
}
