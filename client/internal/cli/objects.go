package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/pfxrecryption/pfxrecryption/client"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
)

// object has the flags of commands that print one object.
type object struct {
	Output string `short:"o" enum:"json,yaml,jsonl,csv,table" default:"json" help:"json, yaml, jsonl, csv or table (${default})." placeholder:"FORMAT"`
}

// print writes the object to standard output and its entity tag to standard error.
func (o *object) print(c *console, v *client.Versioned, err error) error {
	if err != nil {
		return err
	}
	e := newEncoder(c, o.Output, false, nil)
	if err := errors.Join(e.encode(pfxvalid.AppendPfxRecryptionRequest(nil, &v.Request)), e.close()); err != nil {
		return err
	}
	fmt.Fprintf(c.err, "ETag: %s\n", v.Tag)
	return nil
}

// conditions has the flags that make a change conditional.
type conditions struct {
	IfMatch string `env:"-" help:"Change the object only if it has this entity tag; * is any." placeholder:"TAG"`
}

func (c *conditions) list() []client.Condition {
	if c.IfMatch == "" {
		return nil
	}
	return []client.Condition{client.IfMatch(c.IfMatch)}
}

type getCommand struct {
	ID string `arg:"" help:"The object's key."`
	object
}

func (*getCommand) Help() string {
	return examples(`pfxr get sample`, `pfxr get sample -o yaml`)
}

func (g *getCommand) Run(ctx context.Context, c *console, f *connection) error {
	return f.run(ctx, c, func(to *client.Client) error {
		v, err := to.Get(ctx, g.ID)
		return g.print(c, v, err)
	})
}

type createCommand struct {
	File string `env:"-" short:"f" required:"" help:"A JSON object with all twelve members; - is standard input." placeholder:"FILE"`
	object
}

func (*createCommand) Help() string {
	return examples(`pfxr create -f object.json`, `pfxr get sample | pfxr create -f -`)
}

func (cr *createCommand) Run(ctx context.Context, c *console, f *connection) error {
	text, err := readFile(c, cr.File)
	if err != nil {
		return err
	}
	var n client.Create
	if err := faultsError(pfxvalid.DecodePfxRecryptionRequestCreate(text, &n)); err != nil {
		return fmt.Errorf("%s: %w", cr.File, err)
	}
	return f.run(ctx, c, func(to *client.Client) error {
		v, err := to.Create(ctx, n)
		return cr.print(c, v, err)
	})
}

type patchCommand struct {
	ID      string   `arg:"" help:"The object's key."`
	Members []string `arg:"" optional:"" help:"What to change: status=7, eTag=null, or as JSON thumbprint:='\"null\"'."`
	File    string   `env:"-" short:"f" help:"A JSON object of members to change; - is standard input." placeholder:"FILE"`
	Upsert  bool     `env:"-" help:"Create the object if it does not exist. A new object needs every member."`
	conditions
	object
}

func (*patchCommand) Help() string {
	return examples(`pfxr patch sample status=7 eTag=null`, `pfxr patch sample -f members.json --if-match '"27fd14b5b1c9a6e1"'`)
}

func (p *patchCommand) Run(ctx context.Context, c *console, f *connection) error {
	if p.File == "" && len(p.Members) == 0 {
		return usagef("nothing to change: give members, such as status=7, or a file with -f")
	}
	var text []byte
	if p.File != "" {
		var err error
		if text, err = readFile(c, p.File); err != nil {
			return err
		}
	}
	u, err := parseUpdate(text, p.Members)
	if err != nil {
		return err
	}
	return f.run(ctx, c, func(to *client.Client) error {
		change := to.Patch
		if p.Upsert {
			change = to.Upsert
		}
		v, err := change(ctx, p.ID, u, p.list()...)
		return p.print(c, v, err)
	})
}

type deleteCommand struct {
	ID string `arg:"" help:"The object's key."`
	conditions
}

func (*deleteCommand) Help() string {
	return examples(`pfxr delete sample`, `pfxr delete sample --if-match '"27fd14b5b1c9a6e1"'`)
}

func (d *deleteCommand) Run(ctx context.Context, c *console, f *connection) error {
	return f.run(ctx, c, func(to *client.Client) error { return to.Delete(ctx, d.ID, d.list()...) })
}

type listCommand struct {
	Filter   string   `env:"-" help:"List only objects for which this is true, such as: status eq 6 and isDeleted eq false." placeholder:"FILTER"`
	Select   []string `env:"-" help:"Print only these members, separated by commas." placeholder:"MEMBERS"`
	Limit    int      `env:"-" help:"Print at most this many objects; 0 is unbounded (${default})." default:"0" placeholder:"N"`
	PageSize int      `help:"Objects per response, 1 to 1000 (${default})." default:"1000" placeholder:"N"`
	Output   string   `short:"o" enum:"json,yaml,jsonl,csv,table" default:"table" help:"json, yaml, jsonl, csv or table (${default})." placeholder:"FORMAT"`
}

func (*listCommand) Help() string {
	return examples(`pfxr list --filter 'status eq 6 and isDeleted eq false'`, `pfxr list --select id,status -o csv`)
}

func (l *listCommand) Run(ctx context.Context, c *console, f *connection) error {
	q := client.Query{Filter: l.Filter, Select: l.Select, PageSize: l.PageSize}
	if l.Limit > 0 {
		q.PageSize = min(q.PageSize, l.Limit)
	}
	return f.run(ctx, c, func(to *client.Client) error {
		e := newEncoder(c, l.Output, true, l.Select)
		n := 0
		for s, err := range to.Select(ctx, q) {
			if err != nil {
				return err
			}
			if err := e.encode(pfxvalid.AppendPfxRecryptionRequestSelection(nil, s)); err != nil {
				return err
			}
			if n++; n == l.Limit {
				break
			}
		}
		return e.close()
	})
}

// maxFile limits a file with one object, in bytes, to what the server accepts.
const maxFile = 64 << 10

// readFile reads a file with one object.
func readFile(c *console, name string) ([]byte, error) {
	r := c.in
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, &usageError{err}
		}
		defer file.Close() //nolint:errcheck // it was only read
		r = file
	}
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if len(text) > maxFile {
		return nil, usagef("%s is larger than %d bytes: it is not one object", name, maxFile)
	}
	return text, nil
}
