package gateway_test

import (
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
)

// TestBudget: above the budget, a message that must be checked is refused; any other passes whole and is counted.
func TestBudget(t *testing.T) {
	t.Parallel()
	const size = 1000
	large := strings.Repeat(" ", size)
	for name, tt := range map[string]struct {
		rules           string
		request, answer string
		status          int
		words           string // of a refusal
		counted         string // as not checked
	}{
		"request, enforced":    {"requests: enforce\nresponses: off\n", large + "{}", "{}", 503, "Retry", ""},
		"request, watched":     {"requests: monitor\nresponses: off\n", large + "{}", "{}", 200, "", "requests updatePfxRecryptionRequest memory 1"},
		"request, off":         {"requests: off\nresponses: off\n", large + "{}", "{}", 200, "", ""},
		"response, enforced":   {"requests: enforce\nresponses: enforce\n", "{}", withID(entity) + large, 502, "may have applied it", ""},
		"response, watched":    {"requests: enforce\nresponses: monitor\n", "{}", withID(entity) + large, 200, "", "responses updatePfxRecryptionRequest memory 1"},
		"response, off":        {"requests: enforce\nresponses: off\n", "{}", withID(entity) + large, 200, "", ""},
		"both small, enforced": {"requests: enforce\nresponses: enforce\n", "{}", withID(entity), 200, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			budget := gateway.NewBudget(size)
			s := newStand(t, tt.rules, reply(200, tt.answer, "Content-Type: application/json"), func(c *gateway.Config) { c.Budget = budget })
			got := s.send("PATCH /beta/pfxRecryptionRequests/k\nContent-Type: application/json", tt.request)
			if got.status != tt.status || !strings.Contains(got.body, tt.words) || got.status == 200 && got.body != tt.answer {
				t.Errorf("got %d %q, want %d %s", got.status, got.body, tt.status, tt.words)
			}
			if sent := s.requests(); (len(sent) > 0) != (tt.status != 503) || len(sent) > 0 && sent[0].body != tt.request {
				t.Errorf("the upstream got %d requests: %q", len(sent), sent)
			}
			if counted := s.metric(t, "pfxr_gateway_unchecked_total"); tt.counted == "" && counted != "" || !strings.Contains(counted, tt.counted) {
				t.Errorf("counted %q, want %q", counted, tt.counted)
			}
			s.front.Close() // waits for the exchange
			if !budget.Take(size) {
				t.Error("the budget was not returned")
			}
		})
	}
}
