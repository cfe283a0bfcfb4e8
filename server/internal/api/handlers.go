package api

import (
	"context"
	"net/http"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxserver"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// handlers fills in the generated interface. A handler translates and delegates; the rules are in pfx.
type handlers struct{ service *pfx.Service }

var _ pfxserver.StrictServerInterface = (*handlers)(nil)

func (h *handlers) UpdatePfxRecryptionRequest(ctx context.Context, r pfxserver.UpdatePfxRecryptionRequestRequestObject) (pfxserver.UpdatePfxRecryptionRequestResponseObject, error) {
	if r.Params.IfNoneMatch != nil {
		return nil, badParameter("If-None-Match", "has no meaning for an update")
	}
	got, err := h.service.Patch(ctx, tenantOf(ctx), r.PfxRecryptionRequestsID, ifMatch(r.Params.IfMatch), toPatch(r.JSONBody))
	if err != nil {
		return nil, err
	}
	return updated{exchangeOf(ctx), got, prefer(r.Params.Prefer)}, nil
}

// updated answers an update. It stands in for the generated answers, which encode by reflection.
type updated struct {
	exchange *exchange
	request  *pfx.Request
	prefer   preference
}

func (u updated) VisitUpdatePfxRecryptionRequestResponse(w http.ResponseWriter) error {
	h := w.Header()
	h["ETag"] = u.exchange.field(fieldETag, entityTag(u.request.Version))
	if u.prefer != preferNothing {
		h["Preference-Applied"] = []string{string(u.prefer)}
	}
	if u.prefer == preferMinimal {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return u.exchange.writeEntity(w, http.StatusOK, u.request)
}

func (x *exchange) writeEntity(w http.ResponseWriter, status int, r *pfx.Request) error {
	entity := fromRequest(r)
	return x.writeJSON(w, status, func(buf []byte) []byte { return pfxvalid.AppendPfxRecryptionRequest(buf, &entity) })
}
