package main

import (
	"bytes"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

const module = "github.com/pfxrecryption/pfxrecryption"

// writeSBOM writes the components of a platform's programs.
func (r *release) writeSBOM(p platform) error {
	text, err := r.sbom(p, "pfxrd", "pfxr")
	if err != nil {
		return err
	}
	return os.WriteFile(r.file(p.String()+".cdx.json"), text, 0o644)
}

// sbom returns the modules that are linked into the programs, as CycloneDX. It has no serial number, because that would
// differ in each build.
func (r *release) sbom(p platform, programs ...string) ([]byte, error) {
	modules := make(map[string]*debug.Module)
	for _, name := range programs {
		info, err := buildinfo.ReadFile(filepath.Join(r.programs(p), p.program(name)))
		if err != nil {
			return nil, err
		}
		for _, m := range info.Deps {
			modules[m.Path] = m
		}
	}
	components := []cdx.Component{r.goLibrary()}
	for _, m := range modules {
		c, err := r.component(m)
		if err != nil {
			return nil, err
		}
		components = append(components, c)
	}
	slices.SortFunc(components, func(a, b cdx.Component) int { return strings.Compare(a.BOMRef, b.BOMRef) })
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{
		Timestamp: r.time.UTC().Format("2006-01-02T15:04:05Z"),
		Component: &cdx.Component{
			BOMRef: "pkg:golang/" + module + "@v" + r.version, PackageURL: "pkg:golang/" + module + "@v" + r.version,
			Type: cdx.ComponentTypeApplication, Name: strings.Join(programs, ", ") + " for " + p.os + "/" + p.arch, Version: r.version,
			Licenses: licensed("Apache-2.0"),
		},
		Properties: &[]cdx.Property{{Name: "commit", Value: r.commit}},
	}
	bom.Components = &components
	var b bytes.Buffer
	err := cdx.NewBOMEncoder(&b, cdx.BOMFileFormatJSON).SetPretty(true).Encode(bom)
	return b.Bytes(), err
}

// component describes a module. The hash is that of go.sum, which is a SHA-256.
func (r *release) component(m *debug.Module) (cdx.Component, error) {
	if m.Replace != nil {
		m = m.Replace
	}
	sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Sum, "h1:"))
	if err != nil {
		return cdx.Component{}, fmt.Errorf("checksum of %s: %w", m.Path, err)
	}
	i := slices.IndexFunc(r.licenses, func(l license) bool { return l.module == m.Path })
	if i < 0 {
		return cdx.Component{}, fmt.Errorf("%s has no licence in the list", m.Path)
	}
	url := "pkg:golang/" + m.Path + "@" + m.Version
	return cdx.Component{
		BOMRef: url, PackageURL: url, Type: cdx.ComponentTypeLibrary, Name: m.Path, Version: m.Version,
		Hashes:   &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: hex.EncodeToString(sum)}},
		Licenses: licensed(r.licenses[i].names...),
	}, nil
}

func (r *release) goLibrary() cdx.Component {
	url := "pkg:golang/std@" + strings.TrimPrefix(r.goVersion, "go")
	return cdx.Component{BOMRef: url, PackageURL: url, Type: cdx.ComponentTypeLibrary, Name: "std", Version: r.goVersion, Licenses: licensed("BSD-3-Clause")}
}

func licensed(names ...string) *cdx.Licenses {
	var all cdx.Licenses
	for _, name := range names {
		all = append(all, cdx.LicenseChoice{License: &cdx.License{ID: name}})
	}
	return &all
}
