// Command newapi writes a project that serves an OpenAPI document: it builds, passes its own tests, checks each request by
// the document, and answers each operation with "not implemented" until its handler is written.
//
//	go run github.com/pfxrecryption/pfxrecryption/scripts/newapi -spec openapi.yaml -module example.com/todo
//	make -C todo run
//
// Without -spec the project is a small todo API with a SQLite file, whose handlers work. In a project that it wrote, newapi
// needs no flags: it generates the code again and adds stubs for new operations to handlers.go. It never changes a handler,
// and lists those whose operation is gone.
//
// The project is the document, handlers.go, a main.go of a few lines, a test that sends the document's examples to the real
// server, a Makefile, and the folder api, which is generated. What all servers have in common is in package strict; no glue
// is written. The page .github/OWN_API.md has the options, what is refused and why.
//
// A newapi of a released version pins that version in the project's go.mod. One that is run from a checkout writes a replace
// directive that leads to the checkout.
//
// If a step fails, the folder is as it was before.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/module"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stderr)) }

// run is the command: 0 is success, 1 a document that cannot be served or another failure, 2 a usage error.
func run(ctx context.Context, args []string, stderr io.Writer) int {
	o, err := parseFlags(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "newapi:", err)
		return 2
	}
	work := write
	if o.prepare != "" {
		work = prepareAlone
	}
	if err := work(ctx, o, stderr); err != nil {
		fmt.Fprintln(stderr, "newapi:", err)
		return 1
	}
	return 0
}

type options struct {
	spec, module, server, dir string
	// prepare is the document that is only prepared.
	prepare string
	skip    bool
	// docs has a new project serve pages about its document.
	docs bool
}

var servers = []string{"echo", "std", "chi"}

func parseFlags(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet("newapi", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.spec, "spec", "", "the OpenAPI 3.0 or 3.1 document, YAML or JSON; it is copied with the files that it refers to (default: the project's own, or a todo API in a new project)")
	f.StringVar(&o.module, "module", "", "the module `path` of a new project, such as example.com/todo")
	f.StringVar(&o.server, "server", "", "the router of a new project: "+strings.Join(servers, ", ")+" (default std)")
	f.StringVar(&o.dir, "o", "", "the project's `folder` (default: the last element of -module, or the current folder)")
	f.StringVar(&o.prepare, "prepare", "", "only write the `document` to openapi.gen.yaml and models.gen.yaml in the current folder, with names that the generators can take; a directive of go generate")
	f.BoolVar(&o.skip, "skip-unsupported", true, "leave out operations that no code can be written for: they are listed, and answered with 501; false refuses the document instead")
	f.BoolVar(&o.docs, "docs", false, "have a new project serve pages for browsers: /, /docs, /openapi.yaml and /openapi.json")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q; newapi -h lists the flags", f.Arg(0))
	}
	return o, o.complete()
}

// complete checks the flags and fills in the folder.
func (o *options) complete() error {
	if o.server != "" && !slices.Contains(servers, o.server) {
		return fmt.Errorf("-server %s is unknown; the routers are %s", o.server, strings.Join(servers, ", "))
	}
	if o.module != "" {
		if err := module.CheckImportPath(o.module); err != nil {
			return fmt.Errorf("-module: %w", err)
		}
	}
	switch {
	case o.dir != "":
	case o.module != "":
		o.dir = filepath.Base(filepath.FromSlash(o.module))
	default:
		o.dir = "."
	}
	dir, err := filepath.Abs(o.dir)
	if err != nil {
		return err
	}
	o.dir = dir
	return nil
}
