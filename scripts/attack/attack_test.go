package main

import (
	"strings"
	"testing"
)

// TestRowsAreCounted: a row is a subtest without subtests; a skipped one does not count.
func TestRowsAreCounted(t *testing.T) {
	t.Parallel()
	var said strings.Builder
	held, failed, err := countRows(strings.NewReader(`{"Action":"start"}
{"Action":"run","Test":"TestA"}
{"Action":"run","Test":"TestA/v1/good"}
{"Action":"run","Test":"TestA/v1/a/b"}
{"Action":"run","Test":"TestA/v1/bad"}
{"Action":"run","Test":"TestA/v1/left"}
{"Action":"output","Test":"TestA/v1/bad","Output":"got 200\n"}
{"Action":"pass","Test":"TestA/v1/good"}
{"Action":"pass","Test":"TestA/v1/a/b"}
{"Action":"fail","Test":"TestA/v1/bad"}
{"Action":"skip","Test":"TestA/v1/left"}
{"Action":"fail","Test":"TestA"}
{"Action":"fail"}
`), &said)
	if held != 2 || failed != 1 || err != nil || !strings.Contains(said.String(), "got 200") {
		t.Errorf("got %d held, %d failed, %v, %q", held, failed, err, said.String())
	}
}
