package graph_test

import (
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// TestNoPath: outside the base path the error names the version, below it the first unknown segment.
func TestNoPath(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]struct {
		status  int
		message string
	}{
		"/":                                    {404, "Invalid version: "},
		"*":                                    {404, "Invalid version: *"},
		"/v1.0/pfxRecryptionRequests":          {404, "Invalid version: v1.0"},
		"/betamax/pfxRecryptionRequests":       {404, "Invalid version: betamax"},
		"/beta":                                {400, "Resource not found for the segment ''."},
		"/beta/":                               {400, "Resource not found for the segment ''."},
		"/beta/users/me":                       {400, "Resource not found for the segment 'users'."},
		"/beta/pfxRecryptionRequests/":         {400, "Resource not found for the segment ''."},
		"/beta/pfxRecryptionRequests/a/b/c":    {400, "Resource not found for the segment 'b'."},
		"/beta/pfxRecryptionRequests/a/":       {400, "Resource not found for the segment ''."},
		"/beta/%0A" + strings.Repeat("x", 200): {400, "Resource not found for the segment '%0A" + strings.Repeat("x", 125) + "'."},
	} {
		if got := graph.NoPath(path); got.Status != want.status || got.Message != want.message {
			t.Errorf("%s: got %d %s, want %d %s", path, got.Status, got.Message, want.status, want.message)
		}
	}
}
