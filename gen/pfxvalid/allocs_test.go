package pfxvalid_test

import (
	"testing"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/openapi"
)

// TestAllocations is not parallel: the counter is for the whole process.
func TestAllocations(t *testing.T) {
	var (
		update pfxapi.PfxRecryptionRequestUpdate
		entity pfxapi.PfxRecryptionRequest
		path   pfxvalid.UpdatePfxRecryptionRequestPath
		into   pfxapi.UpdatePfxRecryptionRequestParams
		buf    = make([]byte, 0, 1024)
		header = map[string][]string{"If-Match": {`"a"`}, "Prefer": {"return=minimal"}}
		fault  = pfxapi.Error{}
	)
	tests := []struct {
		name string
		most float64
		run  func()
	}{
		{"the page's body: one copy shared by its strings", 1, func() {
			pfxvalid.DecodePfxRecryptionRequestUpdate(openapi.UpdateRequestExample, &update)
		}},
		{"a body without strings", 0, func() { pfxvalid.DecodePfxRecryptionRequestUpdate(bodies["small"], &update) }},
		{"the page's response", 1, func() { pfxvalid.DecodePfxRecryptionRequest(openapi.UpdateResponseExample, &entity) }},
		{"the parameters", 0, func() {
			pfxvalid.DecodeUpdatePfxRecryptionRequestParams("6de0af45-af45-6de0-45af-e06d45afe06d", "", header, &path, &into)
		}},
		{"writing the response", 0, func() { buf = pfxvalid.AppendPfxRecryptionRequest(buf[:0], &entity) }},
		{"writing an update", 0, func() { buf = pfxvalid.AppendPfxRecryptionRequestUpdate(buf[:0], &update) }},
		{"writing an error", 0, func() { buf = pfxvalid.AppendError(buf[:0], &fault) }},
	}
	for _, tt := range tests {
		if got := testing.AllocsPerRun(100, tt.run); got > tt.most {
			t.Errorf("%s: got %v allocations, want at most %v", tt.name, got, tt.most)
		}
	}
}
