package api

import (
	"encoding/json"
	"net/http"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// response is what a handler returns. It replaces the generated response types, which encode by reflection.
type response struct {
	call     *call
	status   int
	version  pfx.Version // for the ETag; 0 is none
	location string      // of what was created
	applied  string      // the preferences that were honoured
	body     any         // a pointer to one of the contract's types, JSON text, or nil
}

// stored returns the response for an object that was created or updated, as the caller prefers.
func stored(x *call, r *pfx.Request, created bool, wants preferences) response {
	x.key = r.ID // of one that was created
	res := response{call: x, status: http.StatusOK, version: r.Version, applied: wants.applied(created)}
	if created {
		res.status, res.location = http.StatusCreated, x.origin()+collectionPath+"/"+r.ID
	}
	if wants.response == preferMinimal {
		res.status = http.StatusNoContent
	} else {
		entity := fromRequest(r)
		res.body = &entity
	}
	return res
}

func (r response) VisitListPfxRecryptionRequestsResponse(w http.ResponseWriter) error {
	return r.write(w)
}

func (r response) VisitCreatePfxRecryptionRequestResponse(w http.ResponseWriter) error {
	return r.write(w)
}

func (r response) VisitGetPfxRecryptionRequestResponse(w http.ResponseWriter) error {
	return r.write(w)
}

func (r response) VisitUpdatePfxRecryptionRequestResponse(w http.ResponseWriter) error {
	return r.write(w)
}

func (r response) VisitDeletePfxRecryptionRequestResponse(w http.ResponseWriter) error {
	return r.write(w)
}

func (r response) VisitSendBatchResponse(w http.ResponseWriter) error { return r.write(w) }

func (r response) write(w http.ResponseWriter) error {
	h := w.Header()
	if r.version != 0 {
		h["ETag"] = r.call.field(fieldETag, entityTag(r.version))
	}
	if r.location != "" {
		h["Location"], h["OData-EntityId"] = []string{r.location}, []string{r.location}
	}
	if r.applied != "" {
		h["Preference-Applied"] = []string{r.applied}
	}
	if r.body == nil {
		w.WriteHeader(r.status)
		return nil
	}
	return r.call.writeJSON(w, r.status, func(buf []byte) []byte { return appendBody(buf, r.body) })
}

func appendBody(buf []byte, body any) []byte {
	switch v := body.(type) {
	case json.RawMessage:
		return append(buf, v...)
	case *pfxapi.PfxRecryptionRequest:
		return pfxvalid.AppendPfxRecryptionRequest(buf, v)
	case *pfxapi.PfxRecryptionRequestSelection:
		return pfxvalid.AppendPfxRecryptionRequestSelection(buf, v)
	case *pfxapi.PfxRecryptionRequestCollection:
		return pfxvalid.AppendPfxRecryptionRequestCollection(buf, v)
	}
	panic("a response of a type that no operation has")
}
