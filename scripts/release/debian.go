package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb" // registers the format
)

// packDebian writes the package that package/nfpm.yaml describes.
func (r *release) packDebian(p platform) error {
	for _, page := range []string{"pfxrd.1", "pfxr.1"} {
		if err := compress(filepath.Join(r.work, page)); err != nil {
			return err
		}
	}
	variables := map[string]string{"VERSION": r.version, "ARCH": p.arch, "PROGRAMS": r.programs(p), "WORK": r.work}
	config, err := nfpm.ParseFileWithEnvMapping("scripts/release/package/nfpm.yaml", func(name string) string { return variables[name] })
	if err != nil {
		return err
	}
	info, err := config.Get("deb")
	if err != nil {
		return err
	}
	info.MTime = r.time
	info = nfpm.WithDefaults(info)
	if err := nfpm.PrepareForPackager(info, "deb"); err != nil {
		return err
	}
	for _, content := range info.Contents {
		content.FileInfo.MTime = r.time // the clone's files have the time of cloning
	}
	packager, err := nfpm.Get("deb")
	if err != nil {
		return err
	}
	return create(r.file(p.String()+".deb"), func(w io.Writer) error { return packager.Package(info, w) })
}

// compress writes a compressed copy next to a file, as Debian requires for manual pages: gzip -9, without name and time.
func compress(name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(text); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(name+".gz", b.Bytes(), 0o644)
}
