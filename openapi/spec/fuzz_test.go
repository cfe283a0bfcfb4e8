package spec

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// FuzzLoad reads arbitrary bytes: Load always ends, and its result can be used.
func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/*.*")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, text := range []string{dense(4), scopes(4), cyclesOfMembers(2, 3)} {
		f.Add([]byte(body31("{$ref: '#/components/schemas/A0'}", text)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		d, err := Load(ctx, data, Options{Consult: true})
		if ctx.Err() != nil {
			t.Fatal("Load does not end in time")
		}
		if err != nil {
			return
		}
		for _, o := range d.Operations {
			for _, b := range o.Request {
				if b.Schema != nil {
					b.Schema.Check(ctx, []byte(`{"a": [1, "x", {}], "kind": "Cat"}`))
				}
			}
			o.CheckParameters(ctx, []string{"a", "b"}, "a=1&b[c]=2", nil)
		}
	})
}
