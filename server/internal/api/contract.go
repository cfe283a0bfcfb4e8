package api

import (
	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// DecodeEntity reads one entity as the contract describes it.
func DecodeEntity(data []byte) (pfx.Request, error) {
	var entity pfxapi.PfxRecryptionRequest
	if faults := pfxvalid.DecodePfxRecryptionRequest(data, &entity); faults != nil {
		return pfx.Request{}, graph.OfBody(faults)
	}
	return toRequest(&entity), nil
}
