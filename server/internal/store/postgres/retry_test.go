package postgres

import (
	"fmt"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// TestRetry has a trigger refuse the first changes with a code. A sequence, which is not rolled back, counts them.
func TestRetry(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		code    string
		refused int
		stored  bool
		kind    pfx.Kind // if it is not stored
		tries   int      // at most, in addition to one in a group
	}{
		"serializationFailureIsRetried": {code: "40001", refused: 3, stored: true, tries: 4},
		"deadlockIsRetried":             {code: "40P01", refused: 3, stored: true, tries: 4},
		"lastingFailureIsUnavailable":   {code: "40001", refused: 1000, kind: pfx.Unavailable, tries: maxTries},
		"unknownIsNotRepeated":          {code: "40003", refused: 1, kind: pfx.Unavailable, tries: 1},
		"fullDiskIsNotRepeated":         {code: "53100", refused: 1000, kind: pfx.Unavailable, tries: 1},
		"otherCodeIsInternal":           {code: "23514", refused: 1000, kind: pfx.Internal, tries: 1},
	} {
		for _, way := range ways {
			t.Run(name+"/"+way.name, func(t *testing.T) {
				t.Parallel()
				s := openTemp(t, way.share)
				before := mustInsert(t, s, "a")
				for _, sql := range []string{
					"CREATE SEQUENCE refusals",
					fmt.Sprintf(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
						IF nextval('refusals') <= %d THEN RAISE EXCEPTION 'planned' USING ERRCODE = '%s'; END IF; RETURN NEW; END $$`, tt.refused, tt.code),
					"CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON request FOR EACH ROW EXECUTE FUNCTION refuse()",
				} {
					_, err := s.pool.Exec(t.Context(), sql)
					check(t, err)
				}
				got, err := s.Update(t.Context(), tenant, "a", increment)
				tries := query[int](t, s, "SELECT nextval('refusals')::int - 1")
				if limit := tt.tries + 1; tries > limit || !way.share && tries > tt.tries {
					t.Errorf("got %d tries, want %d", tries, tt.tries)
				}
				stored, errGet := s.Get(t.Context(), tenant, "a")
				check(t, errGet)
				if tt.stored {
					if err != nil || *got != *stored || got.Version != before.Version+1 {
						t.Errorf("got %+v, %v, stored %+v, want one update", got, err, stored)
					}
					return
				}
				wantKind(t, err, tt.kind)
				if *stored != *before {
					t.Errorf("got %+v, want nothing changed", stored)
				}
			})
		}
	}
}
