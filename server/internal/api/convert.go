package api

import (
	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// Here the wire's types meet the domain's.

func toPatch(u *pfxapi.PfxRecryptionRequestUpdate) pfx.Patch {
	return pfx.Patch{
		ID:                  u.ID,
		TenantID:            u.TenantID,
		UserID:              u.UserID,
		DeviceID:            u.DeviceID,
		ProfileID:           u.ProfileID,
		Thumbprint:          u.Thumbprint,
		DeviceKeyThumbprint: u.DeviceKeyThumbprint,
		Status:              u.Status,
		SourceType:          u.SourceType,
		CreatedTime:         u.CreatedTime,
		LastModifiedTime:    u.LastModifiedTime,
		IsDeleted:           u.IsDeleted,
		ETag:                u.ETag,
	}
}

func fromRequest(r *pfx.Request) pfxapi.PfxRecryptionRequest {
	return pfxapi.PfxRecryptionRequest{
		ODataType:           pfxapi.ODataTypePfxRecryptionRequest,
		ID:                  r.ID,
		TenantID:            r.TenantID,
		UserID:              r.UserID,
		DeviceID:            r.DeviceID,
		ProfileID:           r.ProfileID,
		Thumbprint:          r.Thumbprint,
		DeviceKeyThumbprint: r.DeviceKeyThumbprint,
		Status:              r.Status,
		SourceType:          r.SourceType,
		CreatedTime:         r.CreatedTime,
		LastModifiedTime:    r.LastModifiedTime,
		IsDeleted:           r.IsDeleted,
		ETag:                r.ETag,
	}
}

func toRequest(e *pfxapi.PfxRecryptionRequest) pfx.Request {
	return pfx.Request{
		ID:                  e.ID,
		TenantID:            e.TenantID,
		UserID:              e.UserID,
		DeviceID:            e.DeviceID,
		ProfileID:           e.ProfileID,
		Thumbprint:          e.Thumbprint,
		DeviceKeyThumbprint: e.DeviceKeyThumbprint,
		Status:              e.Status,
		SourceType:          e.SourceType,
		CreatedTime:         e.CreatedTime,
		LastModifiedTime:    e.LastModifiedTime,
		IsDeleted:           e.IsDeleted,
		ETag:                e.ETag,
	}
}

// createdRequest returns the request that a body describes, without a key.
func createdRequest(c *pfxapi.PfxRecryptionRequestCreate) pfx.Request {
	return pfx.Request{
		TenantID:            c.TenantID,
		UserID:              c.UserID,
		DeviceID:            c.DeviceID,
		ProfileID:           c.ProfileID,
		Thumbprint:          c.Thumbprint,
		DeviceKeyThumbprint: c.DeviceKeyThumbprint,
		Status:              c.Status,
		SourceType:          c.SourceType,
		CreatedTime:         c.CreatedTime,
		LastModifiedTime:    c.LastModifiedTime,
		IsDeleted:           c.IsDeleted,
		ETag:                c.ETag,
	}
}

// members fill in the members of a selection, by their names.
var members = map[string]func(*pfxapi.PfxRecryptionRequestSelection, *pfx.Request){
	"id":         func(s *pfxapi.PfxRecryptionRequestSelection, r *pfx.Request) { s.ID = edm.Value(r.ID) },
	"tenantId":   func(s *pfxapi.PfxRecryptionRequestSelection, r *pfx.Request) { s.TenantID = edm.Value(r.TenantID) },
	"userId":     func(s *pfxapi.PfxRecryptionRequestSelection, r *pfx.Request) { s.UserID = edm.Value(r.UserID) },
	"deviceId":   func(s *pfxapi.PfxRecryptionRequestSelection, r *pfx.Request) { s.DeviceID = edm.Value(r.DeviceID) },
	"profileId":  func(s *pfxapi.PfxRecryptionRequestSelection, r *pfx.Request) { s.ProfileID = edm.Value(r.ProfileID) },
	"thumbprint": func(s *pfxapi.PfxRecryptionRequestSelection, r *pfx.Request) { s.Thumbprint = r.Thumbprint },
	"deviceKeyThumbprint": func(s *pfxapi.PfxRecryptionRequestSelection, r *pfx.Request) {
		s.DeviceKeyThumbprint = r.DeviceKeyThumbprint
	},
	"status":     func(s *pfxapi.PfxRecryptionRequestSelection, r *pfx.Request) { s.Status = edm.Value(r.Status) },
	"sourceType": func(s *pfxapi.PfxRecryptionRequestSelection, r *pfx.Request) { s.SourceType = edm.Value(r.SourceType) },
	"createdTime": func(s *pfxapi.PfxRecryptionRequestSelection, r *pfx.Request) {
		s.CreatedTime = edm.Value(r.CreatedTime)
	},
	"lastModifiedTime": func(s *pfxapi.PfxRecryptionRequestSelection, r *pfx.Request) {
		s.LastModifiedTime = edm.Value(r.LastModifiedTime)
	},
	"isDeleted": func(s *pfxapi.PfxRecryptionRequestSelection, r *pfx.Request) { s.IsDeleted = edm.Value(r.IsDeleted) },
	"eTag":      func(s *pfxapi.PfxRecryptionRequestSelection, r *pfx.Request) { s.ETag = r.ETag },
}

// toSelection returns the members of a request that names has, or all of them for nil.
func toSelection(r *pfx.Request, names []string) *pfxapi.PfxRecryptionRequestSelection {
	s := pfxapi.PfxRecryptionRequestSelection{ODataType: pfxapi.ODataTypePfxRecryptionRequest}
	if names == nil {
		for _, fill := range members {
			fill(&s, r)
		}
	}
	for _, name := range names {
		members[name](&s, r)
	}
	return &s
}
