package api

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
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

func TestNewGUID(t *testing.T) {
	t.Parallel()
	v4 := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	seen := map[string]bool{}
	for range 1000 {
		id := newGUID().String()
		if !v4.MatchString(id) || seen[id] {
			t.Fatalf("%s is not a GUID of version 4, or came twice", id)
		}
		seen[id] = true
	}
}

// TestPanicIsAnswered: the caller learns that something failed, the log what and where.
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
