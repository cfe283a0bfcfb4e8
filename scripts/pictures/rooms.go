package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// page has the diagram of the rooms, between the two marks.
const (
	page      = ".github/ARCHITECTURE.md"
	beginMark = "<!-- drawn by scripts/pictures from the imports -->\n"
	endMark   = "<!-- end -->\n"
)

// room is a group of packages that the diagram shows as one box.
type room struct {
	name     string // on the page
	packages []string
}

// rooms are in the order of the diagram. A package belongs to the first room with its path or a path above it.
var rooms = []room{
	{"pfxrd and its settings", []string{"server/cmd", "server/internal/app", "server/docs"}},
	{"gateway", []string{"server/internal/gateway", "server/pfxgate"}},
	{"mock", []string{"server/internal/mock"}},
	{"API", []string{"server/internal/api", "server/internal/batch", "server/internal/graph", "server/internal/odata"}},
	{"stores", []string{"server/internal/store"}},
	{"domain", []string{"server/internal/pfx"}},
	{"tokens", []string{"server/internal/auth"}},
	{"server parts", []string{"server/internal"}},
	{"strict servers", []string{"server/strict"}},
	{"generated handler", []string{"gen/pfxhandler", "gen/pfxserver"}},
	{"generated validation", []string{"gen/pfxvalid"}},
	{"generated models and client", []string{"gen/pfxapi"}},
	{"pfxr and the Go client", []string{"client"}},
	{"generator", []string{"openapi/validategen"}},
	{"reader", []string{"openapi/spec"}},
	{"runtime of validation", []string{"openapi/validate"}},
	{"Edm types", []string{"openapi/edm"}},
}

const module = "github.com/pfxrecryption/pfxrecryption/"

func writeRooms(ctx context.Context) error {
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	drawn, err := drawRooms(ctx)
	if err != nil {
		return err
	}
	text, err = replaceDiagram(text, drawn)
	if err != nil {
		return err
	}
	return os.WriteFile(page, text, 0o666)
}

// replaceDiagram puts a diagram between the marks of a page.
func replaceDiagram(text, diagram []byte) ([]byte, error) {
	before, rest, ok := bytes.Cut(text, []byte(beginMark))
	_, after, ended := bytes.Cut(rest, []byte(endMark))
	if !ok || !ended {
		return nil, fmt.Errorf("%s lacks the marks of the diagram", page)
	}
	return slices.Concat(before, []byte(beginMark), diagram, []byte(endMark), after), nil
}

// drawRooms returns the diagram: an arrow for each import between rooms, unless a longer path implies it.
func drawRooms(ctx context.Context) ([]byte, error) {
	imports, err := roomImports(ctx)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString("```mermaid\nflowchart TB\n")
	for i, r := range rooms {
		fmt.Fprintf(&b, "    r%d[%q]\n", i, r.name)
	}
	for from := range rooms {
		for to := range rooms {
			if imports[from][to] && !reaches(imports, from, to) {
				fmt.Fprintf(&b, "    r%d --> r%d\n", from, to)
			}
		}
	}
	b.WriteString("```\n")
	return b.Bytes(), nil
}

// roomImports returns the imports between rooms.
func roomImports(ctx context.Context) ([][]bool, error) {
	imports := make([][]bool, len(rooms))
	for i := range imports {
		imports[i] = make([]bool, len(rooms))
	}
	list := exec.CommandContext(ctx, "go", "list", "-f", `{{$p := .ImportPath}}{{range .Imports}}{{$p}} {{.}}{{"\n"}}{{end}}`, module+"server/...", module+"client/...", module+"gen/...", module+"openapi/...")
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("listing the imports: %w", err)
	}
	for line := range strings.Lines(string(out)) {
		from, to, _ := strings.Cut(strings.TrimSpace(line), " ")
		f, t := roomOf(from), roomOf(to)
		if f >= 0 && t >= 0 && f != t {
			imports[f][t] = true
		}
	}
	return imports, nil
}

// roomOf returns the index of a package's room; -1 for none, such as a package of another module or only for tests.
func roomOf(pkg string) int {
	path, ours := strings.CutPrefix(pkg, module)
	if !ours || strings.HasSuffix(path, "test") || strings.Contains(path, "/testdata/") {
		return -1
	}
	return slices.IndexFunc(rooms, func(r room) bool {
		return slices.ContainsFunc(r.packages, func(p string) bool { return path == p || strings.HasPrefix(path, p+"/") })
	})
}

// reaches reports whether a path of at least two arrows leads from one room to another.
func reaches(imports [][]bool, from, to int) bool {
	seen := make([]bool, len(rooms))
	var walk func(at int) bool
	walk = func(at int) bool {
		for next := range rooms {
			if !imports[at][next] || seen[next] || at == from && next == to {
				continue
			}
			if seen[next] = true; next == to || walk(next) {
				return true
			}
		}
		return false
	}
	return walk(from)
}
