// Command mutation measures the cases of scripts/mutation/cases. It changes the document one place at a time, generates the
// validation of each mutant, and runs the cases against all of them. A mutant that passes every case is an untested rule of
// the contract.
//
//	go run ./scripts/mutation
//
// does so for our own document and three foreign ones, each in process and generated. It prints the counts and each survivor
// with its JSON Pointer, and fails if there is one; -v prints what killed each mutant.
//
// It mutates what validategen reads of the operations: security, parameters, bodies and their schemas. Numeric bounds move
// by one either way, also the counts in a pattern; every keyword, entry and reference is dropped; nullable, required,
// additionalProperties and exclusive bounds are flipped; names and values change. The models stay those of the document, so
// some mutants cannot be generated or compiled: these count as killed, separately.
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
	verbose := flag.Bool("v", false, "print what killed each mutant")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, *verbose, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run returns the exit code: 0 if no mutant survives, otherwise 1.
func run(ctx context.Context, verbose bool, stdout, stderr io.Writer) int {
	code := 0
	for _, name := range append([]string{""}, foreign...) {
		for _, generated := range []bool{false, true} {
			r, err := measure(ctx, name, generated, func(int, mutant) bool { return true })
			if err != nil {
				fmt.Fprintln(stderr, "mutation:", err)
				return 1
			}
			if verbose {
				for _, f := range r.fates {
					fmt.Fprintf(stdout, "%s – %s %s\n", f.mutant, f.by, f.how)
				}
			}
			r.print(stdout)
			if len(r.survivors()) > 0 || len(r.untrue()) > 0 {
				code = 1
			}
		}
	}
	return code
}

// killer is what distinguished a mutant from the document.
type killer string

const (
	nobody    killer = "nothing"
	generator killer = "the generator"
	compiler  killer = "the compiler"
	aCase     killer = "the case"
)

// fate is the result of a mutant.
type fate struct {
	mutant
	by         killer
	how        string // the generator's message or the first case
	equivalent *equivalent
}

type result struct {
	contract  string // "" for ours
	generated bool
	cases     int
	fates     []fate
}

// survivors returns the mutants that differ from the document, but that no case distinguished.
func (r *result) survivors() []fate {
	return r.where(func(f fate) bool { return f.by == nobody && f.equivalent == nil })
}

// untrue returns the mutants that are wrongly listed as equivalent. Some are equivalent only in generated code, and some only
// in process: the generator rejects a document that lacks a member of a model, even if that changes no verdict.
func (r *result) untrue() []fate {
	if !r.generated {
		return nil
	}
	return r.where(func(f fate) bool { return f.by != nobody && f.by != generator && f.equivalent != nil })
}

func (r *result) by(by killer) int {
	return len(r.where(func(f fate) bool { return f.by == by }))
}

func (r *result) where(is func(f fate) bool) []fate {
	return slices.DeleteFunc(slices.Clone(r.fates), func(f fate) bool { return !is(f) })
}

func (r *result) print(w io.Writer) {
	survivors := r.survivors()
	name, how := "our contract", "run in process"
	if r.contract != "" {
		name = r.contract
	}
	if r.generated {
		how = "generated"
	}
	fmt.Fprintf(w, "%s, %s: mutants %d, killed %d, by the generator %d, by the compiler %d, equivalent %d, survived %d (%d cases)\n",
		name, how, len(r.fates), len(r.fates)-r.by(nobody), r.by(generator), r.by(compiler), r.by(nobody)-len(survivors), len(survivors), r.cases)
	for _, f := range survivors {
		fmt.Fprintf(w, "survived: %s\n", f.mutant)
	}
	for _, f := range r.untrue() {
		fmt.Fprintf(w, "listed as equivalent, but killed by %s %s: %s\n", f.by, f.how, f.mutant)
	}
}

// oneLine shortens a message.
func oneLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return s
}
