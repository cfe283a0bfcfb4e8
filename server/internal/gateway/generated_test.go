package gateway_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pfxrecryption/pfxrecryption/openapi/validategen/testdata/probe/probevalid"
	"github.com/pfxrecryption/pfxrecryption/openapi/validategen/testdata/shop/shopvalid"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
)

// TestGenerated checks what the gateway sees of operations that are generated code.
func TestGenerated(t *testing.T) {
	t.Parallel()
	var got []string
	report := func(in, pointer, name, keyword, typ, _, _ string) {
		got = append(got, strings.Join([]string{in, pointer, name, keyword, typ}, " "))
	}
	check := func(what string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
		got = nil
	}
	op := gateway.Generated(probevalid.Operations)[0]
	if id, method, path := op.Route(); id != "postProbe" || method != "POST" || path != "/probes/{probe-id}/{slot}/{scale}/{on}" {
		t.Errorf("Route: %s %s %s", id, method, path)
	}
	for name, want := range map[string]string{"top": "top", "Top": "", "$count": "$count", "COUNT": "$count", "counts": "", "": ""} {
		if got := op.QueryOption(name); got != want {
			t.Errorf("QueryOption(%q) = %q, want %q", name, got, want)
		}
	}
	if want := []string{"X-Rate", "X-Trace", "Prefer"}; !slices.Equal(op.Headers(), want) {
		t.Errorf("Headers: %v, want %v", op.Headers(), want)
	}
	if op.TokenRequired() {
		t.Error("TokenRequired, although one alternative asks for nothing")
	}
	op.CheckParameters([]string{"a", "b", "c", "true"}, "no=1", nil, report)
	check("parameters", "query  no additionalProperties ", "path  slot type integer", "path  probe-id format string", "path  scale type number",
		"query  top required integer", "header  X-Rate required number")
	op.CheckRequestBody("application/json", []byte(" "), report)
	check("an empty body", "   empty ")
	op.CheckRequestBody("application/json", []byte("[1,]"), report)
	check("a malformed body", "   malformed ")
	op.CheckRequestBody("text/plain", []byte("["), report)
	check("a body of another media type")

	create := gateway.Generated(shopvalid.Operations)[0]
	if types, ok := create.Response(201); !ok || len(types) != 1 || types[0] != "application/json" {
		t.Errorf("Response(201): %v, %t", types, ok)
	}
	if types, ok := create.Response(200); ok {
		t.Errorf("Response(200): %v", types)
	}
	create.CheckResponseBody(201, "application/json", []byte("7"), report)
	check("a response", "   type object")
	create.CheckResponseBody(200, "application/json", []byte("7"), report)
	check("a response of another status")
}
