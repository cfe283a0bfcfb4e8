// Command suite runs the JSON-Schema-Test-Suite through openapi/spec and openapi/validate. It puts each schema of the suite
// into an OpenAPI document and checks the suite's values as bodies of a request.
//
//	JSON_SCHEMA_TEST_SUITE=dir make suite
//
// names the suite's folder, which has tests/draft4, tests/draft7 and tests/draft2020-12. All three are converted to
// documents of OpenAPI 3.0, as far as possible. The last one also goes unchanged into documents of 3.1.
//
// It prints counts by file: schemas, those that the document's version cannot express, those that cannot be judged, values,
// valid values that generated code cannot decode, and verdicts that differ, separately if that is intended. -v prints each
// schema that is not judged, and each wrong verdict. It fails if a verdict is wrong.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run returns the exit code: 0 if no verdict is wrong, 1 if one is, 2 for a usage error.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("suite", flag.ContinueOnError)
	flags.SetOutput(stderr)
	verbose := flags.Bool("v", false, "print each schema that is not judged, and each wrong verdict")
	only := flags.String("run", "", "only files whose path contains `text`")
	code := flags.Bool("generated", false, "check with the code that validategen writes, for models of oapi-codegen")
	if flags.Parse(args) != nil || flags.NArg() > 0 {
		return 2
	}
	folder := getenv("JSON_SCHEMA_TEST_SUITE")
	if folder == "" {
		fmt.Fprintln(stderr, "suite: set JSON_SCHEMA_TEST_SUITE to the folder of the JSON-Schema-Test-Suite")
		return 2
	}
	report := report{out: stdout, verbose: *verbose}
	for _, series := range allSeries {
		files, err := series.files(folder)
		if err != nil {
			fmt.Fprintln(stderr, "suite:", err)
			return 1
		}
		files = slices.DeleteFunc(files, func(f file) bool { return !strings.Contains(f.path, *only) })
		results, err := series.check(ctx, files, *code, stdout)
		if err != nil {
			fmt.Fprintln(stderr, "suite:", err)
			return 1
		}
		report.begin(series)
		for _, file := range files {
			report.add(file.path, *results[file.path])
		}
		report.end()
	}
	if report.wrong > 0 {
		return 1
	}
	return 0
}

// check returns the counts of each file.
func (s series) check(ctx context.Context, files []file, code bool, log io.Writer) (map[string]*counts, error) {
	if code {
		return generated(ctx, files, s, log)
	}
	results := map[string]*counts{}
	for _, f := range files {
		c := f.check(ctx, s.convert)
		results[f.path] = &c
	}
	return results, ctx.Err()
}
