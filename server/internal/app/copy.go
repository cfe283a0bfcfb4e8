package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/pfxrecryption/pfxrecryption/server/internal/store/audit"
	"github.com/pfxrecryption/pfxrecryption/server/internal/store/copying"
)

type copyCommand struct {
	From      string `required:"" help:"The store to copy from: sqlite:FILE or postgres://USER@HOST/DATABASE?…, as --store of pfxrd serve." placeholder:"DSN"`
	To        string `required:"" help:"The store to copy to, of either kind; it is created where it can be." placeholder:"DSN"`
	Delete    bool   `env:"-" help:"Remove from the target what the source does not have, of all tenants."`
	Overwrite bool   `env:"-" help:"Replace also what has been changed in the target since it was copied."`
}

// Help is what pfxrd copy --help says besides the flags.
func (*copyCommand) Help() string {
	return `Copies the objects of all tenants with their entity tags: the If-Match of a client holds at the new store too.

Killed at any moment and started again, it goes on where it was. It writes what differs and nothing else, so that it may be
run again and again: objects that were changed in the source are replaced, objects that were deleted there are counted,
or removed with --delete.

It copies the source as it is when the copy begins; others may read and write it meanwhile. At the end it reads both stores
anew, prints count and checksum of each tenant, and ends with 0 only if they are the same. So a change of the source during
the copy is found: stop the writers, or run the copy again. To move with a short pause, copy while the old store serves,
stop its server, copy again, and start the server on the new store.

Nobody may write to the target before that. An object that has been changed there since it was copied is left as it is, and
makes the verification fail, unless --overwrite is given: a copy that is run again by mistake takes nothing back.

The audit trail comes along: a server on the target begins chains of its own, and the trail verifies there as well.

A copy to a file is a backup, taken while the source is used. Restore it by a copy back, or start a server on it. A copy of
the bare file by cp is none: what was changed last is only in the log beside it, FILE-wal, and a file that is read while it is
written may be damaged. Take cp only when no process has the file open.

    pfxrd copy --from sqlite:/var/lib/pfxr/pfxr.db --to sqlite:/backup/pfxr.db --delete --overwrite
    pfxrd copy --from sqlite:/backup/pfxr.db --to sqlite:/var/lib/pfxr/pfxr.db --delete --overwrite

With writers at work, the two stores differ at the end, and the exit code is 1: the objects in the backup are those of the
moment at which it began. To check a backup, run pfxrd audit verify on it.

While it runs, the log beside a source in a file grows with what is written, and a source in PostgreSQL is not vacuumed of
what changes.

Exit codes: 0 both stores are the same, 1 they are not or it was interrupted, 2 it was called wrongly.`
}

// Validate refuses what cannot be meant.
func (c *copyCommand) Validate() error {
	switch {
	case !isStore(c.From):
		return errors.New("--from must be sqlite:FILE or postgres://USER@HOST/DATABASE")
	case !isStore(c.To):
		return errors.New("--to must be sqlite:FILE or postgres://USER@HOST/DATABASE")
	case isSameStore(c.From, c.To):
		return errors.New("--from and --to are the same store")
	}
	return nil
}

// Run copies and verifies.
func (c *copyCommand) Run(ctx context.Context, stdout io.Writer, p *progress, log *slog.Logger) error {
	err := c.run(ctx, stdout, p, log)
	if err != nil && ctx.Err() != nil {
		return errors.New("interrupted: started again, it goes on where it was")
	}
	return err
}

func (c *copyCommand) run(ctx context.Context, stdout io.Writer, p *progress, log *slog.Logger) error {
	from, err := openExisting(ctx, c.From, log) // to copy from nothing deletes everything with --delete
	if err != nil {
		return fmt.Errorf("opening the source: %w", err)
	}
	to, err := openStore(ctx, storeConfig{DSN: c.To}, log)
	if err != nil {
		return errors.Join(err, from.Close())
	}
	err = c.copy(ctx, &copying.Job{From: from, To: to, Delete: c.Delete, Overwrite: c.Overwrite, Progress: p.add}, stdout, p)
	if err == nil {
		err = copyTrail(ctx, from, to, p) // after the objects: no change comes over without its record
	}
	return errors.Join(err, from.Close(), to.Close())
}

func (c *copyCommand) copy(ctx context.Context, job *copying.Job, stdout io.Writer, p *progress) error {
	p.begin("copying")
	outcome, err := job.Copy(ctx)
	p.end()
	if err != nil {
		return err
	}
	tell(p, &outcome)
	p.begin("verifying")
	report, err := job.Verify(ctx)
	p.end()
	if err != nil {
		return err
	}
	return conclude(stdout, p, &report)
}

// copyTrail copies the records of the audit trail that the target does not have.
func copyTrail(ctx context.Context, from, to audit.Trail, p *progress) error {
	n, err := audit.Copy(ctx, from, to)
	if err != nil {
		return err
	}
	fmt.Fprintf(p, "%d records of the audit trail copied\n", n)
	return nil
}

// tell says what a copy did.
func tell(p *progress, o *copying.Outcome) {
	fmt.Fprintf(p, "%d objects, %d a second: %d copied, %d replaced, %d were there, %d removed\n",
		p.count, p.rate(), o.Copied, o.Replaced, o.Equal, o.Removed)
	if o.Extra > 0 {
		fmt.Fprintf(p, "%d objects of the target are not in the source: --delete removes them\n", o.Extra)
	}
	if o.Ahead > 0 {
		fmt.Fprintf(p, "%d objects were changed in the target since they were copied, and are left as they are: --overwrite replaces them\n", o.Ahead)
	}
}

// conclude prints what is the same in both stores and returns an error if something is not.
func conclude(stdout io.Writer, p *progress, report *copying.Report) error {
	differences := report.Differences()
	for _, d := range differences {
		fmt.Fprintf(p, "tenant %s differs: the source has %d objects, sha256 %x; the target has %d, sha256 %x\n",
			d.Source.Tenant, d.Source.Count, d.Source.SHA256, d.Target.Count, d.Target.SHA256)
	}
	if n := len(differences); n > 0 {
		return fmt.Errorf("the stores differ in %d of their tenants: if the source was written to meanwhile, stop that and run the copy again", n)
	}
	for _, s := range report.Source {
		if _, err := fmt.Fprintf(stdout, "%s\t%d\t%x\n", s.Tenant, s.Count, s.SHA256); err != nil {
			return err
		}
	}
	return nil
}
