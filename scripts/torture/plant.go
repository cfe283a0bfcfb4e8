//go:build linux

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// patched matches the line of a patch that names a file.
var patched = regexp.MustCompile(`(?m)^\+\+\+ b/(.+)$`)

// plantAll plants one fault after the other, and runs the harness that the patch is named for. Names limit it to some
// harnesses.
func plantAll(ctx context.Context, c config, names []string) error {
	patches, err := filepath.Glob("scripts/torture/mutants/*.patch")
	if err != nil {
		return err
	}
	if len(patches) == 0 {
		return errors.New("scripts/torture/mutants has no patches: run this at the top of the repository")
	}
	chosen, err := choose(names, c.size)
	if err != nil {
		return err
	}
	var missed []string
	for _, h := range chosen {
		for _, patch := range patches {
			name := strings.TrimSuffix(filepath.Base(patch), ".patch")
			if !strings.HasPrefix(name, h.name+"-") {
				continue
			}
			start := time.Now()
			line, found, err := c.plant(ctx, h, patch)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			took := time.Since(start).Round(time.Second)
			if found == nil || errors.Is(found, errTooLong) {
				fmt.Printf("%-38s MISSED (%s): %s\n", name, took, cmp.Or(line, errTooLong.Error()))
				missed = append(missed, name)
				continue
			}
			said, _, _ := strings.Cut(found.Error(), "\n")
			fmt.Printf("%-38s caught (%s): %s\n", name, took, said[:min(len(said), 200)])
		}
	}
	if len(missed) > 0 {
		return fmt.Errorf("missed: %s", strings.Join(missed, ", "))
	}
	return nil
}

// plant builds a server with a fault and runs the harness. It returns the harness's line, which says if its programs are not
// installed, and its failure.
func (c config) plant(ctx context.Context, h harness, patch string) (line string, found, failed error) {
	dir, err := os.MkdirTemp("", "mutant")
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // the system removes what is left
	overlay, err := applyPatch(ctx, dir, patch)
	if err != nil {
		return "", nil, fmt.Errorf("planting: %w", err)
	}
	if c.old == "" {
		c.old = c.pfxrd // the server without a fault
	}
	c.pfxrd, c.keep = filepath.Join(dir, "pfxrd"), filepath.Join(dir, "kept")
	if err := run(ctx, ".", "go", "build", "-overlay", overlay, "-o", c.pfxrd, "./server/cmd/pfxrd"); err != nil {
		return "", nil, err
	}
	line, found = c.run(ctx, h)
	return line, found, ctx.Err()
}

// applyPatch copies the files of a patch into dir, changes them, and returns the overlay that makes the compiler use the
// copies.
func applyPatch(ctx context.Context, dir, patch string) (string, error) {
	text, err := os.ReadFile(patch)
	if err != nil {
		return "", err
	}
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	replace := map[string]string{}
	for _, m := range patched.FindAllSubmatch(text, -1) {
		name := string(m[1])
		to := filepath.Join(dir, name)
		replace[filepath.Join(here, name)] = to
		data, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // a patch may add a file
			return "", err
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return "", err
		}
		if err == nil {
			if err := os.WriteFile(to, data, 0o600); err != nil {
				return "", err
			}
		}
	}
	if err := run(ctx, dir, "git", "apply", filepath.Join(here, patch)); err != nil {
		return "", err
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, data, 0o600)
}

func run(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, bytes.TrimSpace(out))
	}
	return nil
}
