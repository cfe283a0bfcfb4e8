package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	classifier "github.com/google/licenseclassifier/v2"
	"github.com/google/licenseclassifier/v2/assets"
)

// licensesCommand lists the licences of the linked modules.
type licensesCommand struct {
	Write bool `help:"Write .github/LICENSES.md instead of comparing it."`
}

const licensesFile = ".github/LICENSES.md"

// Run fails on a licence that is not allowed, and on an outdated list.
func (c *licensesCommand) Run() error {
	licenses, err := readLicenses()
	if err != nil {
		return err
	}
	if c.Write {
		return os.WriteFile(licensesFile, listLicenses(licenses), 0o644)
	}
	return checkList(licenses)
}

// checkList fails if the list of the repository is not that of these licences.
func checkList(licenses []license) error {
	current, err := os.ReadFile(licensesFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if !bytes.Equal(current, listLicenses(licenses)) {
		return fmt.Errorf("%s is out of date: run make licenses", licensesFile)
	}
	return nil
}

// license is the licence of a module.
type license struct {
	module string
	names  []string // SPDX, sorted
	texts  [][]byte // the licence, and the notice to pass on (Apache-2.0 §4 (d))
}

// allowed are the licences that only require passing on their text, and MPL-2.0, which also requires naming the source (§3.2
// (a)): the path of an unmodified module does that.
var allowed = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MPL-2.0"}

// minConfidence is the share of the text that must match the licence.
const minConfidence = 0.9

// readLicenses reads the licences of all modules that are linked into any program on any platform, and Go's own.
func readLicenses() ([]license, error) {
	folders, err := moduleFolders()
	if err != nil {
		return nil, err
	}
	folders["Go"] = runtime.GOROOT()
	if folders["Go"] == "" {
		goroot, err := exec.Command("go", "env", "GOROOT").Output()
		if err != nil {
			return nil, fmt.Errorf("looking for Go's licence: %w", err)
		}
		folders["Go"] = strings.TrimSpace(string(goroot))
	}
	known, err := assets.DefaultClassifier()
	if err != nil {
		return nil, err
	}
	var all []license
	for name, dir := range folders {
		l, err := readLicense(known, name, dir)
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b license) int { return cmp.Compare(a.module, b.module) })
	return all, nil
}

// moduleFolders returns the folder of each module's source.
func moduleFolders() (map[string]string, error) {
	folders := make(map[string]string)
	for _, system := range []string{"linux", "darwin", "windows"} {
		list := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Dir}}{{end}}{{end}}", "./server/cmd/pfxrd", "./client/cmd/pfxr")
		list.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOOS="+system)
		out, err := list.Output()
		if err != nil {
			return nil, fmt.Errorf("listing the modules of the programs: %w", err)
		}
		for line := range strings.Lines(string(out)) {
			if name, dir, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
				folders[name] = dir
			}
		}
	}
	return folders, nil
}

var licenseFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice)(-[a-z0-9]+)?(\.(md|txt))?$`)

func readLicense(known *classifier.Classifier, name, dir string) (license, error) {
	l := license{module: name}
	files, err := os.ReadDir(dir)
	if err != nil {
		return l, err
	}
	for _, f := range files {
		if f.IsDir() || !licenseFile.MatchString(f.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			return l, err
		}
		l.texts = append(l.texts, text)
		for _, m := range known.Match(text).Matches {
			if m.MatchType == "License" && m.Confidence >= minConfidence {
				l.names = append(l.names, m.Name)
			}
		}
	}
	slices.Sort(l.names)
	l.names = slices.Compact(l.names)
	if len(l.names) == 0 {
		return l, fmt.Errorf("%s: no licence was recognised in its folder", name)
	}
	for _, n := range l.names {
		if !slices.Contains(allowed, n) {
			return l, fmt.Errorf("%s is under %s: read it, and add it to the allowed licences or replace the module", name, n)
		}
	}
	return l, nil
}

func listLicenses(licenses []license) []byte {
	var b bytes.Buffer
	b.WriteString("# Licences of the dependencies\n\n" +
		"The modules that pfxrd and pfxr are linked from, on any platform. `make licenses` writes this file; `make check` compares it,\n" +
		"and refuses a licence other than " + strings.Join(allowed, ", ") + ". Every archive and package of a\n" +
		"release has the texts in `THIRD_PARTY_LICENSES`. The image also has Mozilla's list of certificate authorities, under MPL-2.0.\n" +
		"The module swgui contains Swagger UI, which is under Apache-2.0.\n\n" +
		"| module | licence |\n|---|---|\n")
	for _, l := range licenses {
		fmt.Fprintf(&b, "| %s | %s |\n", l.module, strings.Join(l.names, ", "))
	}
	return b.Bytes()
}

// licenseTexts returns the texts to pass on with the programs.
func licenseTexts(licenses []license) []byte {
	var b bytes.Buffer
	for _, l := range licenses {
		fmt.Fprintf(&b, "==== %s (%s)\n\n", l.module, strings.Join(l.names, ", "))
		for _, text := range l.texts {
			b.Write(bytes.TrimSpace(text))
			b.WriteString("\n\n")
		}
	}
	return b.Bytes()
}
