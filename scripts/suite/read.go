package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// series is a draft of the suite and the OpenAPI version of its documents.
type series struct {
	draft   string
	version string // of OpenAPI
	convert converter
}

// converter returns a document with one request body of the schema, or a reason if the version cannot express it.
type converter func(schema any) (document, reason string)

var allSeries = []series{
	{"draft4", "3.0", convertOld},
	{"draft7", "3.0", convertOld},
	{"draft2020-12", "3.0", convertNew},
	{"draft2020-12", "3.1", convert31},
}

// departures are the files with different verdicts here, and why.
var departures = map[string]string{
	"draft4/optional/zeroTerminatedFloats.json":             "1.0 is an integer, as it is since draft 6",
	"draft2020-12/format.json":                              "OpenAPI documents expect formats to be checked; see optional/format",
	"draft2020-12/optional/dependencies-compatibility.json": "dependencies is a keyword of older drafts; unknown keywords are annotations",
}

// file is a file of the suite.
type file struct {
	path      string // below the draft
	departure string
	groups    []group
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
		files = append(files, file{name, departures[s.draft+"/"+name], groups})
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
