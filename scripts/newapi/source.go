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

// source is where a project gets this module from: a released version, or a checkout.
type source struct{ version, replace string }

// thisSource is that of the running program. One that was compiled in a checkout knows where: the paths of its sources say
// so or, where -trimpath has cut them, the working folder. What go build notes of a version is not one that others can download.
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

// isCheckout tells a checkout from a copy in the module cache, whose folder has a version behind an @.
func isCheckout(root string) bool {
	data, err := os.ReadFile(filepath.Join(root, "go.mod"))
	return err == nil && modfile.ModulePath(data) == thisModule && !strings.Contains(filepath.Base(root), "@")
}

var goRelease = regexp.MustCompile(`[0-9]+(\.[0-9]+)+`)

// goMod is the project's go.mod. The tools and all else that is generated with have the versions that this module has.
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
