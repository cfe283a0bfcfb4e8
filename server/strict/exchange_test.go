package strict

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestExchangeIsAWriter: writes and flushes of an exchange reach the connection, and bytes are counted.
func TestExchangeIsAWriter(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	x := &Exchange{writer: w, status: http.StatusOK}
	x.WriteHeader(http.StatusAccepted)
	for range 2 {
		if _, err := x.Write([]byte("text")); err != nil {
			t.Fatal(err)
		}
	}
	if err := http.NewResponseController(x).Flush(); err != nil || !w.Flushed {
		t.Errorf("flushing: got %v, flushed %t", err, w.Flushed)
	}
	if w.Code != http.StatusAccepted || w.Body.String() != "texttext" || x.Status() != w.Code || x.size != 8 || !x.committed {
		t.Errorf("got %d %q, kept %d, %d bytes, committed %t", w.Code, w.Body, x.status, x.size, x.committed)
	}
}
