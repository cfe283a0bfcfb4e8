package pfxtest_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/server/pfxtest"
)

// internals are texts that no response may contain: Go type names, error texts of Go and the database, paths, SQL.
var internals = regexp.MustCompile(`\*?\b(pfx|api|auth|echo|http|json|sqlite|postgres|pgx|pgconn|pfxapi|pfxvalid)\.[A-Za-z]|json:|invalid character|goroutine|panic|/tmp/|\.go:|(?i)\b(select|update|insert) .*\b(from|set|into)\b|SQLITE|SQLSTATE`)

func TestNoAnswerLeaksInternals(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/wire/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, exchange := range strings.Split(string(text), "-- response --\n")[1:] {
			response, _, _ := strings.Cut(exchange, "-- request --")
			if m := internals.FindString(response); m != "" {
				t.Errorf("%s: the response shows %q", file, m)
			}
		}
	}
}

// lockedBuffer is a log that a server writes to and a test reads.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestLogLeaksNothing sends canaries wherever a client can send text, and searches for them in the log. Each line of
// the log must be one JSON object.
func TestLogLeaksNothing(t *testing.T) {
	t.Parallel()
	const canary = "c4n4ry"
	log := &lockedBuffer{}
	t.Run("requests", func(t *testing.T) {
		server := pfxtest.Start(t, pfxtest.Config{Log: slog.New(slog.NewJSONHandler(log, nil))})
		token := server.Token(t, pfxtest.Grant{})
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		for _, body := range []string{`{"thumbprint":"` + canary + `"}`, `{"` + canary + `":1}`, `{"status":"` + canary + `"}`, canary} {
			for _, authorization := range []string{"Bearer " + token, "Bearer " + canary, "Basic " + canary} {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, server.URL+"/pfxRecryptionRequests/sample", strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				r.Header = http.Header{
					"Authorization": {authorization}, "Content-Type": {"application/json"}, "User-Agent": {canary},
					"Client-Request-Id": {canary}, "Prefer": {canary}, "If-Match": {`"` + canary + `", *`}, "X-Forwarded-For": {canary},
				}
				resp, err := client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
			}
		}
		if strings.Contains(log.String(), token) {
			t.Error("the log contains a token")
		}
	})
	text := log.String()
	if strings.Contains(text, canary) {
		t.Errorf("the log contains text from clients:\n%s", text)
	}
	requests := 0
	for line := range strings.Lines(text) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Errorf("not one JSON object: %s", line)
		}
		if entry["msg"] == "request" {
			requests++
		}
	}
	if requests != 12 {
		t.Errorf("%d requests were logged, want 12", requests)
	}
}
