package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/audit"
)

// auditMode is the value of --audit.
type auditMode string

func (m auditMode) mode() audit.Mode {
	switch m {
	case "values":
		return audit.Values
	case "off":
		return audit.Off
	}
	return audit.Members
}

type auditCommand struct {
	List   auditList   `cmd:"" help:"Print the records as JSON Lines, oldest first."`
	Follow auditFollow `cmd:"" help:"Print new records as they are written, until interrupted."`
	Verify auditVerify `cmd:"" help:"Check that no record was removed, altered, added or moved."`
	Prune  auditPrune  `cmd:"" help:"Remove old records; the remaining ones still verify."`
}

func (*auditCommand) Help() string {
	return `Each accepted change is one record, written in the same transaction as the change. A record says when and who, which object and
which members, the old and the new version, and the request id of the response. With --audit values the server also records
the values.

    pfxrd audit list --store sqlite:pfxr.db --object sample --since 2026-01-31T00:00:00Z
    pfxrd audit follow --store sqlite:pfxr.db
    pfxrd audit verify --store sqlite:pfxr.db
    pfxrd audit prune --store sqlite:pfxr.db --keep 2160h

The records of each writer form a hash chain, and the end of each chain is stored too. verify finds records that were removed,
altered, reordered or added. It also finds objects that were changed without a record, for example by a server with --audit off.
Anyone who can write to the store can also forge a chain. To detect that, let follow send the records elsewhere, or compare the
ends of the chains that verify prints with earlier ones.`
}

// trailFlags select the audit trail.
type trailFlags struct {
	Store string `default:"sqlite:pfxr.db" help:"The store: sqlite:FILE (${default}) or postgres://USER@HOST/DATABASE?…, as for --store of pfxrd serve." placeholder:"DSN"`
}

// Validate reports an unknown kind of store.
func (f *trailFlags) Validate() error {
	if !isStore(f.Store) {
		return errors.New("--store must be sqlite:FILE, such as sqlite:pfxr.db, or postgres://USER@HOST/DATABASE")
	}
	return nil
}

// with opens the trail, calls fn and closes the store.
func (f *trailFlags) with(ctx context.Context, log *slog.Logger, fn func(audit.Trail) error) error {
	s, err := openExisting(ctx, f.Store, log)
	if err != nil {
		return fmt.Errorf("opening the store: %w", err)
	}
	return errors.Join(fn(s), s.Close())
}

// recordFlags select records.
type recordFlags struct {
	trailFlags
	Tenant *edm.Guid `env:"-" help:"Only objects of this tenant." placeholder:"T"`
	Object string    `env:"-" help:"Only the object with this key." placeholder:"KEY"`
	Caller string    `env:"-" help:"Only changes by this user or application: oid or sub, azp or appid of the token." placeholder:"ID"`
	Since  time.Time `env:"-" help:"Only changes from this time on, such as 2026-01-31T00:00:00Z." placeholder:"TIME"`
	Until  time.Time `env:"-" help:"Only changes before this time." placeholder:"TIME"`
}

func (f *recordFlags) query() audit.Query {
	return audit.Query{Tenant: f.Tenant, Object: f.Object, Caller: f.Caller, Since: f.Since, Until: f.Until}
}

type auditList struct{ recordFlags }

func (c *auditList) Run(ctx context.Context, stdout io.Writer, log *slog.Logger) error {
	return c.with(ctx, log, func(t audit.Trail) error {
		q := c.query()
		return t.Trail(ctx, func(v audit.View) error {
			for r, err := range v.ByTime(c.Since, c.Until) {
				if err != nil {
					return err
				}
				if err := printRecord(stdout, &q, &r); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// printRecord prints a record if it matches the query.
func printRecord(w io.Writer, q *audit.Query, r *audit.Record) error {
	if !q.Matches(r) {
		return nil
	}
	line, err := json.Marshal(struct {
		Time    string          `json:"time"`
		Action  string          `json:"action"`
		Tenant  string          `json:"tenantId"`
		Object  string          `json:"id"`
		Subject string          `json:"subject,omitempty"`
		App     string          `json:"app,omitempty"`
		Token   string          `json:"token,omitempty"`
		Request string          `json:"request-id,omitempty"`
		Before  pfx.Version     `json:"oldVersion,omitempty"`
		After   pfx.Version     `json:"newVersion,omitempty"`
		Changes json.RawMessage `json:"changes"`
		Chain   string          `json:"chain"`
		Number  int64           `json:"number"`
		Hash    string          `json:"hash"`
	}{
		r.Time.Format(time.RFC3339Nano), r.Action, r.Key.Tenant.String(), r.Key.ID, r.Author.Subject, r.Author.App, r.Author.Token, r.Author.Request,
		r.Before, r.After, changesOf(r), r.Chain.String(), r.Number, fmt.Sprintf("%x", r.Hash),
	})
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

// changesOf returns the changes as JSON, even of a record that was altered.
func changesOf(r *audit.Record) json.RawMessage {
	if json.Valid([]byte(r.Changes)) {
		return json.RawMessage(r.Changes)
	}
	text, _ := json.Marshal(r.Changes) // marshaling a string never fails
	return text
}

type auditFollow struct{ recordFlags }

// followEvery is the polling interval for new records.
const followEvery = time.Second

// Run prints records until ctx is done: those since --since, or only new ones.
func (c *auditFollow) Run(ctx context.Context, stdout io.Writer, log *slog.Logger) error {
	return c.with(ctx, log, func(t audit.Trail) error {
		f := follower{trail: t, query: c.query(), out: stdout}
		f.query.After = map[edm.Guid]int64{}
		if c.Since.IsZero() {
			if err := t.Trail(ctx, f.skip); err != nil {
				return err
			}
		}
		again := time.NewTicker(followEvery)
		defer again.Stop()
		for ctx.Err() == nil {
			if err := t.Trail(ctx, f.print); err != nil && ctx.Err() == nil {
				return err
			}
			select {
			case <-again.C:
			case <-ctx.Done():
			}
		}
		return nil
	})
}

// follower prints the new records of each chain.
type follower struct {
	trail audit.Trail
	query audit.Query
	out   io.Writer
}

// skip treats all existing records as printed.
func (f *follower) skip(v audit.View) error {
	heads, err := v.Heads()
	for _, h := range heads {
		f.query.After[h.ID] = h.Number
	}
	return err
}

func (f *follower) print(v audit.View) error {
	heads, err := v.Heads()
	if err != nil {
		return err
	}
	for _, h := range heads {
		if h.Number <= f.query.After[h.ID] {
			continue
		}
		for r, err := range v.Chain(h.ID, f.query.After[h.ID]) {
			if err != nil {
				return err
			}
			if err := printRecord(f.out, &f.query, &r); err != nil {
				return err
			}
			f.query.After[h.ID] = r.Number
		}
	}
	return nil
}

type auditVerify struct{ trailFlags }

// Run prints the end of each chain. It returns an error if verification fails.
func (c *auditVerify) Run(ctx context.Context, stdout io.Writer, p *progress, log *slog.Logger) error {
	return c.with(ctx, log, func(t audit.Trail) error {
		report, err := audit.Verify(ctx, t)
		if err != nil {
			return err
		}
		for _, h := range report.Heads {
			if _, err := fmt.Fprintf(stdout, "%s\t%d\t%x\n", h.ID, h.Number, h.Hash); err != nil {
				return err
			}
		}
		for _, f := range report.Faults {
			fmt.Fprintln(p, f)
		}
		if n := len(report.Faults); n > 0 {
			return fmt.Errorf("the audit trail has %d faults", n)
		}
		fmt.Fprintf(p, "%d records in %d chains verified\n", report.Records, len(report.Heads))
		return nil
	})
}

type auditPrune struct {
	trailFlags
	Keep time.Duration `required:"" env:"-" help:"How long records are kept, such as 2160h for 90 days." placeholder:"TIME"`
}

// Validate reports a negative --keep.
func (c *auditPrune) Validate() error {
	if c.Keep < 0 {
		return errors.New("--keep must not be below 0")
	}
	return c.trailFlags.Validate()
}

func (c *auditPrune) Run(ctx context.Context, p *progress, log *slog.Logger) error {
	return c.with(ctx, log, func(t audit.Trail) error {
		n, err := t.Prune(ctx, time.Now().Add(-c.Keep))
		if err != nil {
			return err
		}
		fmt.Fprintf(p, "%d records removed\n", n)
		return nil
	})
}
