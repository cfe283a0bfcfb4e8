package main

import (
	"cmp"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// buildCommand writes every file of a release into a folder. The output is reproducible: it depends only on the commit and
// the Go version.
type buildCommand struct {
	Out      string     `required:"" help:"The folder; it must be empty or absent."`
	Platform []platform `default:"linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,windows/amd64,windows/arm64" help:"The platforms to build for."`
	Npm      bool       `default:"true" negatable:"" help:"Pack the TypeScript package, which needs node and npm."`
}

// platform is written as in Go and OCI: linux/amd64.
type platform struct{ os, arch string }

func (p *platform) UnmarshalText(text []byte) error {
	var ok bool
	if p.os, p.arch, ok = strings.Cut(string(text), "/"); !ok {
		return fmt.Errorf("%q is not a platform such as linux/amd64", text)
	}
	return nil
}

func (p platform) String() string { return p.os + "_" + p.arch }

// program returns the file name of a program.
func (p platform) program(name string) string {
	if p.os == "windows" {
		return name + ".exe"
	}
	return name
}

// release is shared by the steps.
type release struct {
	out, work string
	version   string // without the v of the tag
	commit    string
	time      time.Time // of the commit; every file in every archive has it
	goVersion string
	licenses  []license
	image     string // digest of the image, if there is one
}

// Run builds everything. Each program is compiled once for all packages of its platform.
func (c *buildCommand) Run() error {
	if entries, err := os.ReadDir(c.Out); err == nil && len(entries) > 0 {
		return fmt.Errorf("the folder %s is not empty", c.Out)
	}
	work, err := os.MkdirTemp("", "release")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	r := &release{out: c.Out, work: work}
	steps := []func() error{
		func() error { return os.MkdirAll(c.Out, 0o755) },
		func() error { return r.compile(c.Platform) },
		r.document,
		func() error { return r.pack(c.Platform) },
		func() error { return r.packImage(c.Platform) },
	}
	if c.Npm {
		steps = append(steps, r.packNPM)
	}
	for _, step := range append(steps, r.prove, r.sum) {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// compile builds the programs for each platform, and for this machine, where they print their manual pages.
func (r *release) compile(platforms []platform) error {
	host := platform{runtime.GOOS, runtime.GOARCH}
	if !slices.Contains(platforms, host) {
		platforms = append(slices.Clone(platforms), host)
	}
	for _, p := range platforms {
		fmt.Println("building for", p)
		cmd := exec.Command("go", "build", "-buildvcs=true", "-trimpath", "-ldflags=-s -w", "-o", r.programs(p)+"/", "./server/cmd/pfxrd", "./client/cmd/pfxr")
		// The variables that change the compiler's output. The provenance names the Go version.
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+p.os, "GOARCH="+p.arch,
			"GOFLAGS=", "GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT=", "GOFIPS140=off", "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("building for %s: %w\n%s", p, err, out)
		}
	}
	return r.read(filepath.Join(r.programs(host), host.program("pfxrd")))
}

func (r *release) programs(p platform) string { return filepath.Join(r.work, p.String()) }

// read reads version, commit and time from a program, so that they match what it reports.
func (r *release) read(program string) error {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return err
	}
	settings := make(map[string]string)
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if settings["vcs.revision"] == "" || settings["vcs.modified"] != "false" {
		return fmt.Errorf("%s was not built from an unmodified commit: run scripts/release.sh", filepath.Base(program))
	}
	r.version, r.commit, r.goVersion = strings.TrimPrefix(info.Main.Version, "v"), settings["vcs.revision"], info.GoVersion
	r.time, err = time.Parse(time.RFC3339, settings["vcs.time"])
	return err
}

// document makes the programs print their pages and completions, and collects the licences, which the repository must list.
func (r *release) document() error {
	host := platform{runtime.GOOS, runtime.GOARCH}
	for _, name := range []string{"pfxrd", "pfxr"} {
		for file, args := range map[string][]string{
			name + ".1":    {"man"},
			name + ".bash": {"completion", "bash"},
			name + ".zsh":  {"completion", "zsh"},
			name + ".fish": {"completion", "fish"},
			name + ".ps1":  {"completion", "powershell"},
		} {
			cmd := exec.Command(filepath.Join(r.programs(host), host.program(name)), args...)
			cmd.Env = []string{"HOME=~"} // the pages name files below it
			text, err := cmd.Output()
			if err != nil {
				return fmt.Errorf("running %s %s: %w", name, args, err)
			}
			if err := os.WriteFile(filepath.Join(r.work, file), text, 0o644); err != nil {
				return err
			}
		}
	}
	var err error
	if r.licenses, err = readLicenses(); err != nil {
		return err
	}
	if err := checkList(r.licenses); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.work, "THIRD_PARTY_LICENSES"), licenseTexts(r.licenses), 0o644)
}

// pack writes an archive and an SBOM for each platform, and a Debian package for Linux.
func (r *release) pack(platforms []platform) error {
	for _, p := range platforms {
		if err := r.packArchive(p); err != nil {
			return fmt.Errorf("archive for %s: %w", p, err)
		}
		if err := r.writeSBOM(p); err != nil {
			return fmt.Errorf("SBOM for %s: %w", p, err)
		}
		if p.os != "linux" {
			continue
		}
		if err := r.packDebian(p); err != nil {
			return fmt.Errorf("Debian package for %s: %w", p, err)
		}
	}
	return nil
}

// file returns the path of a published file: pfxrecryption_VERSION_SUFFIX.
func (r *release) file(suffix string) string {
	return filepath.Join(r.out, fmt.Sprintf("pfxrecryption_%s_%s", cmp.Or(r.version, "devel"), suffix))
}
