package app

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi"
	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
)

// TestPagesOfAGateway: the pages have the enforced document, byte for byte, and a reload replaces it.
func TestPagesOfAGateway(t *testing.T) {
	t.Parallel()
	r := startReloadable(t)
	renamed := strings.Replace(string(openapi.Document), "title: pfxRecryptionRequest", "title: Tea", 1)
	for _, step := range []struct{ written, want, title string }{
		{string(openapi.Document), string(openapi.Document), "<h1>pfxRecryptionRequest</h1>"},
		{renamed, renamed, "<h1>Tea</h1>"},
		{badSpec, renamed, "<h1>Tea</h1>"},
	} {
		replace(t, r.spec, step.written)
		r.reload(t.Context(), true)
		if got := fetch(t, r.URL+"/openapi.yaml"); got != step.want {
			t.Errorf("got a document of %d bytes, want %d", len(got), len(step.want))
		}
		if got := fetch(t, r.URL+"/docs"); !strings.Contains(got, step.title) {
			t.Errorf("the reference lacks %s", step.title)
		}
	}
}

// TestPagesOfAGatewayNeedAFlag: without --docs these paths are the upstream's. A document of several files is rejected.
func TestPagesOfAGatewayNeedAFlag(t *testing.T) {
	t.Parallel()
	many := &spec.Document{Files: []string{"other.yaml"}}
	if site, err := (&GatewayConfig{}).pages(nil, many, slog.Default()); site != nil || err != nil {
		t.Errorf("without --docs: got %v, %v", site, err)
	}
	if _, err := (&GatewayConfig{Docs: true}).pages(openapi.Document, many, slog.Default()); err == nil || !strings.Contains(err.Error(), "refers to others") {
		t.Errorf("a document of several files: got %v", err)
	}
	if _, err := (&GatewayConfig{Docs: true}).pages(nil, nil, slog.Default()); err != nil {
		t.Errorf("the built-in contract: %v", err)
	}
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
