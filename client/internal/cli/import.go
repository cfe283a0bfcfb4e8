package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/pfxrecryption/pfxrecryption/client"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
)

type importCommand struct {
	File        string `arg:"" help:"A file of objects with id and all twelve members, one per line, as export writes them; - is standard input, which cannot be resumed."`
	Existing    string `env:"-" enum:"skip,replace,fail" default:"skip" help:"If an object exists already: skip, replace or fail (${default})." placeholder:"WHAT"`
	Concurrency int    `default:"16" help:"Concurrent calls, 1 to 256 (${default})." placeholder:"N"`
}

func (*importCommand) Help() string {
	return examples(`pfxr import all.jsonl`, `pfxr import --existing replace --concurrency 4 all.jsonl`)
}

// Run checks the whole file before it sends the first line, unless it reads standard input.
func (i *importCommand) Run(ctx context.Context, c *console, f *connection) error {
	if i.Concurrency < 1 || i.Concurrency > 256 {
		return usagef("--concurrency must be from 1 to 256")
	}
	if i.File == "-" {
		if f.DryRun {
			_, err := check(c, c.in)
			return err
		}
		return f.run(ctx, c, func(to *client.Client) error { return i.send(ctx, c, to, c.in, newJournal("", ""), -1) })
	}
	in, err := os.Open(i.File)
	if err != nil {
		return &usageError{err}
	}
	defer in.Close() //nolint:errcheck // it was only read
	total, err := check(c, in)
	if err != nil || f.DryRun {
		return err
	}
	j, err := openJournal(i.File+".import", f.Server, in)
	if err != nil {
		return err
	}
	if j.Lines > 0 {
		fmt.Fprintf(c.err, "Resuming after line %d.\n", j.Lines)
	}
	return f.run(ctx, c, func(to *client.Client) error { return i.send(ctx, c, to, in, j, total) })
}

// check counts the lines of a file. It refuses a file with an invalid line.
func check(c *console, in io.Reader) (n int, err error) {
	for line, err := range lines(in) {
		n++
		if err == nil {
			_, _, err = parseLine(line)
		}
		if err != nil {
			return n, fmt.Errorf("line %d: %w", n, err)
		}
	}
	fmt.Fprintf(c.err, "%d objects are valid.\n", n)
	return n, nil
}

// send sends the lines of r that are not yet in j. It ends at the first error, after the calls in flight.
func (i *importCommand) send(ctx context.Context, c *console, to *client.Client, r io.Reader, j *journal, total int) error {
	var created, existed atomic.Int64
	bar := newProgress(c, "importing", total)
	_ = bar.Add(j.Lines) // fails only if the terminal is gone
	calls, group := errgroup.WithContext(ctx)
	calls.SetLimit(i.Concurrency)
	known, last := j.Lines, 0
	for line, err := range lines(r) {
		last++
		n := last
		if err != nil {
			calls.Go(func() error { return fmt.Errorf("line %d: %w", n, err) })
		}
		if err != nil || group.Err() != nil {
			break
		}
		if n <= known {
			continue
		}
		calls.Go(func() error {
			isNew, err := i.put(group, to, line)
			if err != nil {
				return fmt.Errorf("line %d: %w", n, err)
			}
			if isNew {
				created.Add(1)
			} else {
				existed.Add(1)
			}
			_ = bar.Add(1)
			return j.done(n, line)
		})
	}
	err := errors.Join(calls.Wait(), ctx.Err())
	_ = bar.Finish()
	if err != nil {
		return errors.Join(err, j.save())
	}
	fmt.Fprintf(c.err, "%d objects written, %d existed.\n", created.Load(), existed.Load())
	return j.remove()
}

// put sends one object. It retries after an unknown outcome, unless --existing is fail: other repetitions have the same
// result.
func (i *importCommand) put(ctx context.Context, to *client.Client, line []byte) (isNew bool, err error) {
	id, u, err := parseLine(line)
	if err != nil {
		return false, err
	}
	var conditions []client.Condition
	if i.Existing != "replace" {
		conditions = append(conditions, client.IfNoneMatch("*"))
	}
	const rounds = 5
	for n := 1; ; n++ {
		_, err = to.Upsert(ctx, id, u, conditions...)
		if i.Existing == "skip" && errors.Is(err, client.ErrPreconditionFailed) {
			return false, nil
		}
		if i.Existing == "fail" || !errors.Is(err, client.ErrUnknownOutcome) || n == rounds || ctx.Err() != nil {
			return err == nil, err
		}
	}
}

// parseLine reads an object, which must be valid for a creation and have a key.
func parseLine(line []byte) (id string, u client.Update, err error) {
	var n client.Create
	if err := faultsError(pfxvalid.DecodePfxRecryptionRequestCreate(line, &n)); err != nil {
		return "", u, err
	}
	if n.ID == "" {
		return "", u, usagef("the object has no id: without one a second import would create it a second time")
	}
	return n.ID, u, faultsError(pfxvalid.DecodePfxRecryptionRequestUpdate(line, &u))
}

// lines iterates over the lines of r, without their line ends.
func lines(r io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		s := bufio.NewScanner(r)
		s.Buffer(nil, maxFile)
		for s.Scan() {
			if !yield(bytes.Clone(s.Bytes()), nil) {
				return
			}
		}
		if s.Err() != nil {
			yield(nil, usagef("it cannot be read, or is longer than %d bytes", maxFile))
		}
	}
}
