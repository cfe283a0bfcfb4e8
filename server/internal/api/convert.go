package api

import (
	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// toPatch, fromRequest and toRequest are where the wire's types meet the domain's.
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
