package workshop

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	named     = regexp.MustCompile(`\bG([0-9]+)E`)
	quotation = regexp.MustCompile(`"[^"]{3,}"`)
	inSource  = regexp.MustCompile(`(?m)^\.?/?((?:models|valid)/[a-z_.]+\.go|main\.go):([0-9]+):`)
)

// drop removes the groups that a message names, or whose code it names by line. If models is true, it first removes only
// their models. It reports whether there were any.
func (w *Workshop) drop(tool, message string, models bool) bool {
	numbers := map[int]string{}
	for line := range strings.SplitSeq(message, "\n") {
		for _, match := range named.FindAllStringSubmatch(line, -1) {
			if n, err := strconv.Atoi(match[1]); err == nil {
				numbers[n] = line
			}
		}
		if at := inSource.FindStringSubmatch(line); at != nil && len(named.FindString(line)) == 0 {
			if n, ok := w.before(at[1], at[2]); ok {
				numbers[n] = line
			}
		}
	}
	found := false
	for _, g := range w.groups {
		line, ok := numbers[g.number]
		switch {
		case !ok || g.Dropped != "":
			continue
		case models && g.Plain == "":
			g.Plain = tool + ": " + line
		default:
			g.Dropped = tool + ": " + line
		}
		found = true
	}
	return found
}

// makePlain removes models if oapi-codegen names no schema: of the groups that contain the text it quotes, else of those
// with an $id, else of those that it rejects. It reports whether there were any.
func (w *Workshop) makePlain(ctx context.Context, s step, message string) bool {
	marks := []string{`"$id"`}
	if quoted := quotation.FindAllString(message, -1); quoted != nil {
		marks = slices.Insert(marks, 0, quoted[len(quoted)-1])
	}
	modelled := slices.DeleteFunc(slices.Clone(w.groups), func(g *Group) bool { return g.Plain != "" || g.Dropped != "" })
	for _, mark := range marks {
		found := false
		for _, g := range modelled {
			if text, err := json.Marshal(g.Schemas); err == nil && bytes.Contains(text, []byte(mark)) {
				g.Plain, found = message, true
			}
		}
		if found {
			return true
		}
	}
	return w.refused(ctx, s, modelled)
}

// refused removes the models of the groups that oapi-codegen rejects, by bisection.
func (w *Workshop) refused(ctx context.Context, s step, groups []*Group) bool {
	all := w.groups
	w.groups = groups
	err := w.do(ctx, s)
	w.groups = all
	switch {
	case err == nil, ctx.Err() != nil:
		return false
	case len(groups) == 1:
		groups[0].Plain = err.Error()
		return true
	}
	half := len(groups) / 2
	first := w.refused(ctx, s, groups[:half])
	return w.refused(ctx, s, groups[half:]) || first
}

// before returns the group that was last named before a line of a file.
func (w *Workshop) before(name, line string) (int, bool) {
	source, err := os.ReadFile(filepath.Join(w.dir, name))
	end, _ := strconv.Atoi(line)
	lines := strings.Split(string(source), "\n")
	if err != nil || end > len(lines) {
		return 0, false
	}
	for _, text := range slices.Backward(lines[:end]) {
		if match := named.FindStringSubmatch(text); match != nil {
			n, err := strconv.Atoi(match[1])
			return n, err == nil
		}
	}
	return 0, false
}
