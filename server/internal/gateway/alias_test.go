package gateway_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
)

// aliases are paths that the contract does not have, but that some servers read as a path of the contract.
var aliases = []string{
	"/beta//pfxRecryptionRequests/s", "//beta/pfxRecryptionRequests/s", "/beta/./pfxRecryptionRequests/s", "/x/../beta/pfxRecryptionRequests/s",
	"/beta/x/%2e%2e/pfxRecryptionRequests/s", "/beta/x/%252e%252e/pfxRecryptionRequests/s", "/beta%2FpfxRecryptionRequests%2Fs", "/beta%5CpfxRecryptionRequests/s",
	"/beta/pfxRecryptionRequests/s/", "/beta/pfxRecryptionRequests('s')/", "/beta/pfxRecryptionRequests;x/s", "/beta;x/pfxRecryptionRequests/s",
	"/beta/pfxRecryptionRequests('s');x", "/beta/pfxRecryptionRequests(%27s%27)%3Bx", "/beta/pfxRecryptionRequests(s)%20", "/beta/pfxRecryptionRequests(s).",
	"/beta/pfxRecryptionRequests%00/s", "/beta/pfxRecryptionRequests%20/s", "/beta/pfxRecryptionRequests%0a/s", "/beta/pfxRecryptionRequests%c0%af/s",
	"/Beta/pfxRecryptionRequests/s", "/beta/PfxRecryptionRequests/s", "/beta/PFXRECRYPTIONREQUESTS('s')", "/beta/pfxRecryptionReque%C5%BFts/s",
}

// isNoPath reports whether a response refuses a path that the contract does not have.
func isNoPath(got answered) bool {
	return got.status == http.StatusNotFound ||
		got.status == http.StatusBadRequest && strings.Contains(got.body, "Resource not found for the segment")
}

func TestAliasesDoNotPassWithWhatIsUnknown(t *testing.T) {
	t.Parallel()
	pass := policy.Monitor
	s := newStand(t, "{}", reply(200, "{}"), func(c *gateway.Config) { c.Defaults.Unknown = &pass })
	for _, path := range aliases {
		if got := s.send("PATCH "+path+"\nContent-Type: application/json", `{"status":"x"}`); !isNoPath(got) {
			t.Errorf("%s: got %d", path, got.status)
		}
	}
	for _, path := range []string{"/other", "/beta/pfxRecryptionRequests/s/x", "/beta/pfxRecryptionRequestsX/s", "/beta2/pfxRecryptionRequests/s"} {
		if got := s.send("GET "+path+"\nX: y", ""); got.status != http.StatusOK {
			t.Errorf("%s: got %d", path, got.status)
		}
	}
}

// rejecting is a verifier that accepts no token.
type rejecting struct{}

func (rejecting) Verify(context.Context, []string) (*auth.Principal, error) {
	return nil, &auth.Error{Reason: auth.Missing, Msg: "Access token is empty."}
}

// TestTokensWhateverTheMode: if tokens are checked, no request passes without one, in any mode.
func TestTokensWhateverTheMode(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"monitor", "off"} {
		s := newStand(t, "requests: "+mode+"\n", reply(200, "{}"), func(c *gateway.Config) { c.Verifier = rejecting{} })
		for _, path := range append([]string{"/other", "/beta/pfxRecryptionRequests/s", "/beta/pfxRecryptionRequests"}, aliases...) {
			if got := s.send("DELETE "+path+"\nX: y", ""); got.status != http.StatusUnauthorized && !isNoPath(got) {
				t.Errorf("%s: %s: got %d", mode, path, got.status)
			}
		}
	}
}
