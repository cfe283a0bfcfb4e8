package graph_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"testing/iotest"

	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// TestUnreadableBody: a stalled body gets 408, after which a client may retry; one that breaks off gets 400.
func TestUnreadableBody(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]int{os.ErrDeadlineExceeded: 408, fmt.Errorf("reading: %w", os.ErrDeadlineExceeded): 408, io.ErrUnexpectedEOF: 400} {
		for _, length := range []int64{-1, 10, 100_000} {
			r := httptest.NewRequest(http.MethodPatch, "/", iotest.ErrReader(err))
			r.ContentLength = length
			var body graph.Body
			p, ok := errors.AsType[*graph.Problem](body.Read(r, graph.MaxBody*4))
			body.Release()
			if !ok || p.Status != want {
				t.Errorf("%v, length %d: got %+v, want %d", err, length, p, want)
			}
		}
	}
}
