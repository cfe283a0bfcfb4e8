package pfxvalid_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

func TestUpdateParameters(t *testing.T) {
	t.Parallel()
	type header = map[string][]string
	tests := []struct {
		name, key, query string
		header           header
		faults           string // keyword, place and name of each
	}{
		{"none", "sample", "", nil, ""},
		{"escaped key", "%73ample", "", nil, ""},
		{"key decoded once", "%2573ample", "", nil, "pattern path pfxRecryptionRequestsId"},
		{"malformed key", "a%2", "", nil, "encoding path pfxRecryptionRequestsId"},
		{"key with a slash", "a%2Fb", "", nil, "pattern path pfxRecryptionRequestsId"},
		{"key with a plus", "a+b", "", nil, "pattern path pfxRecryptionRequestsId"},
		{"key with a leading dot", ".a", "", nil, "pattern path pfxRecryptionRequestsId"},
		{"long key", strings.Repeat("k", 129), "", nil, "maxLength path pfxRecryptionRequestsId"},
		{"empty key", "", "", nil, "minLength path pfxRecryptionRequestsId; pattern path pfxRecryptionRequestsId"},
		{"query option", "sample", "$select=id&api%2Dversion=1", nil, "additionalProperties query $select; additionalProperties query api-version"},
		{"malformed query", "sample", "%zz=1", nil, "encoding query %zz"},
		{"empty query options", "sample", "&&", nil, ""},
		{"entity tags", "sample", "", header{"If-Match": {`W/"a" , "b",`}}, ""},
		{"any entity tag", "sample", "", header{"If-Match": {`*`}}, ""},
		{"malformed entity tags", "sample", "", header{"If-Match": {`a`}}, "pattern header If-Match"},
		{"duplicate If-Match", "sample", "", header{"If-Match": {`"a"`, `"b"`}}, "repeated header If-Match"},
		{"duplicate Prefer", "sample", "", header{"Prefer": {"return=minimal", "x"}}, ""},
		{"anything as client-request-id", "sample", "", header{"Client-Request-Id": {"not a GUID"}}, ""},
		{"other headers", "sample", "", header{"Accept": {"a", "b"}}, ""},
		{"all at once", ".a", "x=1", header{"If-Match": {"a"}}, "additionalProperties query x; pattern path pfxRecryptionRequestsId; pattern header If-Match"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var path pfxvalid.UpdatePfxRecryptionRequestPath
			var into pfxapi.UpdatePfxRecryptionRequestParams
			f := pfxvalid.DecodeUpdatePfxRecryptionRequestParams(tt.key, tt.query, tt.header, &path, &into)
			var all []string
			if f != nil {
				for _, fault := range f.List {
					all = append(all, strings.TrimSpace(fault.Keyword+" "+fault.In+" "+fault.Name))
				}
			}
			if got := strings.Join(all, "; "); got != tt.faults {
				t.Errorf("got %q, want %q", got, tt.faults)
			}
		})
	}
}

func TestUpdateParametersDecode(t *testing.T) {
	t.Parallel()
	var path pfxvalid.UpdatePfxRecryptionRequestPath
	var into pfxapi.UpdatePfxRecryptionRequestParams
	header := map[string][]string{"If-Match": {`"a"`}, "Prefer": {"return=minimal", "x"}, "Client-Request-Id": {"id"}}
	if f := pfxvalid.DecodeUpdatePfxRecryptionRequestParams("s%61mple", "", header, &path, &into); f != nil {
		t.Fatalf("got faults %+v", f)
	}
	if path.PfxRecryptionRequestsID != "sample" {
		t.Errorf("got key %q, want sample", path.PfxRecryptionRequestsID)
	}
	want := pfxapi.UpdatePfxRecryptionRequestParams{IfMatch: new(`"a"`), Prefer: new("return=minimal, x"), ClientRequestID: new("id")}
	if diff := cmp.Diff(want, into); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOperations(t *testing.T) {
	t.Parallel()
	scopes := []string{"DeviceManagementConfiguration.ReadWrite.All"}
	for _, op := range pfxvalid.Operations {
		if op.ID != "updatePfxRecryptionRequest" {
			continue
		}
		want := []validate.Alternative{{{Scheme: "delegated", Scopes: scopes, Type: "oauth2"}}, {{Scheme: "application", Scopes: scopes, Type: "oauth2"}}}
		if diff := cmp.Diff(want, op.Security); diff != "" {
			t.Errorf("security (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"application/json", "application/merge-patch+json"}, op.RequestTypes()); diff != "" || !op.BodyRequired {
			t.Errorf("request types (-want +got):\n%s", diff)
		}
		return
	}
	t.Error("no updatePfxRecryptionRequest")
}
