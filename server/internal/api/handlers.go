package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxserver"
	"github.com/pfxrecryption/pfxrecryption/server/internal/batch"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// handlers fills in the generated interface. A handler translates and delegates; the rules are in pfx.
type handlers struct {
	service *pfx.Service
	server  batch.Handler // of the requests of a batch
}

var _ pfxserver.StrictServerInterface = (*handlers)(nil)

func (h *handlers) ListPfxRecryptionRequests(ctx context.Context, r pfxserver.ListPfxRecryptionRequestsRequestObject) (pfxserver.ListPfxRecryptionRequestsResponseObject, error) {
	q, err := toQuery(&r.Params)
	if err != nil {
		return nil, err
	}
	page, err := h.service.List(ctx, tenantOf(ctx), q, r.Params.Count != nil && *r.Params.Count)
	if err != nil {
		return nil, err
	}
	x := callOf(ctx)
	return response{call: x, status: http.StatusOK, body: toCollection(page, &r.Params, x.origin())}, nil
}

func (h *handlers) CreatePfxRecryptionRequest(ctx context.Context, r pfxserver.CreatePfxRecryptionRequestRequestObject) (pfxserver.CreatePfxRecryptionRequestResponseObject, error) {
	got, err := h.service.Create(changing(ctx), tenantOf(ctx), pfx.Entity(*r.Body))
	if err != nil {
		return nil, err
	}
	wants := prefer(r.Params.Prefer)
	wants.createIfMissing = false // there is nothing here that could be missing
	return stored(callOf(ctx), got, true, wants), nil
}

func (h *handlers) GetPfxRecryptionRequest(ctx context.Context, r pfxserver.GetPfxRecryptionRequestRequestObject) (pfxserver.GetPfxRecryptionRequestResponseObject, error) {
	got, err := h.service.Get(ctx, tenantOf(ctx), r.PfxRecryptionRequestsID)
	if err != nil {
		return nil, err
	}
	a := response{call: callOf(ctx), status: http.StatusOK, version: got.Version}
	if condition(r.Params.IfNoneMatch).Names(got.Version) {
		a.status = http.StatusNotModified
	} else {
		a.body = toSelection(got, selected(r.Params.Select))
	}
	return a, nil
}

func (h *handlers) UpdatePfxRecryptionRequest(ctx context.Context, r pfxserver.UpdatePfxRecryptionRequestRequestObject) (pfxserver.UpdatePfxRecryptionRequestResponseObject, error) {
	wants := prefer(r.Params.Prefer)
	wants.createIfMissing = wants.createIfMissing && r.Params.IfMatch == nil // OData 4.01 §11.4.4
	if r.Params.IfNoneMatch != nil && !wants.createIfMissing {
		return nil, graph.BadParameter("If-None-Match", "has no meaning for an update without 'Prefer: create-if-missing', or with 'If-Match'")
	}
	change := h.patch
	if wants.createIfMissing {
		change = h.upsert
	}
	got, created, err := change(ctx, &r)
	if err != nil {
		return nil, err
	}
	return stored(callOf(ctx), got, created, wants), nil
}

func (h *handlers) patch(ctx context.Context, r *pfxserver.UpdatePfxRecryptionRequestRequestObject) (*pfx.Request, bool, error) {
	got, err := h.service.Patch(changing(ctx), tenantOf(ctx), r.PfxRecryptionRequestsID, condition(r.Params.IfMatch), (*pfx.Patch)(r.JSONBody))
	return got, false, err
}

func (h *handlers) upsert(ctx context.Context, r *pfxserver.UpdatePfxRecryptionRequestRequestObject) (*pfx.Request, bool, error) {
	return h.service.Upsert(changing(ctx), tenantOf(ctx), r.PfxRecryptionRequestsID, r.Params.IfNoneMatch != nil, (*pfx.Patch)(r.JSONBody))
}

func (h *handlers) DeletePfxRecryptionRequest(ctx context.Context, r pfxserver.DeletePfxRecryptionRequestRequestObject) (pfxserver.DeletePfxRecryptionRequestResponseObject, error) {
	err := h.service.Delete(changing(ctx), tenantOf(ctx), r.PfxRecryptionRequestsID, condition(r.Params.IfMatch))
	if err != nil {
		return nil, err
	}
	return response{call: callOf(ctx), status: http.StatusNoContent}, nil
}

func (h *handlers) SendBatch(ctx context.Context, r pfxserver.SendBatchRequestObject) (pfxserver.SendBatchResponseObject, error) {
	if batch.IsPart(ctx) {
		return nil, batch.Nested
	}
	plan, err := batch.New(r.Body.Requests)
	if err != nil {
		return nil, err
	}
	x := callOf(ctx)
	return response{call: x, status: http.StatusOK, body: json.RawMessage(plan.Append(ctx, nil, x.Request, h.server))}, nil
}
