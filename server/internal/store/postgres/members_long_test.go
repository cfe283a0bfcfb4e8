//go:build long

package postgres

import (
	"testing"

	"github.com/pfxrecryption/pfxrecryption/server/internal/store/storetest"
)

// TestEveryAssignmentIsNecessary removes one assignment at a time from the statements.
func TestEveryAssignmentIsNecessary(t *testing.T) {
	t.Parallel()
	s := openTemp(t, true)
	storetest.RunMutants(t, map[string]string{"insert": insertRequest, "update": updateRequest, "updateGroup": updateGroup, "putGroup": putGroup},
		func(t *testing.T, name, statement string) storetest.CopyStore {
			_, err := s.pool.Exec(t.Context(), "TRUNCATE request")
			check(t, err)
			texts := map[string]string{"insert": insertRequest, "update": updateRequest, "updateGroup": updateGroup, "putGroup": putGroup}
			texts[name] = statement
			s.sql = newStatements(texts["insert"], texts["update"], texts["updateGroup"], texts["putGroup"])
			return &holder{s, t}
		})
}
