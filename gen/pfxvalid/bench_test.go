package pfxvalid_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/openapi"
)

// bodies are the three kinds of bodies for the benchmarks.
var bodies = map[string][]byte{
	"full":    openapi.UpdateRequestExample,
	"small":   []byte(`{"status":7,"isDeleted":false}`),
	"invalid": bytes.Replace(openapi.UpdateRequestExample, []byte(`"status": 6`), []byte(`"status": "6"`), 1),
}

func eachBody(b *testing.B, f func(b *testing.B, body []byte)) {
	for _, name := range []string{"full", "small", "invalid"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			f(b, bodies[name])
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	eachBody(b, func(b *testing.B, body []byte) {
		var v pfxapi.PfxRecryptionRequestUpdate
		for b.Loop() {
			pfxvalid.DecodePfxRecryptionRequestUpdate(body, &v)
		}
	})
}

// BenchmarkStdlib decodes into the same type with encoding/json, without validation.
func BenchmarkStdlib(b *testing.B) {
	eachBody(b, func(b *testing.B, body []byte) {
		for b.Loop() {
			var v pfxapi.PfxRecryptionRequestUpdate
			_ = json.Unmarshal(body, &v)
		}
	})
}

// BenchmarkKin is kin-openapi's ValidateRequest. It validates maps, so a server would have to decode again.
func BenchmarkKin(b *testing.B) {
	doc := contract(b)
	path := doc.Paths.Value("/pfxRecryptionRequests/{pfxRecryptionRequestsId}")
	route := &routers.Route{Spec: doc, Path: "/pfxRecryptionRequests/{pfxRecryptionRequestsId}", PathItem: path, Method: http.MethodPatch, Operation: path.Patch}
	options := &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, SkipSettingDefaults: true}
	eachBody(b, func(b *testing.B, body []byte) {
		r := httptest.NewRequest(http.MethodPatch, "/pfxRecryptionRequests/sample", nil)
		r.Header.Set("Content-Type", "application/json")
		input := &openapi3filter.RequestValidationInput{
			Request: r, Route: route, PathParams: map[string]string{"pfxRecryptionRequestsId": "sample"}, Options: options,
		}
		for b.Loop() {
			r.Body = http.NoBody
			r.Body = readCloser{bytes.NewReader(body)}
			_ = openapi3filter.ValidateRequest(b.Context(), input)
		}
	})
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

func BenchmarkAppend(b *testing.B) {
	var v pfxapi.PfxRecryptionRequest
	if f := pfxvalid.DecodePfxRecryptionRequest(openapi.UpdateResponseExample, &v); f != nil {
		b.Fatalf("the example response has faults: %+v", f)
	}
	buf := make([]byte, 0, 1024)
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			buf = pfxvalid.AppendPfxRecryptionRequest(buf[:0], &v)
		}
	})
	b.Run("stdlib", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = json.Marshal(&v)
		}
	})
}

func BenchmarkParams(b *testing.B) {
	header := http.Header{
		"Client-Request-Id": {"f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9"}, "If-Match": {`W/"8f2c01d6a94be370"`}, "Prefer": {"return=minimal"},
	}
	var path pfxvalid.UpdatePfxRecryptionRequestPath
	var into pfxapi.UpdatePfxRecryptionRequestParams
	b.ReportAllocs()
	for b.Loop() {
		if f := pfxvalid.DecodeUpdatePfxRecryptionRequestParams("6de0af45-af45-6de0-45af-e06d45afe06d", "", header, &path, &into); f != nil {
			b.Fatalf("faults: %+v", f)
		}
	}
}

// contract returns the document as read by kin-openapi.
func contract(tb testing.TB) *openapi3.T {
	tb.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(openapi.Document)
	if err != nil {
		tb.Fatal(err)
	}
	return doc
}
