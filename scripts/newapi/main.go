// Command newapi writes a project that serves an OpenAPI document. The project builds, passes its own tests, validates each
// request against the document, and responds with 501 to each operation until its handler is written.
//
//	go run github.com/pfxrecryption/pfxrecryption/scripts/newapi -spec openapi.yaml -module example.com/todo
//	make -C todo run
//
// Without -spec the project is a small todo API with a SQLite file and working handlers. In a project that newapi wrote, it
// needs no flags: it generates the code again and adds stubs for new operations to handlers.go. It never changes a handler,
// and lists those whose operation is gone.
//
// The project consists of the document, handlers.go, a main.go of a few lines, a test that sends the document's examples to
// the real server, a Makefile, and the generated folder api. The code that all servers share is in package strict. The page
// .github/OWN_API.md has the options, and what is refused and why.
//
// A released newapi pins its own version in the project's go.mod. When run from a checkout, it writes a replace directive
// for the checkout.
//
// If a step fails, newapi restores the folder.
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

// run returns the exit code: 0 for success, 1 for a document that cannot be served or another failure, 2 for a usage
// error.
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
	// prepare is a document: newapi then only prepares it.
	prepare string
	skip    bool
	// docs makes a new project serve pages about its document.
	docs bool
}

var servers = []string{"echo", "std", "chi"}

func parseFlags(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet("newapi", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.spec, "spec", "", "the OpenAPI 3.0 or 3.1 document, YAML or JSON; it is copied together with the files that it refers to (default: the project's own, or a todo API in a new project)")
	f.StringVar(&o.module, "module", "", "the module `path` of a new project, such as example.com/todo")
	f.StringVar(&o.server, "server", "", "the router of a new project: "+strings.Join(servers, ", ")+" (default std)")
	f.StringVar(&o.dir, "o", "", "the project's `folder` (default: the last element of -module, or the current folder)")
	f.StringVar(&o.prepare, "prepare", "", "only write the `document` to openapi.gen.yaml and models.gen.yaml in the current folder, with names that the generators accept; for a go:generate directive")
	f.BoolVar(&o.skip, "skip-unsupported", true, "skip operations for which no code can be generated: they are listed, and respond with 501; false rejects the document instead")
	f.BoolVar(&o.docs, "docs", false, "make a new project serve pages for browsers: /, /docs, /openapi.yaml and /openapi.json")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q; newapi -h lists the flags", f.Arg(0))
	}
	return o, o.complete()
}

// complete validates the flags and fills in the folder.
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
