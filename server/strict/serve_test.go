package strict_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/strict"
)

// TestLeftOut: the client gets 501, and only the log has the reason.
func TestLeftOut(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	operation := strict.Operation{Operation: &validate.Operation{ID: "get", Method: http.MethodGet, Path: "/a"}, Serve: strict.LeftOut("the type of /a is secret")}
	handler, err := strict.New([]strict.Operation{operation}, strict.Config{Log: slog.New(slog.NewJSONHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/a", nil))
	if w.Code != http.StatusNotImplemented || w.Header().Get("Content-Type") != "application/problem+json" || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("got status %d and %s", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "the type of /a is secret") {
		t.Errorf("the log does not have the reason: %s", &log)
	}
}

// TestListenAndServe: requests in flight when the context ends are completed.
func TestListenAndServe(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		cancel()
		_, _ = io.WriteString(w, "done")
	})
	reader, writer := io.Pipe()
	failed := make(chan error, 1)
	go func() {
		failed <- strict.ListenAndServe(ctx, "127.0.0.1:0", handler, slog.New(slog.NewJSONHandler(writer, nil)))
		_ = writer.Close()
	}()
	lines := json.NewDecoder(reader)
	var line struct{ Msg, URL string }
	if err := lines.Decode(&line); err != nil || line.Msg != "serving" {
		t.Fatalf("got %+v, %v, want the line with the address", line, err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, line.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil || string(body) != "done" {
		t.Errorf("got %q, %v, want the whole response", body, err)
	}
	response.Body.Close()
	if err := lines.Decode(&line); err != nil || line.Msg != "drained" {
		t.Errorf("got %+v, %v, want the line about the drain", line, err)
	}
	if err := <-failed; err != nil {
		t.Errorf("got %v, want no error", err)
	}
	if err := strict.ListenAndServe(t.Context(), "nowhere:-1", handler, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "nowhere:-1") {
		t.Errorf("got %v, want an error that names the address", err)
	}
}
