package api

import (
	"fmt"

	"github.com/labstack/echo/v4"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// binder is where the bytes of a body become a value: validated and decoded in one pass, so that no handler sees what
// the contract does not allow. The generated server defers to it entirely.
type binder struct{}

func (binder) Bind(into any, c echo.Context) error {
	x := exchangeBehind(c)
	faults, ok := x.operation.DecodeBody(x.body.Bytes(), into)
	switch {
	case !ok:
		return fmt.Errorf("the contract of %s has no body of type %T", x.operation.ID, into)
	case faults != nil:
		return graph.OfBody(faults)
	}
	return nil
}

// DecodeEntity reads one entity as the contract describes it.
func DecodeEntity(data []byte) (pfx.Request, error) {
	var entity pfxapi.PfxRecryptionRequest
	if faults := pfxvalid.DecodePfxRecryptionRequest(data, &entity); faults != nil {
		return pfx.Request{}, graph.OfBody(faults)
	}
	return toRequest(&entity), nil
}
