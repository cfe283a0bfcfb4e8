package api

import (
	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// Here the wire's types meet the domain's.

func fromRequest(r *pfx.Request) pfxapi.PfxRecryptionRequest {
	entity := r.Entity
	entity.ODataType = pfxapi.ODataTypePfxRecryptionRequest
	return entity
}

// toSelection returns the members of a request that names has, or all of them for nil.
func toSelection(r *pfx.Request, names []string) *pfxapi.PfxRecryptionRequestSelection {
	s := pfxapi.PfxRecryptionRequestSelection(r.Select(names))
	s.ODataType = pfxapi.ODataTypePfxRecryptionRequest
	return &s
}
