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
	List   auditList   `cmd:"" help:"Print the records, the oldest first, a JSON object on each line."`
	Follow auditFollow `cmd:"" help:"Print records as they come, until it is interrupted."`
	Verify auditVerify `cmd:"" help:"Check that no record was removed, altered, added or put elsewhere."`
	Prune  auditPrune  `cmd:"" help:"Remove old records, so that the rest still verifies."`
}

// Help is what pfxrd audit --help says besides the commands.
func (*auditCommand) Help() string {
	return `Each change that a server has accepted is one record, written in the transaction of the change: when, who, which object,
which members, the old and the new version, and the request id of the answer. With --audit values the server records the
values too.

    pfxrd audit list --store sqlite:pfxr.db --object sample --since 2026-01-31T00:00:00Z
    pfxrd audit follow --store sqlite:pfxr.db
    pfxrd audit verify --store sqlite:pfxr.db
    pfxrd audit prune --store sqlite:pfxr.db --keep 2160h

The records of each writer are a chain of hashes whose end is stored too: verify finds what was removed, altered, reordered
or added, and objects that were changed without a record, as by a server with --audit off. Who can write to the store can
also make a new chain: let follow send the records elsewhere, or compare the ends of the chains that verify prints with those
of before.`
}

// trailFlags say which trail.
type trailFlags struct {
	Store string `default:"sqlite:pfxr.db" help:"The store: sqlite:FILE (${default}) or postgres://USER@HOST/DATABASE?…, as --store of pfxrd serve." placeholder:"DSN"`
}

// Validate reports a store of no kind.
func (f *trailFlags) Validate() error {
	if !isStore(f.Store) {
		return errors.New("--store must be sqlite:FILE or postgres://USER@HOST/DATABASE")
	}
	return nil
}

// with runs fn with the trail.
func (f *trailFlags) with(ctx context.Context, log *slog.Logger, fn func(audit.Trail) error) error {
	s, err := openExisting(ctx, f.Store, log)
	if err != nil {
		return fmt.Errorf("opening the store: %w", err)
	}
	return errors.Join(fn(s), s.Close())
}

// recordFlags say which records.
type recordFlags struct {
	trailFlags
	Tenant *edm.Guid `env:"-" help:"Only objects of this tenant." placeholder:"T"`
	Object string    `env:"-" help:"Only the object with this key." placeholder:"KEY"`
	Caller string    `env:"-" help:"Only changes by this user or application: oid or sub, azp or appid of the token." placeholder:"ID"`
	Since  time.Time `env:"-" help:"Only changes from this moment on, such as 2026-01-31T00:00:00Z." placeholder:"TIME"`
	Until  time.Time `env:"-" help:"Only changes before this moment." placeholder:"TIME"`
}

func (f *recordFlags) query() audit.Query {
	return audit.Query{Tenant: f.Tenant, Object: f.Object, Caller: f.Caller, Since: f.Since, Until: f.Until}
}

type auditList struct{ recordFlags }

// Run prints the records.
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

// printRecord prints a record if it is wanted.
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

// changesOf returns the changes as JSON, also of a record that somebody has altered.
func changesOf(r *audit.Record) json.RawMessage {
	if json.Valid([]byte(r.Changes)) {
		return json.RawMessage(r.Changes)
	}
	text, _ := json.Marshal(r.Changes) // a string is never refused
	return text
}

type auditFollow struct{ recordFlags }

// followEvery is how often the store is asked for new records.
const followEvery = time.Second

// Run prints records until ctx is done: those since --since, or those that come from now on.
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

// follower prints the records of each chain after those that it has printed.
type follower struct {
	trail audit.Trail
	query audit.Query
	out   io.Writer
}

// skip takes what is there for printed.
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

// Run prints the end of each chain, and returns an error if something is wrong.
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

// Validate reports a time that has no meaning.
func (c *auditPrune) Validate() error {
	if c.Keep < 0 {
		return errors.New("--keep must not be below 0")
	}
	return c.trailFlags.Validate()
}

// Run removes old records.
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
