package api

import (
	"fmt"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

// parameterChecks checks the parameters of each operation of the contract.
var parameterChecks = map[string]func(c echo.Context) *pfxvalid.Faults{
	"updatePfxRecryptionRequest": func(c echo.Context) *pfxvalid.Faults {
		var path pfxvalid.UpdatePfxRecryptionRequestPath
		var params pfxapi.UpdatePfxRecryptionRequestParams
		r := c.Request()
		return pfxvalid.DecodeUpdatePfxRecryptionRequestParams(c.Param("pfxRecryptionRequestsId"), r.URL.RawQuery, r.Header, &path, &params)
	},
}

// checkParameters refuses parameters that the contract does not allow. The generated server then reads them by rules
// that are looser, but by which a value that passed here is read as it is.
func checkParameters(op *pfxvalid.Operation) echo.MiddlewareFunc {
	check := parameterChecks[op.ID]
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if faults := check(c); faults != nil {
				return parameterProblem(faults)
			}
			return next(c)
		}
	}
}

// decodeBody checks a body and decodes it in the same pass.
func decodeBody(body []byte, into any) error {
	var faults *pfxvalid.Faults
	switch v := into.(type) {
	case *pfxapi.PfxRecryptionRequestUpdate:
		faults = pfxvalid.DecodePfxRecryptionRequestUpdate(body, v)
	default:
		return fmt.Errorf("the contract has no body of type %T", into)
	}
	if faults != nil {
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
