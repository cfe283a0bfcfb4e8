package main

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/pfxrecryption/pfxrecryption/scripts/bench/naive/api"
)

type handlers struct{ store *store }

var _ api.ServerInterface = (*handlers)(nil)

// UpdatePfxRecryptionRequest updates an object.
func (h *handlers) UpdatePfxRecryptionRequest(c echo.Context, id api.PfxRecryptionRequestsId, _ api.UpdatePfxRecryptionRequestParams) error {
	var patch api.UpdatePfxRecryptionRequestJSONRequestBody
	if err := c.Bind(&patch); err != nil {
		return err
	}
	got, version, err := h.store.update(id, func(r *api.PfxRecryptionRequest) { apply(&patch, r) })
	if errors.Is(err, errNotFound) {
		return echo.NewHTTPError(http.StatusNotFound)
	}
	if err != nil {
		return err
	}
	c.Response().Header().Set("ETag", fmt.Sprintf(`"%x"`, version))
	return c.JSON(http.StatusOK, got)
}

func apply(patch *api.PfxRecryptionRequestUpdate, r *api.PfxRecryptionRequest) {
	merge(&r.UserId, patch.UserId)
	merge(&r.DeviceId, patch.DeviceId)
	merge(&r.ProfileId, patch.ProfileId)
	merge(&r.Status, patch.Status)
	merge(&r.SourceType, patch.SourceType)
	merge(&r.CreatedTime, patch.CreatedTime)
	merge(&r.LastModifiedTime, patch.LastModifiedTime)
	merge(&r.IsDeleted, patch.IsDeleted)
	for to, from := range map[**string]*string{&r.Thumbprint: patch.Thumbprint, &r.DeviceKeyThumbprint: patch.DeviceKeyThumbprint, &r.ETag: patch.ETag} {
		if from != nil {
			*to = from
		}
	}
}

func merge[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}
