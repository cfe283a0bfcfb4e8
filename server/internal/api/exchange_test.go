package api

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// TestExchangeIsAWriter: what goes through an exchange reaches the connection and is counted, flushing included.
func TestExchangeIsAWriter(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	x := newExchange(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil), "", time.Time{})
	if x.status != http.StatusOK || x.committed {
		t.Errorf("an answer that has not begun: got status %d, committed %t", x.status, x.committed)
	}
	x.WriteHeader(http.StatusAccepted)
	for range 2 {
		if _, err := x.Write([]byte("text")); err != nil {
			t.Fatal(err)
		}
	}
	if err := http.NewResponseController(x).Flush(); err != nil || !w.Flushed {
		t.Errorf("flushing: got %v, flushed %t", err, w.Flushed)
	}
	if w.Code != http.StatusAccepted || w.Body.String() != "texttext" || x.status != w.Code || x.size != 8 || !x.committed {
		t.Errorf("got %d %q, kept %d, %d bytes, committed %t", w.Code, w.Body, x.status, x.size, x.committed)
	}
}

func TestPanicIsAnswered(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	handler, err := New(Config{
		Service: &pfx.Service{}, Verifier: struct{ Verifier }{}, // nil inside
		Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPatch, samplePath, nil))
	if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "InternalServerError") || strings.Contains(w.Body.String(), "panic") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if line := log.String(); !strings.Contains(line, "panic: ") || !strings.Contains(line, "chain.go") || !strings.Contains(line, "status=500") {
		t.Errorf("got log line %s", line)
	}
}
