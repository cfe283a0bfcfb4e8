package faultinject_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/pfxrecryption/pfxrecryption/server/internal/faultinject"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// call sends a call through a handler that injects one of the faults. It returns the status, how often the call was
// handled, and whether the connection broke.
func call(t *testing.T, method, ifMatch string, faults ...faultinject.Fault) (status, handled int, broken bool) {
	t.Helper()
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		handled++
		_, _ = io.WriteString(w, "handled") // to a recorder
	})
	refuse := func(w http.ResponseWriter, _ *http.Request, status int, retryAfter time.Duration) {
		w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter/time.Second)))
		w.WriteHeader(status)
	}
	h := faultinject.New(faultinject.Config{Percent: 100, Faults: faults, Refuse: refuse, Log: slog.New(slog.DiscardHandler)}, next)
	r := httptest.NewRequestWithContext(t.Context(), method, "/", nil)
	if ifMatch != "" {
		r.Header.Set("If-Match", ifMatch)
	}
	w := httptest.NewRecorder()
	defer func() {
		if v := recover(); v != nil {
			err, _ := v.(error)
			broken = errors.Is(err, http.ErrAbortHandler)
			if w.Body.Len() > 0 {
				t.Errorf("the caller got %q before the connection broke", w.Body)
			}
		}
	}()
	h.ServeHTTP(w, r)
	if retry := w.Header().Get("Retry-After"); retry != "" && (retry == "0") != (w.Code == http.StatusPreconditionFailed) {
		t.Errorf("%d has Retry-After %s", w.Code, retry)
	}
	return w.Code, handled, false
}

// TestFaults checks what the client gets for each fault, and how often the call is applied.
func TestFaults(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault           faultinject.Fault
		method, ifMatch string
		status, handled int
		broken          bool
		takes           time.Duration
	}{
		"throttled":      {faultinject.Throttled, "GET", "", 429, 0, false, 0},
		"unavailable":    {faultinject.Unavailable, "POST", "", 503, 0, false, 0},
		"conflict":       {faultinject.Conflict, "PATCH", `"1"`, 412, 0, false, 0},
		"conflictDelete": {faultinject.Conflict, "DELETE", `"1"`, 412, 0, false, 0},
		"noCondition":    {faultinject.Conflict, "PATCH", "", 200, 1, false, 0},
		"anyVersion":     {faultinject.Conflict, "PATCH", "*", 200, 1, false, 0},
		"conflictGet":    {faultinject.Conflict, "GET", `"1"`, 200, 1, false, 0},
		"slow":           {faultinject.Slow, "PATCH", "", 200, 1, false, time.Second},
		"before":         {faultinject.DroppedBefore, "PATCH", "", 0, 0, true, 0},
		"after":          {faultinject.DroppedAfter, "PATCH", "", 0, 1, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				status, handled, broken := call(t, tt.method, tt.ifMatch, tt.fault)
				if status != tt.status || handled != tt.handled || broken != tt.broken || time.Since(start) != tt.takes {
					t.Errorf("status %d, handled %d times, broken %v after %v, want %+v", status, handled, broken, time.Since(start), tt)
				}
			})
		})
	}
}

// TestShare: the configured share of calls fails, and the same seed injects the same faults into the same calls.
func TestShare(t *testing.T) {
	t.Parallel()
	run := func(percent faultinject.Percent, seed uint64) (faults int, log string) {
		var b bytes.Buffer
		text := slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))
		refuse := func(http.ResponseWriter, *http.Request, int, time.Duration) { faults++ }
		h := faultinject.New(faultinject.Config{Percent: percent, Seed: seed, Refuse: refuse, Log: text, Faults: []faultinject.Fault{faultinject.Throttled, faultinject.Unavailable}},
			http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		for range 10_000 {
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPatch, "/", nil))
		}
		return faults, b.String()
	}
	for percent, want := range map[faultinject.Percent]int{0: 0, 5: 500, 100: 10_000} {
		if got, _ := run(percent, 1); got < want*8/10 || got > want*12/10 {
			t.Errorf("%v %% made %d of 10,000 calls fail", percent, got)
		}
	}
	_, first := run(5, 7)
	_, again := run(5, 7)
	_, other := run(5, 8)
	if first != again || first == other {
		t.Error("the same seed injected different faults")
	}
}

func TestPercent(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]faultinject.Percent{"5%": 5, "0%": 0, "100%": 100, "2.5%": 2.5} {
		var p faultinject.Percent
		if err := p.UnmarshalText([]byte(text)); err != nil || p != want {
			t.Errorf("%s: got %v, %v", text, p, err)
		}
	}
	for _, text := range []string{"", "5", "%", "-1%", "101%", "NaN%", "five%", "5 %"} {
		var p faultinject.Percent
		if err := p.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q: got %v", text, p)
		}
	}
	if err := faultinject.Validate(5, []faultinject.Fault{"rain"}); err == nil {
		t.Error("an unknown fault was accepted")
	}
}
