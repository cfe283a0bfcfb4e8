package main

import (
	"archive/tar"
	"archive/zip"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"time"
)

// entry is a file of an archive. A name that ends in a slash is a folder.
type entry struct {
	name  string
	mode  int64
	owner int    // of user and group
	path  string // of its content, unless text is set
	text  []byte
}

func (e entry) content() ([]byte, error) {
	if e.path == "" {
		return e.text, nil
	}
	return os.ReadFile(e.path)
}

// packArchive writes the programs with their pages: a zip for Windows, a compressed tar for the others.
func (r *release) packArchive(p platform) error {
	folder := filepath.Base(r.file(p.String()))
	var entries []entry
	add := func(mode int64, name, from string) {
		entries = append(entries, entry{name: path.Join(folder, name), mode: mode, path: from})
	}
	for _, name := range []string{"pfxrd", "pfxr"} {
		add(0o755, p.program(name), filepath.Join(r.programs(p), p.program(name)))
		for _, shell := range []string{"bash", "zsh", "fish", "ps1"} {
			add(0o644, "completions/"+name+"."+shell, filepath.Join(r.work, name+"."+shell))
		}
		add(0o644, "man/"+name+".1", filepath.Join(r.work, name+".1"))
	}
	add(0o644, "LICENSE", "LICENSE")
	add(0o644, "THIRD_PARTY_LICENSES", filepath.Join(r.work, "THIRD_PARTY_LICENSES"))
	add(0o644, "README.md", "README.md")
	if p.os == "windows" {
		return create(r.file(p.String()+".zip"), func(w io.Writer) error { return writeZip(w, entries, r.time) })
	}
	return create(r.file(p.String()+".tar.gz"), func(w io.Writer) error {
		z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
		if err != nil {
			return err
		}
		return errors.Join(writeTar(z, entries, r.time), z.Close())
	})
}

// create writes a file and reports an error of closing it.
func create(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

func writeTar(w io.Writer, entries []entry, modified time.Time) error {
	t := tar.NewWriter(w)
	for _, e := range entries {
		content, err := e.content()
		if err != nil {
			return err
		}
		header := &tar.Header{Name: e.name, Mode: e.mode, Uid: e.owner, Gid: e.owner, Size: int64(len(content)), ModTime: modified, Format: tar.FormatUSTAR}
		header.Typeflag = tar.TypeReg
		if e.name[len(e.name)-1] == '/' {
			header.Typeflag = tar.TypeDir
		}
		if err := t.WriteHeader(header); err != nil {
			return err
		}
		if _, err := t.Write(content); err != nil {
			return err
		}
	}
	return t.Close()
}

func writeZip(w io.Writer, entries []entry, modified time.Time) error {
	z := zip.NewWriter(w)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	for _, e := range entries {
		content, err := e.content()
		if err != nil {
			return err
		}
		header := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: modified.UTC()}
		header.SetMode(os.FileMode(e.mode))
		f, err := z.CreateHeader(header)
		if err != nil {
			return err
		}
		if _, err := f.Write(content); err != nil {
			return err
		}
	}
	return z.Close()
}
