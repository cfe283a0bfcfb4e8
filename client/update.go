package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
)

// Update gets the object, runs change on it, and sends the members that differ, provided that the object is still unchanged.
// If it is not, Update starts over, so that change sees the new object. After 100 attempts, with growing pauses, the error
// is ErrPreconditionFailed. If nothing differs, Update sends nothing. It returns an error of change unchanged. If a
// connection breaks, the error may be ErrUnknownOutcome: another attempt could apply the change twice. If the server sends
// no entity tags, the error is ErrNoTag.
func (c *Client) Update(ctx context.Context, id string, change func(*Request) error) (*Versioned, error) {
	for n := 1; ; n++ {
		got, err := c.attempt(ctx, id, change)
		if !errors.Is(err, ErrPreconditionFailed) || n == c.limits.attempts || !sleep(ctx, c.limits.rebase.wait(n)) {
			return got, err
		}
	}
}

func (c *Client) attempt(ctx context.Context, id string, change func(*Request) error) (*Versioned, error) {
	before, err := c.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	after := before.Request
	if err := change(&after); err != nil {
		return nil, err
	}
	u, err := difference(&before.Request, &after)
	if err != nil {
		return nil, fmt.Errorf("updating %q: %w", id, err)
	}
	if u == (Update{}) {
		return before, nil
	}
	if before.Tag == "" {
		return nil, fmt.Errorf("updating %q: %w", id, ErrNoTag)
	}
	return c.Patch(ctx, id, u, IfMatch(before.Tag))
}

// difference returns the members of after that differ from before. It compares the generated JSON, so that it covers every
// member.
func difference(before, after *Request) (Update, error) {
	if after.ID != before.ID {
		return Update{}, fmt.Errorf("%w: the key of an object cannot change", ErrInvalid)
	}
	if err := checkText(after); err != nil {
		return Update{}, err
	}
	old, err := members(before)
	if err != nil {
		return Update{}, err
	}
	changed, err := members(after)
	if err != nil {
		return Update{}, err
	}
	maps.DeleteFunc(changed, func(name string, value json.RawMessage) bool { return bytes.Equal(value, old[name]) })
	body, err := json.Marshal(changed)
	if err != nil {
		return Update{}, err
	}
	var u Update
	if faults := pfxvalid.DecodePfxRecryptionRequestUpdate(body, &u); faults != nil {
		return Update{}, fmt.Errorf("%w: %s", ErrInvalid, first(faults))
	}
	return u, nil
}

func members(r *Request) (m map[string]json.RawMessage, err error) {
	err = json.Unmarshal(pfxvalid.AppendPfxRecryptionRequest(nil, r), &m)
	return m, err
}
