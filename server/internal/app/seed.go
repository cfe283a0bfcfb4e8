package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/pfxrecryption/pfxrecryption/openapi"
	"github.com/pfxrecryption/pfxrecryption/server/internal/api"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// seed loads the entities of --seed, or with --dev the example of Microsoft's page. Existing objects are kept.
func (c *Config) seed(ctx context.Context, store pfx.Store) error {
	name, data := "the page's example", append(append([]byte("["), openapi.UpdateResponseExample...), ']')
	switch {
	case c.Seed != "":
		name = c.Seed
		var err error
		if data, err = os.ReadFile(c.Seed); err != nil {
			return fmt.Errorf("reading --seed: %w", err)
		}
	case !c.Dev:
		return nil
	}
	var entities []json.RawMessage
	if err := json.Unmarshal(data, &entities); err != nil {
		return fmt.Errorf("reading %s: it must be a JSON array of entities: %w", name, err)
	}
	requests := make([]pfx.Request, len(entities))
	for i, entity := range entities {
		var err error
		if requests[i], err = api.DecodeEntity(entity); err != nil {
			return fmt.Errorf("reading %s, entity %d: %w", name, i, err)
		}
	}
	for _, r := range requests {
		if _, err := store.Insert(ctx, r); err != nil && !isExists(err) {
			return fmt.Errorf("loading %s, key %q: %w", name, r.ID, err)
		}
	}
	return nil
}

func isExists(err error) bool {
	e, ok := errors.AsType[*pfx.Error](err)
	return ok && e.Kind == pfx.Exists
}

// pageExample returns the request of Microsoft's page on one line.
func pageExample() string {
	var b bytes.Buffer
	if err := json.Compact(&b, openapi.UpdateRequestExample); err != nil {
		panic(err) // the embedded example is invalid
	}
	return b.String()
}
