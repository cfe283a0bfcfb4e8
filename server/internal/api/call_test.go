package api

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
	"github.com/pfxrecryption/pfxrecryption/server/internal/throttle"
)

func TestPanicIsAnswered(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	handler, err := New(Config{
		Service: &pfx.Service{}, Verifier: struct{ auth.TokenVerifier }{}, // nil inside
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

// watchedWriter calls a function while a response is written.
type watchedWriter struct {
	*httptest.ResponseRecorder
	look func()
}

func (w *watchedWriter) Write(p []byte) (int, error) {
	w.look()
	return w.ResponseRecorder.Write(p)
}

// TestSlowReaderKeepsNoPlace: a response gives up its place before it is written, which takes as long as the client wants. A
// long response takes a place of another kind, or is refused.
func TestSlowReaderKeepsNoPlace(t *testing.T) {
	t.Parallel()
	free := func(p *throttle.Limiter) bool {
		if p.Enter(t.Context()) != nil {
			return false
		}
		p.Leave()
		return true
	}
	for name, tt := range map[string]struct {
		size                int
		responsesAreTaken   bool
		responsesWhileWrite bool // whether there is a place for another long one
		status              int
	}{
		"short":                        {quickResponse, false, true, http.StatusOK},
		"shortWhileAllResponsesAreOut": {quickResponse, true, false, http.StatusOK},
		"long":                         {quickResponse + 1, false, false, http.StatusOK},
		"longWhileAllResponsesAreOut":  {quickResponse + 1, true, false, http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inFlight, responses := throttle.NewLimiter(1, time.Millisecond), throttle.NewLimiter(1, time.Millisecond)
			w := &watchedWriter{httptest.NewRecorder(), func() {
				if !free(inFlight) || free(responses) != tt.responsesWhileWrite {
					t.Errorf("while it is written: a place to work is free %t, one for a long response %t", free(inFlight), free(responses))
				}
			}}
			x := (&Server{config: Config{Now: time.Now}}).newCall(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
			if err := inFlight.Enter(t.Context()); err != nil {
				t.Fatal(err)
			}
			x.place, x.responses = inFlight, responses
			if tt.responsesAreTaken {
				if err := responses.Enter(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			err := x.writeJSON(w, http.StatusOK, func(buf []byte) []byte { return append(buf, make([]byte, tt.size)...) })
			x.leave()
			status := http.StatusOK
			if p, ok := errors.AsType[*graph.Problem](err); ok {
				status = p.Status
			}
			if status != tt.status || (w.Body.Len() > 0) != (status == http.StatusOK) {
				t.Errorf("got %v and %d bytes, want status %d", err, w.Body.Len(), tt.status)
			}
			if !free(inFlight) || free(responses) == tt.responsesAreTaken {
				t.Error("a place was kept, or given up that was another's")
			}
		})
	}
}
