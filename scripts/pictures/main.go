// Command pictures draws the pictures of the README from the project itself:
//
//	go run ./scripts/pictures           # all
//	go run ./scripts/pictures document  # what scripts/generate.sh does
//	go run ./scripts/pictures rooms     # the diagram of the architecture
//
// document.svg shows what is generated from openapi.yaml, with its operations. first-minute.svg shows a terminal with make
// run and the pasted line; both are run, and the picture shows their output. Both pictures follow the reader's light or dark
// theme.
package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
)

const folder = ".github/pictures"

//go:embed *.svg.tmpl
var files embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"text": html.EscapeString,
	"row":  func(from, step, i int) int { return from + step*i },
}).ParseFS(files, "*.svg.tmpl"))

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	steps := []func(context.Context) error{writeDocument, writeRooms, writeTerminal}
	switch {
	case slices.Equal(os.Args[1:], []string{"document"}):
		steps = steps[:1]
	case slices.Equal(os.Args[1:], []string{"rooms"}):
		steps = steps[1:2]
	}
	if err := run(ctx, steps); err != nil {
		log.Fatal("pictures: ", err)
	}
}

func run(ctx context.Context, steps []func(context.Context) error) error {
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func writeDocument(context.Context) error {
	picture, err := drawDocument()
	if err != nil {
		return err
	}
	return write("document.svg", picture)
}

func writeTerminal(ctx context.Context) error {
	session, err := record(ctx)
	if err != nil {
		return fmt.Errorf("recording the first minute: %w", err)
	}
	picture, err := drawTerminal(session)
	if err != nil {
		return err
	}
	return write("first-minute.svg", picture)
}

func write(name string, picture []byte) error {
	return errors.Join(os.MkdirAll(folder, 0o777), os.WriteFile(filepath.Join(folder, name), picture, 0o666))
}

// product is generated from the document.
type product struct{ Name, Text, Where string }

var products = []product{
	{"Server", "Stubs: the compiler names each missing handler", "pfxrd serve"},
	{"Clients", "Go, TypeScript, Python, and a command line", "pfxr"},
	{"Validation", "Checks and decodes the bytes in one pass", "gen/pfxvalid"},
	{"Gateway", "The same checks in front of any upstream", "pfxrd gateway"},
}

// operation is an operation of the document in the picture.
type operation struct{ Method, Path string }

func drawDocument() ([]byte, error) {
	var operations []operation
	for _, op := range pfxvalid.Operations {
		operations = append(operations, operation{op.Method, shorten(op.Path, maxPath)})
	}
	slices.SortStableFunc(operations, func(a, b operation) int { return strings.Compare(a.Path, b.Path) })
	return render("document.svg.tmpl", map[string]any{"Operations": operations, "Products": products})
}

// maxPath is the longest path that fits, in characters.
const maxPath = 30

func shorten(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

func render(name string, facts any) ([]byte, error) {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, facts); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
