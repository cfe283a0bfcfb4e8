package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/schollz/progressbar/v3"

	"github.com/pfxrecryption/pfxrecryption/client"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
)

type exportCommand struct {
	File   string `arg:"" help:"The file to write, one object per line; - is standard output. Until the export is complete, it is named FILE.part."`
	Filter string `env:"-" help:"Export only objects for which this is true, such as: status eq 6 and isDeleted eq false." placeholder:"FILTER"`
	Force  bool   `env:"-" help:"Replace the file if it exists."`
}

// exportState records how much of an export is on disk.
type exportState struct {
	Server string `json:"server"`
	Filter string `json:"filter"`
	Bytes  int64  `json:"bytes"`
	Lines  int    `json:"lines"`
	Next   string `json:"next"` // URL of the next page
}

func (*exportCommand) Help() string {
	return examples(`pfxr export all.jsonl`, `pfxr export - --filter 'status eq 6'`)
}

func (e *exportCommand) Run(ctx context.Context, c *console, f *connection) error {
	if e.File == "-" {
		return f.run(ctx, c, func(to *client.Client) error {
			return e.pages(ctx, to, "", c.out, newProgress(c, "exporting", -1), func(*client.Page) error { return nil })
		})
	}
	if _, err := os.Stat(e.File); err == nil && !e.Force {
		return usagef("%s exists: --force replaces it", e.File)
	}
	return f.run(ctx, c, func(to *client.Client) error { return e.toFile(ctx, c, to, f.Server) })
}

// toFile continues an earlier run if there was one, and renames the file when it is complete.
func (e *exportCommand) toFile(ctx context.Context, c *console, to *client.Client, server string) error {
	part, journal := e.File+".part", e.File+".export"
	state := exportState{Server: server, Filter: e.Filter}
	if _, err := loadState(journal, &state); err != nil {
		return err
	}
	if state.Server != server || state.Filter != e.Filter {
		return usagef("%s belongs to a different export: delete it to start over", journal)
	}
	out, err := os.OpenFile(part, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close() //nolint:errcheck // on success it was closed before
	if err := resume(out, state.Bytes); err != nil {
		return err
	}
	total := -1
	if c.terminal {
		n, err := to.Count(ctx, client.Query{Filter: e.Filter})
		if err != nil {
			return err
		}
		total = int(n)
	}
	bar := newProgress(c, "exporting", total)
	_ = bar.Add(state.Lines) // fails only if the terminal is gone
	err = e.pages(ctx, to, state.Next, out, bar, func(page *client.Page) error {
		if err := out.Sync(); err != nil {
			return err
		}
		if state.Bytes, err = out.Seek(0, io.SeekCurrent); err != nil {
			return err
		}
		state.Lines += len(page.Value)
		if state.Next = page.Next; state.Next == "" {
			return nil
		}
		return saveState(journal, state)
	})
	_ = bar.Finish()
	if err != nil {
		return err
	}
	if err := errors.Join(out.Close(), os.Rename(part, e.File)); err != nil {
		return err
	}
	fmt.Fprintf(c.err, "%d objects written.\n", state.Lines)
	if err := os.Remove(journal); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}

// resume truncates out to the size that an earlier run recorded: the rest is an incomplete page.
func resume(out *os.File, size int64) error {
	if info, err := out.Stat(); err != nil || info.Size() < size {
		return errors.Join(err, usagef("%s is shorter than an earlier run left it: delete it to start over", out.Name()))
	}
	if err := out.Truncate(size); err != nil {
		return err
	}
	_, err := out.Seek(size, io.SeekStart)
	return err
}

// pages writes the objects from the page at next on, and calls done after each page.
func (e *exportCommand) pages(ctx context.Context, to *client.Client, next string, out io.Writer, bar *progressbar.ProgressBar, done func(*client.Page) error) error {
	w := bufio.NewWriter(out)
	var line []byte
	for page, err := range to.Pages(ctx, client.Query{Filter: e.Filter, PageSize: 1000, From: next}) {
		if err != nil {
			return err
		}
		for i := range page.Value {
			line = append(pfxvalid.AppendPfxRecryptionRequestSelection(line[:0], &page.Value[i]), '\n')
			if _, err := w.Write(line); err != nil {
				return err
			}
		}
		_ = bar.Add(len(page.Value)) // fails only if the terminal is gone
		if err := errors.Join(w.Flush(), done(page)); err != nil {
			return err
		}
	}
	return nil
}
