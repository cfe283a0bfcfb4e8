package pfxvalid_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/openapi"
	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// describe returns faults on one line: "malformed" and the offset, or keyword, pointer and expected value of each.
func describe(f *validate.Faults) string {
	switch {
	case f == nil:
		return ""
	case f.Malformed && f.Empty:
		return "empty"
	case f.Malformed:
		return fmt.Sprint("malformed at ", f.Offset)
	}
	var all []string
	for _, fault := range f.List {
		e := fault.Expected
		all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s", fault.Keyword, fault.In+fault.Pointer, e.Type, e.Format, e.Value)))
	}
	return strings.Join(all, "; ")
}

// TestUpdate covers the contract's rules for the body of a PATCH.
func TestUpdate(t *testing.T) {
	t.Parallel()
	const (
		guid = "6de0af45-af45-6de0-45af-e06d45afe06d"
		time = "2017-01-01T00:03:18.9597073-08:00"
	)
	nested := func(n int) string { return strings.Repeat("[", n) + "1" + strings.Repeat("]", n) }
	tests := []struct{ name, body, faults string }{
		{"nothing to change", `{}`, ""},
		{"one member", `{"status":6}`, ""},
		{"any order", `{"eTag":"e","status":6,"tenantId":"` + guid + `"}`, ""},
		{"null where nullable", `{"thumbprint":null,"deviceKeyThumbprint":null,"eTag":null}`, ""},
		{"null where not nullable", `{"tenantId":null,"status":null,"createdTime":null,"isDeleted":null}`,
			"type /tenantId string uuid; type /status integer edm-int32; type /createdTime string edm-datetimeoffset; type /isDeleted boolean"},
		{"null as body", `null`, "type  object"},
		{"array as body", `[]`, "type  object"},
		{"type annotation", `{"@odata.type":"#microsoft.graph.pfxRecryptionRequest"}`, ""},
		{"another type annotation", `{"@odata.type":"#microsoft.graph.user"}`, `enum /@odata.type string  ["#microsoft.graph.pfxRecryptionRequest"]`},
		{"annotations", `{"@odata.context":{"a":[null,{}]},"status@odata.type":"#Int32","x@y":1e999}`, ""},
		{"annotation with an escape in its name", `{"\u0040x":1}`, ""},
		{"annotation of depth 8", `{"@x":` + nested(8) + `}`, ""},
		{"annotation of depth 9", `{"@x":` + nested(9) + `}`, "malformed at 14"},
		{"malformed annotation", `{"@x":{"a":1,"a":2}}`, "malformed at 17"},
		{"duplicate annotation", `{"@x":1,"@x":1}`, "malformed at 13"},
		{"key in the body", `{"id":"sample"}`, ""},
		{"null key", `{"id":null}`, "type /id string"},
		{"unknown member", `{"stat~us/":1,"status":1}`, "additionalProperties /stat~0us~1 object"},
		{"unknown member with any value", `{"x":{"y":[1]},"status":"6"}`, "additionalProperties /x object; type /status integer edm-int32"},
		{"names in another case", `{"TenantId":"` + guid + `","STATUS":1}`, "additionalProperties /TenantId object; additionalProperties /STATUS object"},
		{"empty name", `{"":1}`, "additionalProperties / object"},
		{"duplicate member", `{"status":1,"status":1}`, "malformed at 21"},
		{"duplicate member after unescaping", `{"status":1,"\u0073tatus":1}`, "malformed at 26"},
		{"duplicate unknown member", `{"x":1,"x":1}`, "malformed at 11"},
		{"nesting in a flat member", `{"status":{"a":1},"eTag":["x"]}`, "type /status integer edm-int32; type /eTag string"},
		{"trailing data", `{} {}`, "malformed at 3"},
		{"trailing white space", "{} \r\n\t", ""},
		{"byte order mark", "\xef\xbb\xbf{}", "malformed at 0"},
		{"invalid UTF-8", "{\"eTag\":\"\xff\"}", "malformed at 9"},
		{"invalid UTF-8 in an annotation", "{\"@a\xc0\xaf\":1}", "malformed at 4"},
		{"lone surrogate", `{"eTag":"\ud800"}`, "malformed at 9"},
		{"surrogate pair", `{"eTag":"\ud83d\ude00"}`, ""},
		{"NaN", `{"status":NaN}`, "malformed at 10"},
		{"comment", `{/* */}`, "malformed at 1"},
		{"empty", "", "empty"},
		{"white space", " \r\n", "empty"},
		{"invalid syntax after a fault", `{"status":"6","x":1,`, "malformed at 20"},
		{"guid in capitals", `{"userId":"` + strings.ToUpper(guid) + `"}`, ""},
		{"guid without a version", `{"userId":"ffffffff-ffff-ffff-ffff-ffffffffffff"}`, ""},
		{"guid with escapes", `{"userId":"\u0036de0af45-af45-6de0-45af-e06d45afe06d"}`, ""},
		{"guid in braces", `{"userId":"{` + guid + `}"}`, "format /userId string uuid"},
		{"guid without hyphens", `{"deviceId":"6de0af45af456de045afe06d45afe06d"}`, "format /deviceId string uuid"},
		{"guid as number", `{"profileId":6}`, "type /profileId string uuid"},
		{"string of 1024 bytes", `{"thumbprint":"` + strings.Repeat("é", 512) + `"}`, ""},
		{"string of 1026 bytes", `{"thumbprint":"` + strings.Repeat("é", 513) + `"}`, "x-maxBytes /thumbprint string  1024"},
		{"string of 1025 characters", `{"thumbprint":"` + strings.Repeat("x", 1025) + `"}`, "maxLength /thumbprint string  1024; x-maxBytes /thumbprint string  1024"},
		{"string of escapes", `{"thumbprint":"` + strings.Repeat(`\u00e9`, 512) + `"}`, ""},
		{"string with U+0000", `{"thumbprint":"\u0000"}`, `pattern /thumbprint string  "^[^\\x00]*$"`},
		{"empty string", `{"thumbprint":""}`, ""},
		{"least and greatest integers", `{"status":-2147483648,"sourceType":2147483647}`, ""},
		{"minus zero", `{"status":-0}`, ""},
		{"integers out of range", `{"status":-2147483649,"sourceType":2147483648}`, "format /status integer edm-int32; format /sourceType integer edm-int32"},
		{"fraction and exponent", `{"status":7.0,"sourceType":7e0}`, "format /status integer edm-int32; format /sourceType integer edm-int32"},
		{"integer as string", `{"status":"7"}`, "type /status integer edm-int32"},
		{"huge integer", `{"status":` + strings.Repeat("9", 400) + `}`, "format /status integer edm-int32"},
		{"leading zero", `{"status":07}`, "malformed at 10"},
		{"leading plus", `{"status":+7}`, "malformed at 10"},
		{"boolean as string", `{"isDeleted":"true"}`, "type /isDeleted boolean"},
		{"boolean as number", `{"isDeleted":1}`, "type /isDeleted boolean"},
		{"time", `{"createdTime":"` + time + `"}`, ""},
		{"time without seconds", `{"createdTime":"2017-01-01T00:03Z"}`, ""},
		{"time in lower case", `{"createdTime":"2017-01-01t00:03:18z"}`, ""},
		{"leap day", `{"createdTime":"2024-02-29T00:03Z","lastModifiedTime":"2023-02-29T00:03Z"}`, "format /lastModifiedTime string edm-datetimeoffset"},
		{"leap second", `{"createdTime":"2016-12-31T23:59:60Z"}`, "format /createdTime string edm-datetimeoffset"},
		{"offset of 14:01", `{"createdTime":"2017-01-01T00:03-14:00","lastModifiedTime":"2017-01-01T00:03-14:01"}`, "format /lastModifiedTime string edm-datetimeoffset"},
		{"thirteen fraction digits", `{"createdTime":"2017-01-01T00:03:18.1234567890123Z"}`, "format /createdTime string edm-datetimeoffset"},
		{"decimal comma", `{"createdTime":"2017-01-01T00:03:18,95Z"}`, "format /createdTime string edm-datetimeoffset"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var v pfxapi.PfxRecryptionRequestUpdate
			if got := describe(pfxvalid.DecodePfxRecryptionRequestUpdate([]byte(tt.body), &v)); got != tt.faults {
				t.Errorf("%.200s\ngot  %s\nwant %s", tt.body, got, tt.faults)
			}
		})
	}
}

func TestUpdateDecodesThePage(t *testing.T) {
	t.Parallel()
	want := pfxapi.PfxRecryptionRequestUpdate{
		ODataType:           pfxapi.ODataTypePfxRecryptionRequest,
		TenantID:            guid(t, "f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9"),
		UserID:              guid(t, "a991071c-071c-a991-1c07-91a91c0791a9"),
		DeviceID:            guid(t, "6de0af45-af45-6de0-45af-e06d45afe06d"),
		ProfileID:           guid(t, "6389d896-d896-6389-96d8-896396d88963"),
		Thumbprint:          edm.Value("Thumbprint value"),
		DeviceKeyThumbprint: edm.Value("Device Key Thumbprint value"),
		Status:              edm.Value(int32(6)),
		SourceType:          edm.Value(int32(10)),
		CreatedTime:         instant(t, "2017-01-01T00:03:18.9597073-08:00"),
		LastModifiedTime:    instant(t, "2017-01-01T00:03:18.5958204-08:00"),
		IsDeleted:           edm.Value(true),
		ETag:                edm.Value("ETag value"),
	}
	got := pfxapi.PfxRecryptionRequestUpdate{ID: edm.Value("of an earlier body")}
	data := append([]byte(nil), openapi.UpdateRequestExample...)
	if f := pfxvalid.DecodePfxRecryptionRequestUpdate(data, &got); f != nil {
		t.Fatalf("got faults %s", describe(f))
	}
	clear(data) // decoded values do not refer to the caller's buffer
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestUpdateTellsAbsentFromNull(t *testing.T) {
	t.Parallel()
	var v pfxapi.PfxRecryptionRequestUpdate
	if f := pfxvalid.DecodePfxRecryptionRequestUpdate([]byte(`{"thumbprint":null,"eTag":"\u0041"}`), &v); f != nil {
		t.Fatalf("got faults %s", describe(f))
	}
	want := pfxapi.PfxRecryptionRequestUpdate{Thumbprint: edm.Null[string](), ETag: edm.Value("A")}
	if v != want {
		t.Errorf("got %+v, want %+v", v, want)
	}
}

func guid(t *testing.T, text string) edm.Optional[edm.Guid] {
	t.Helper()
	g, err := edm.ParseGuid(text)
	if err != nil {
		t.Fatal(err)
	}
	return edm.Value(g)
}

func instant(t *testing.T, text string) edm.Optional[edm.DateTimeOffset] {
	t.Helper()
	d, err := edm.ParseDateTimeOffset(text)
	if err != nil {
		t.Fatal(err)
	}
	return edm.Value(d)
}

// TestFaultsAreBounded sends more faults than the limit, and enough names for a hash table.
func TestFaultsAreBounded(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(`{"status":"x"`)
	for i := range 5000 {
		fmt.Fprintf(&b, `,"m%d":1`, i)
	}
	b.WriteString("}")
	var v pfxapi.PfxRecryptionRequestUpdate
	f := pfxvalid.DecodePfxRecryptionRequestUpdate([]byte(b.String()), &v)
	if f == nil || len(f.List) != 32 || f.List[0].Pointer != "/status" || f.List[31].Pointer != "/m30" || f.List[31].Name != "m30" {
		t.Errorf("got %s, want the first 32 faults", describe(f))
	}
}

func TestEntity(t *testing.T) {
	t.Parallel()
	page := string(openapi.UpdateResponseExample)
	tests := []struct{ name, body, faults string }{
		{"the page's", page, ""},
		{"unknown members", strings.Replace(page, "{", `{"@odata.context":"x","more":[{}],`, 1), ""},
		{"without key", strings.Replace(page, `"id"`, `"ID"`, 1), "required /id string"},
		{"key with a leading dot", strings.Replace(page, `"sample"`, `".sample"`, 1), `pattern /id string  "^[A-Za-z0-9_~-][A-Za-z0-9._~-]*$"`},
		{"long key", strings.Replace(page, `"sample"`, `"`+strings.Repeat("k", 129)+`"`, 1), "maxLength /id string  128"},
		{"empty key", strings.Replace(page, `"sample"`, `""`, 1), `minLength /id string  1; pattern /id string  "^[A-Za-z0-9_~-][A-Za-z0-9._~-]*$"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var v pfxapi.PfxRecryptionRequest
			if got := describe(pfxvalid.DecodePfxRecryptionRequest([]byte(tt.body), &v)); got != tt.faults {
				t.Errorf("got  %s\nwant %s", got, tt.faults)
			}
		})
	}
}

func TestError(t *testing.T) {
	t.Parallel()
	const good = `{"error":{"code":"BadRequest","message":"a <b>","details":[{"code":"c","message":"m","target":"/x"}],` +
		`"innerError":{"date":"2026-01-02T03:04:05","request-id":"6de0af45-af45-6de0-45af-e06d45afe06d","client-request-id":"6de0af45-af45-6de0-45af-e06d45afe06d"}}}`
	var v pfxapi.Error
	if f := pfxvalid.DecodeError([]byte(good), &v); f != nil {
		t.Fatalf("got faults %s", describe(f))
	}
	if diff := cmp.Diff(good, string(pfxvalid.AppendError(nil, &v))); diff != "" {
		t.Errorf("encoded again (-want +got):\n%s", diff)
	}
	bad := strings.NewReplacer(`"target":"/x"`, `"target":7`, "T03:04:05", "T03:04:05Z", `"BadRequest"`, `""`).Replace(good)
	const want = `minLength /error/code string  1; type /error/details/0/target string; ` +
		`pattern /error/innerError/date string  "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$"`
	if got := describe(pfxvalid.DecodeError([]byte(bad), &v)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAppendKeepsThePagesOrder(t *testing.T) {
	t.Parallel()
	var v pfxapi.PfxRecryptionRequest
	if f := pfxvalid.DecodePfxRecryptionRequest(openapi.UpdateResponseExample, &v); f != nil {
		t.Fatalf("got faults %s", describe(f))
	}
	compact := strings.NewReplacer("\r\n", "", "\n", "", "  ", "", `": `, `":`).Replace(string(openapi.UpdateResponseExample))
	if diff := cmp.Diff(compact, string(pfxvalid.AppendPfxRecryptionRequest(nil, &v))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
