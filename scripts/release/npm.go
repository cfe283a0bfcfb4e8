package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// packNPM packs gen/typescript with the version of the release. It changes the clone, so it runs after the compiler.
func (r *release) packNPM() error {
	const dir = "gen/typescript"
	if err := r.setVersion(filepath.Join(dir, "package.json")); err != nil {
		return err
	}
	text, err := os.ReadFile("LICENSE") // npm packs the one next to package.json
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "LICENSE"), text, 0o644); err != nil {
		return err
	}
	if out, err := exec.Command("scripts/typescript.sh").CombinedOutput(); err != nil {
		return fmt.Errorf("the npm package needs node 20, npm and its registry; --no-npm leaves it out: %w\n%s", err, out)
	}
	pack := exec.Command("npm", "pack", "--loglevel=error", "--pack-destination", r.out)
	pack.Dir = dir
	if out, err := pack.CombinedOutput(); err != nil {
		return fmt.Errorf("npm pack: %w\n%s", err, out)
	}
	return nil
}

func (r *release) setVersion(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	members["version"] = r.version
	delete(members, "private") // it prevents npm publish of an unreleased package
	if text, err = json.MarshalIndent(members, "", "  "); err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}
