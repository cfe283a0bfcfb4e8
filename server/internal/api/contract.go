package api

import (
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// DecodeEntity reads one entity as the contract describes it.
func DecodeEntity(data []byte) (pfx.Request, error) {
	var r pfx.Request
	if faults := pfxvalid.DecodePfxRecryptionRequest(data, &r.Entity); faults != nil {
		return pfx.Request{}, graph.OfBody(faults)
	}
	return r, nil
}
