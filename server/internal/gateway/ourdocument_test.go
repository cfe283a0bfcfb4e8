package gateway_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi"
	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
)

// TestOurDocument: our extensions and formats have the same meaning in our document and in the built-in contract:
// status and faults are equal.
func TestOurDocument(t *testing.T) {
	t.Parallel()
	document, _, err := gateway.Read(t.Context(), openapi.Document, spec.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const key, list = "PATCH /beta/pfxRecryptionRequests/k", "GET /beta/pfxRecryptionRequests"
	for name, tt := range map[string]struct {
		request, body string
		want          int
	}{
		"bytes at the bound":           {key, `{"thumbprint":"` + strings.Repeat("ä", 512) + `"}`, 204},
		"bytes above the bound":        {key, `{"thumbprint":"` + strings.Repeat("ä", 513) + `"}`, 400},
		"an integer of 32 bits":        {key, `{"status":2147483647}`, 204},
		"an integer above 32 bits":     {key, `{"status":2147483648}`, 400},
		"an integer with a fraction":   {key, `{"status":1.5}`, 400},
		"an integer with an exponent":  {key, `{"status":1e0}`, 400},
		"a date and time":              {key, `{"lastModifiedTime":"2026-01-02T03:04:05Z"}`, 204},
		"a date that does not exist":   {key, `{"lastModifiedTime":"2026-02-30T03:04:05Z"}`, 400},
		"a leap second":                {key, `{"lastModifiedTime":"2026-06-30T23:59:60Z"}`, 400},
		"a date without a zone":        {key, `{"lastModifiedTime":"2026-01-02T03:04:05"}`, 400},
		"a GUID":                       {key, `{"userId":"f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9"}`, 204},
		"a GUID in braces":             {key, `{"userId":"{f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9}"}`, 400},
		"a control member of OData":    {key, `{"@odata.type":"#microsoft.graph.pfxRecryptionRequest"}`, 204},
		"a member's control member":    {key, `{"status@odata.type":"Int32"}`, 204},
		"a control member nested deep": {key, `{"@odata.x":` + strings.Repeat("[", 20) + strings.Repeat("]", 20) + `}`, 400},
		"an unknown member":            {key, `{"unknown":1}`, 400},
		"a system option":              {list + "?$top=1", "", 204},
		"a system option without $":    {list + "?top=1", "", 204},
		"a system option in capitals":  {list + "?$TOP=1", "", 204},
		"a duplicate system option":    {list + "?$top=1&top=1", "", 400},
		"an invalid system option":     {list + "?$top=0x", "", 400},
		"an unknown option":            {list + "?$nope=1", "", 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			built, builtFaults := judgedBy(t, gateway.Builtin(), tt.request, tt.body)
			read, readFaults := judgedBy(t, document, tt.request, tt.body)
			if built != read || builtFaults != readFaults {
				t.Errorf("the built-in contract: %d %s\nthe document:          %d %s", built, builtFaults, read, readFaults)
			}
			if built != tt.want {
				t.Errorf("got %d %s, want %d", built, builtFaults, tt.want)
			}
		})
	}
}

// judgedBy returns the status and the faults of a request by a contract.
func judgedBy(t *testing.T, c *gateway.Contract, request, body string) (int, string) {
	t.Helper()
	var log bytes.Buffer
	gate, err := gateway.New(gateway.Config{Contract: c, Log: slog.New(slog.NewJSONHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	method, target, _ := strings.Cut(request, " ")
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	passed := 0
	gate.Serve(w, r, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { passed = http.StatusNoContent }))
	var faults []string
	for line := range strings.Lines(log.String()) {
		var v struct{ Direction, Violation, Keyword, In, Name, Pointer string }
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		if v.Direction == "requests" {
			faults = append(faults, fmt.Sprint(v))
		}
	}
	if passed != 0 {
		return passed, strings.Join(faults, ", ")
	}
	return w.Code, strings.Join(faults, ", ")
}
