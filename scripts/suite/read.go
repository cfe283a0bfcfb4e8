package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// series is a draft of the suite, and the documents into which its schemas go.
type series struct {
	draft   string
	version string // of OpenAPI
	convert converter
}

// converter makes a document with one request body of the schema. It returns a reason if the version cannot say it.
type converter func(schema any) (document, reason string)

var allSeries = []series{
	{"draft4", "3.0", convert30},
	{"draft7", "3.0", convert30},
	{"draft2020-12", "3.0", convert30},
	{"draft2020-12", "3.1", convert31},
}

// file is a file of the suite.
type file struct {
	path   string // below the draft
	groups []group
}

// group is a schema and values.
type group struct {
	Description string
	Schema      any
	Tests       []struct {
		Description string
		Data        json.RawMessage
		Valid       bool
	}
}

// files reads a draft: its main files, and those of optional with the formats.
func (s series) files(folder string) ([]file, error) {
	root := filepath.Join(folder, "tests", s.draft)
	var files []file
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".json" {
			return err
		}
		groups, err := read(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		files = append(files, file{name, groups})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the suite: %w", err)
	}
	return files, nil
}

func read(name string) ([]group, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var groups []group
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&groups); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return groups, nil
}

// optional reports whether a file belongs to what implementations may leave out.
func (f file) optional() bool { return strings.HasPrefix(f.path, "optional/") }
