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
	From      string `required:"" help:"The store to copy from: sqlite:FILE or postgres://USER@HOST/DATABASE?…, as for --store of pfxrd serve." placeholder:"DSN"`
	To        string `required:"" help:"The store to copy to, of either kind. It is created if possible." placeholder:"DSN"`
	Delete    bool   `env:"-" help:"Remove objects, of any tenant, that only the target has."`
	Overwrite bool   `env:"-" help:"Also replace objects that have changed in the target since they were copied."`
}

func (*copyCommand) Help() string {
	return `Copies the objects of all tenants with their entity tags, so an If-Match of a client stays valid for the new store.

If a copy is interrupted, run it again: it resumes. It writes only what differs, so you can repeat it. Objects that have changed
in the source are replaced. Objects that were deleted in the source are counted, or removed with --delete.

It copies the state of the source when the copy begins. Clients may read and write the source meanwhile. At the end it reads both
stores again and prints the count and checksum of each tenant. The exit code is 0 only if both are the same, so a change of the
source during the copy is found: stop the writers, or run the copy again. To move with a short pause, copy while the old store
serves, stop its server, copy again, and start the server on the new store.

Do not write to the target before that. An object that has changed in the target since it was copied is kept, and the verification
fails. With --overwrite it is replaced. So a copy that is repeated by mistake undoes no change.

The audit trail is copied too. A server on the target begins its own chains, and the copied trail still verifies.

A copy to a file is a backup, and you can take it while the source is in use. To restore it, copy it back or start a server on it.
A copy of the file made with cp is not a backup: the last changes are only in the log next to it, FILE-wal, and a file that is
copied during a write may be damaged. Use cp only when no process has the file open.

    pfxrd copy --from sqlite:/var/lib/pfxr/pfxr.db --to sqlite:/backup/pfxr.db --delete --overwrite
    pfxrd copy --from sqlite:/backup/pfxr.db --to sqlite:/var/lib/pfxr/pfxr.db --delete --overwrite

While clients write, the two stores differ at the end and the exit code is 1. The backup then holds the objects as they were when
it began. To check a backup, run pfxrd audit verify on it.

During the copy, the log of a source file grows with each write, and PostgreSQL cannot vacuum changed rows of the source.

Exit codes: 0 both stores are the same, 1 they differ or the copy was interrupted, 2 usage error.`
}

// Validate reports settings that are invalid or contradict each other.
func (c *copyCommand) Validate() error {
	switch {
	case !isStore(c.From):
		return errors.New("--from must be sqlite:FILE, such as sqlite:pfxr.db, or postgres://USER@HOST/DATABASE")
	case !isStore(c.To):
		return errors.New("--to must be sqlite:FILE, such as sqlite:pfxr.db, or postgres://USER@HOST/DATABASE")
	case isSameStore(c.From, c.To):
		return errors.New("--from and --to are the same store")
	}
	return nil
}

func (c *copyCommand) Run(ctx context.Context, stdout io.Writer, p *progress, log *slog.Logger) error {
	err := c.run(ctx, stdout, p, log)
	if err != nil && ctx.Err() != nil {
		return errors.New("interrupted: run it again to resume")
	}
	return err
}

func (c *copyCommand) run(ctx context.Context, stdout io.Writer, p *progress, log *slog.Logger) error {
	from, err := openExisting(ctx, c.From, log) // copying from an empty store with --delete would delete everything
	if err != nil {
		return fmt.Errorf("opening the source: %w", err)
	}
	to, err := openStore(ctx, storeConfig{DSN: c.To}, log)
	if err != nil {
		return errors.Join(err, from.Close())
	}
	err = c.copy(ctx, &copying.Job{From: from, To: to, Delete: c.Delete, Overwrite: c.Overwrite, Progress: p.add}, stdout, p)
	if err == nil {
		err = copyTrail(ctx, from, to, p) // after the objects, so that no change arrives without its record
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

// copyTrail copies the records of the audit trail that the target lacks.
func copyTrail(ctx context.Context, from, to audit.Trail, p *progress) error {
	n, err := audit.Copy(ctx, from, to)
	if err != nil {
		return err
	}
	fmt.Fprintf(p, "%d records of the audit trail copied\n", n)
	return nil
}

func tell(p *progress, o *copying.Outcome) {
	fmt.Fprintf(p, "%d objects, %d a second: %d copied, %d replaced, %d unchanged, %d removed\n",
		p.count, p.rate(), o.Copied, o.Replaced, o.Equal, o.Removed)
	if o.Extra > 0 {
		fmt.Fprintf(p, "%d objects are only in the target: --delete removes them\n", o.Extra)
	}
	if o.Ahead > 0 {
		fmt.Fprintf(p, "%d objects have changed in the target since they were copied and are kept: --overwrite replaces them\n", o.Ahead)
	}
}

// conclude prints the tenants that are the same in both stores and returns an error if any differ.
func conclude(stdout io.Writer, p *progress, report *copying.Report) error {
	differences := report.Differences()
	for _, d := range differences {
		fmt.Fprintf(p, "tenant %s differs: the source has %d objects, sha256 %x; the target has %d, sha256 %x\n",
			d.Source.Tenant, d.Source.Count, d.Source.SHA256, d.Target.Count, d.Target.SHA256)
	}
	if n := len(differences); n > 0 {
		return fmt.Errorf("the stores differ in %d of their tenants: if clients wrote to the source, stop them and run the copy again", n)
	}
	for _, s := range report.Source {
		if _, err := fmt.Fprintf(stdout, "%s\t%d\t%x\n", s.Tenant, s.Count, s.SHA256); err != nil {
			return err
		}
	}
	return nil
}
