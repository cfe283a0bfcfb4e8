package api

import (
	"fmt"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// binder is where the bytes of a body become a value: validated and decoded in one pass, so that no handler sees what
// the contract does not allow. The generated server defers to it entirely.
type binder struct{}

func (binder) Bind(into any, c echo.Context) error {
	x := exchangeOf(c.Request().Context())
	faults, ok := x.operation.DecodeBody(x.body, into)
	switch {
	case !ok:
		return fmt.Errorf("the contract of %s has no body of type %T", x.operation.ID, into)
	case faults != nil:
		return bodyProblem(faults)
	}
	return nil
}

// DecodeEntity reads one entity as the contract describes it.
func DecodeEntity(data []byte) (pfx.Request, error) {
	var entity pfxapi.PfxRecryptionRequest
	if faults := pfxvalid.DecodePfxRecryptionRequest(data, &entity); faults != nil {
		return pfx.Request{}, bodyProblem(faults)
	}
	return toRequest(&entity), nil
}

// joinLists makes one line of a header field that was sent in several (RFC 9110 §5.3), as the generated server wants
// it. A condition that was sent twice stays as it is and is refused.
func joinLists(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Request().Header
		for _, name := range []string{"Prefer", "Client-Request-Id"} {
			if lines := h[name]; len(lines) > 1 {
				h[name] = []string{strings.Join(lines, ", ")}
			}
		}
		return next(c)
	}
}
