package api

import (
	"encoding/json"
	"net/http"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// answer is what a handler answers with. It stands in for the generated answers, which encode by reflection.
type answer struct {
	exchange *exchange
	status   int
	version  pfx.Version // for the ETag; 0 is none
	location string      // of what was created
	applied  string      // the preferences that were honoured
	body     any         // a pointer to one of the contract's types, a text of JSON, or nil
}

// stored answers with a request that was created or updated, as the caller prefers.
func stored(x *exchange, r *pfx.Request, created bool, wants preferences) answer {
	x.key = r.ID // of one that was created
	a := answer{exchange: x, status: http.StatusOK, version: r.Version, applied: wants.applied(created)}
	if created {
		a.status, a.location = http.StatusCreated, x.origin()+collectionPath+"/"+r.ID
	}
	if wants.answer == preferMinimal {
		a.status = http.StatusNoContent
	} else {
		entity := fromRequest(r)
		a.body = &entity
	}
	return a
}

func (a answer) VisitListPfxRecryptionRequestsResponse(w http.ResponseWriter) error {
	return a.write(w)
}

func (a answer) VisitCreatePfxRecryptionRequestResponse(w http.ResponseWriter) error {
	return a.write(w)
}

func (a answer) VisitGetPfxRecryptionRequestResponse(w http.ResponseWriter) error { return a.write(w) }

func (a answer) VisitUpdatePfxRecryptionRequestResponse(w http.ResponseWriter) error {
	return a.write(w)
}

func (a answer) VisitDeletePfxRecryptionRequestResponse(w http.ResponseWriter) error {
	return a.write(w)
}

func (a answer) VisitSendBatchResponse(w http.ResponseWriter) error { return a.write(w) }

func (a answer) write(w http.ResponseWriter) error {
	h := w.Header()
	if a.version != 0 {
		h["ETag"] = a.exchange.field(fieldETag, entityTag(a.version))
	}
	if a.location != "" {
		h["Location"], h["OData-EntityId"] = []string{a.location}, []string{a.location}
	}
	if a.applied != "" {
		h["Preference-Applied"] = []string{a.applied}
	}
	if a.body == nil {
		w.WriteHeader(a.status)
		return nil
	}
	return a.exchange.writeJSON(w, a.status, func(buf []byte) []byte { return appendBody(buf, a.body) })
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
	panic("an answer of a type that no operation has")
}
