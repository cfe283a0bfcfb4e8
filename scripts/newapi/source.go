package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"

	"golang.org/x/mod/modfile"
)

const thisModule = "github.com/pfxrecryption/pfxrecryption"

// source is where a project gets this module: a released version, or a checkout.
type source struct{ version, replace string }

// thisSource returns the source of the running program. A program compiled in a checkout finds it by the paths of its sources
// or, if -trimpath has cut them, by the working folder. The version that go build records for it cannot be downloaded.
func thisSource() (*source, error) {
	_, file, _, _ := runtime.Caller(0)
	if root := filepath.Dir(filepath.Dir(filepath.Dir(file))); filepath.IsAbs(file) && isCheckout(root) {
		return &source{version: "v0.0.0", replace: root}, nil
	}
	info, ok := debug.ReadBuildInfo()
	if ok && info.Main.Path == thisModule && info.Main.Version != "(devel)" && info.Main.Version != "" {
		return &source{version: info.Main.Version}, nil
	}
	dir, err := os.Getwd()
	for err == nil && dir != filepath.Dir(dir) {
		if isCheckout(dir) {
			return &source{version: "v0.0.0", replace: dir}, nil
		}
		dir = filepath.Dir(dir)
	}
	return nil, errors.New("this program does not know its version; run it with go run, in a checkout or with @latest")
}

// isCheckout distinguishes a checkout from a copy in the module cache, whose folder name contains @ and a version.
func isCheckout(root string) bool {
	data, err := os.ReadFile(filepath.Join(root, "go.mod"))
	return err == nil && modfile.ModulePath(data) == thisModule && !strings.Contains(filepath.Base(root), "@")
}

var goRelease = regexp.MustCompile(`[0-9]+(\.[0-9]+)+`)

// goMod returns the project's go.mod. The tools and the generators' modules have the same versions as in this module.
func (p *project) goMod() ([]byte, error) {
	f := &modfile.File{Syntax: &modfile.FileSyntax{}}
	err := errors.Join(f.AddModuleStmt(p.module), f.AddGoStmt(goRelease.FindString(runtime.Version())), f.AddRequire(thisModule, p.source.version))
	if p.source.replace != "" {
		err = errors.Join(err, f.AddReplace(thisModule, "", p.source.replace, ""))
	}
	for _, tool := range []string{"github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen", thisModule + "/openapi/validategen", thisModule + "/scripts/newapi"} {
		err = errors.Join(err, f.AddTool(tool))
	}
	if err != nil {
		return nil, fmt.Errorf("writing go.mod: %w", err)
	}
	f.Cleanup()
	return f.Format()
}
