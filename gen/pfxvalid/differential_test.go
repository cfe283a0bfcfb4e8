package pfxvalid_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/openapi"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// intended are the faults that kin-openapi does not find. The verdicts may differ only in these: whatever kin-openapi
// rejects must be rejected.
var intended = []struct {
	why   string
	fault func(f validate.Fault) bool
}{
	{"edm-int32 restricts the notation: for kin-openapi 7.0 and 7e0 are integers", func(f validate.Fault) bool {
		return f.Keyword == "format" && f.Expected.Format == "edm-int32"
	}},
	{"the pattern of a time allows 31 days in each month", func(f validate.Fault) bool {
		return f.Keyword == "format" && f.Expected.Format == "edm-datetimeoffset"
	}},
	{"x-maxBytes is not a keyword of JSON Schema", func(f validate.Fault) bool { return f.Keyword == "x-maxBytes" }},
}

// Two differences concern the bytes, which kin-openapi does not see: nesting is bounded (8 levels in an annotation, 64
// in all), and encoding/json matches names case-insensitively. tooDeep and foldsOnto find them.

const (
	annotationDepth = 8
	bodyDepth       = 64
)

var document = sync.OnceValues(func() (*openapi3.T, error) { return openapi3.NewLoader().LoadFromData(openapi.Document) })

// target is one schema with its generated functions.
type target struct {
	schema string
	fresh  func() any
	decode func(data []byte, v any) *validate.Faults
	encode func(v any) []byte
}

var targets = []target{
	{"pfxRecryptionRequestUpdate", func() any { return new(pfxapi.PfxRecryptionRequestUpdate) },
		func(data []byte, v any) *validate.Faults {
			return pfxvalid.DecodePfxRecryptionRequestUpdate(data, v.(*pfxapi.PfxRecryptionRequestUpdate))
		},
		func(v any) []byte {
			return pfxvalid.AppendPfxRecryptionRequestUpdate(nil, v.(*pfxapi.PfxRecryptionRequestUpdate))
		}},
	{"pfxRecryptionRequest", func() any { return new(pfxapi.PfxRecryptionRequest) },
		func(data []byte, v any) *validate.Faults {
			return pfxvalid.DecodePfxRecryptionRequest(data, v.(*pfxapi.PfxRecryptionRequest))
		},
		func(v any) []byte { return pfxvalid.AppendPfxRecryptionRequest(nil, v.(*pfxapi.PfxRecryptionRequest)) }},
	{"error", func() any { return new(pfxapi.Error) },
		func(data []byte, v any) *validate.Faults { return pfxvalid.DecodeError(data, v.(*pfxapi.Error)) },
		func(v any) []byte { return pfxvalid.AppendError(nil, v.(*pfxapi.Error)) }},
}

// FuzzDifferential compares the verdict with that of a strict scan and kin-openapi, and the decoded value with
// encoding/json's. It also decodes the encoded value again.
func FuzzDifferential(f *testing.F) {
	for _, s := range differentialSeeds {
		f.Add(s)
	}
	f.Add(string(openapi.UpdateRequestExample))
	f.Add(string(openapi.UpdateResponseExample))
	f.Fuzz(func(t *testing.T, data string) {
		for _, target := range targets {
			target.compare(t, []byte(data))
		}
	})
}

var differentialSeeds = []string{
	`{}`, `null`, ``, `{"status":7.0}`, `{"status":-0,"isDeleted":false}`, `{"status":2147483648}`, `{"thumbprint":null,"eTag":"\u0041é"}`,
	`{"thumbprint":"\u0000"}`, `{"@x":[[[[[[[[1]]]]]]]]}`, `{"@x":[[[[[[[[[1]]]]]]]]]}`, `{"x":1,"status":"7"}`, `{"status":1,"status":1}`,
	`{"createdTime":"2023-02-29T00:03Z"}`, `{"createdTime":"2024-02-29t00:03:01.5+14:00"}`, `{"tenantId":"6DE0AF45-af45-6de0-45af-e06d45afe06d"}`,
	`{"TenantId":1}`, `{"@odata.type":"#microsoft.graph.pfxRecryptionRequest","id":"x"}`, `{"eTag":1e999,"@y":1e999}`,
	`{"error":{"code":"c","message":"m","details":[{"code":"","message":"","target":""},{}],"innerError":{"date":"2026-01-02T03:04:05","request-id":"6de0af45-af45-6de0-45af-e06d45afe06d","client-request-id":"6de0af45-af45-6de0-45af-e06d45afe06d"}}}`,
	`{"error":{"code":"c","message":"m","innerError":{"date":"2026-01-02T03:04:05","request-id":"6de0af45-af45-6de0-45af-e06d45afe06d","client-request-id":"6de0af45-af45-6de0-45af-e06d45afe06d"}}}`,
	`{"error":{"code":"","message":"","details":{},"innerError":{"date":"x","request-id":"y"}}}`,
}

// FuzzDifferentialMembers does the same with bodies assembled from members: each byte of the script selects a name or a
// value.
func FuzzDifferentialMembers(f *testing.F) {
	f.Add([]byte("\x00\x01\x02\x03"))
	f.Add([]byte("abcdefghijklmnopqrstuvwxyz"))
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) < 200 {
			data := assemble(script)
			for _, target := range targets {
				target.compare(t, data)
			}
		}
	})
}

// TestDifferentialMembers runs a fixed number of scripts with a fixed seed.
func TestDifferentialMembers(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		script := make([]byte, random.IntN(30))
		for i := range script {
			script[i] = byte(random.Uint32())
		}
		data := assemble(script)
		for _, target := range targets {
			target.compare(t, data)
		}
	}
}

// assemble returns an object with the names and values that script selects.
func assemble(script []byte) []byte {
	b := []byte("{")
	for i := 0; i+1 < len(script); i += 2 {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(strconv.AppendQuote(b, fuzzNames[int(script[i])%len(fuzzNames)]), ':')
		b = append(b, fuzzValues[int(script[i+1])%len(fuzzValues)]...)
	}
	return append(b, '}')
}

var fuzzNames = append([]string{"x", "@x", "status@y", "Status", "x/~", "é"}, names...)

var fuzzValues = []string{
	`null`, `true`, `false`, `0`, `-0`, `7`, `-7`, `7.0`, `7.5`, `7e0`, `1e2`, `2147483647`, `2147483648`, `-2147483648`, `-2147483649`, `1e999`,
	`""`, `"x"`, `"7"`, `"é\u00e9\ud83d\ude00"`, `"\u0000"`, `"#microsoft.graph.pfxRecryptionRequest"`, `".x"`, `"a b"`,
	`"6de0af45-af45-6de0-45af-e06d45afe06d"`, `"6DE0AF45-AF45-6DE0-45AF-E06D45AFE06D"`, `"6de0af45-af45-6de0-45af-e06d45afe06"`, `"6de0af45-af45-6de0-45af-e06d45afe06g"`,
	`"2017-01-01T00:03:18.9597073-08:00"`, `"2017-01-01T00:03Z"`, `"2023-02-29T00:03Z"`, `"2024-02-29t00:03:18z"`, `"2017-01-01T00:03:18"`,
	`"2017-01-01T24:00Z"`, `"2017-01-01T00:03:18.1234567890123Z"`, `"2017-01-01T00:03+14:01"`, `"2026-01-02T03:04:05"`,
	`[]`, `{}`, `[1]`, `{"a":1}`, `{"a":1,"a":1}`, `[[[[[[[[1]]]]]]]]`, `[[[[[[[[[1]]]]]]]]]`, `[{"code":"c","message":"m","target":"/t"}]`, `[{"code":1},{}]`,
	`"` + strings.Repeat("x", 1024) + `"`, `"` + strings.Repeat("x", 1025) + `"`, `"` + strings.Repeat("é", 513) + `"`, `"` + strings.Repeat("k", 128) + `"`, `"` + strings.Repeat("k", 129) + `"`,
	`{"code":"c","message":"m","innerError":{"date":"2026-01-02T03:04:05","request-id":"6de0af45-af45-6de0-45af-e06d45afe06d","client-request-id":"6de0af45-af45-6de0-45af-e06d45afe06d"}}`,
	`{"code":"","message":"m","details":[{}],"innerError":{"date":"2026-01-02"}}`,
}

func (target *target) compare(t *testing.T, data []byte) {
	t.Helper()
	v := target.fresh()
	faults := target.decode(data, v)
	if !jsontext.Value(data).IsValid() {
		if faults == nil || !faults.Malformed || faults.List != nil {
			t.Fatalf("%s %q: got %q, but the strict scan rejects it", target.schema, data, describe(faults))
		}
		return
	}
	value := decodeAny(t, data)
	if faults != nil && faults.Malformed {
		if !tooDeep(value, target.schema == "pfxRecryptionRequestUpdate") {
			t.Fatalf("%s %q: got %q, but the strict scan accepts it", target.schema, data, describe(faults))
		}
		return
	}
	target.verdict(t, data, value, faults)
	if faults == nil {
		target.values(t, data, value, v)
	}
}

// verdict compares the faults with kin-openapi's.
func (target *target) verdict(t *testing.T, data []byte, value any, faults *validate.Faults) {
	t.Helper()
	doc, err := document()
	if err != nil {
		t.Fatal(err)
	}
	shown := value
	if object, ok := value.(map[string]any); ok && target.schema == "pfxRecryptionRequestUpdate" {
		shown = withoutAnnotations(object)
	}
	err = doc.Components.Schemas[target.schema].Value.VisitJSON(shown, openapi3.MultiErrors())
	if faults == nil {
		if err != nil {
			t.Fatalf("%s %q: no fault, but kin-openapi reports %v", target.schema, data, err)
		}
		return
	}
	for _, f := range faults.List {
		if !exists(value, f) {
			t.Fatalf("%s %q: the pointer of fault %+v leads nowhere", target.schema, data, f)
		}
		seen := !slices.ContainsFunc(intended, func(d struct {
			why   string
			fault func(f validate.Fault) bool
		}) bool {
			return d.fault(f)
		})
		if seen && err == nil {
			t.Fatalf("%s %q: fault %+v, but kin-openapi finds none", target.schema, data, f)
		}
	}
}

// values compares the decoded value with encoding/json's, and with the result of encoding and decoding it again.
func (target *target) values(t *testing.T, data []byte, value, v any) {
	t.Helper()
	if !foldsOnto(value) {
		want := target.fresh()
		if err := json.Unmarshal(data, want); err != nil || !reflect.DeepEqual(want, v) {
			t.Fatalf("%s %q: got %+v, encoding/json decodes %+v (%v)", target.schema, data, v, want, err)
		}
	}
	written, again := target.encode(v), target.fresh()
	if f := target.decode(written, again); f != nil {
		t.Fatalf("%s %q: encoded as %s, which has faults: %s", target.schema, data, written, describe(f))
	}
	if once := target.encode(again); !bytes.Equal(once, written) {
		t.Fatalf("%s %q: encoded as %s, then as %s", target.schema, data, written, once)
	}
	if !json.Valid(written) {
		t.Fatalf("%s %q: encoded as malformed %s", target.schema, data, written)
	}
}

func decodeAny(t *testing.T, data []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%q: %v", data, err)
	}
	return v
}

// withoutAnnotations removes the members that x-ignore-members matches, a keyword unknown to kin-openapi.
func withoutAnnotations(object map[string]any) map[string]any {
	out := map[string]any{}
	for name, v := range object {
		if !strings.Contains(name, "@") || name == "@odata.type" {
			out[name] = v
		}
	}
	return out
}

func tooDeep(value any, annotations bool) bool {
	if object, ok := value.(map[string]any); ok && annotations {
		for name, v := range object {
			if strings.Contains(name, "@") && depth(v) > annotationDepth {
				return true
			}
		}
	}
	return depth(value) > bodyDepth
}

func depth(value any) int {
	deepest := 0
	switch value := value.(type) {
	case map[string]any:
		for _, v := range value {
			deepest = max(deepest, depth(v))
		}
	case []any:
		for _, v := range value {
			deepest = max(deepest, depth(v))
		}
	default:
		return 0
	}
	return deepest + 1
}

// names are the member names of all schemas.
var names = []string{
	"@odata.type", "id", "tenantId", "userId", "deviceId", "profileId", "thumbprint", "deviceKeyThumbprint", "status", "sourceType",
	"createdTime", "lastModifiedTime", "isDeleted", "eTag", "error", "code", "message", "details", "innerError", "target", "date",
	"request-id", "client-request-id",
}

// foldsOnto reports whether a name differs from a declared one only in case.
func foldsOnto(value any) bool {
	switch value := value.(type) {
	case map[string]any:
		for name, v := range value {
			if foldsOnto(v) || !slices.Contains(names, name) && slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(value, foldsOnto)
	}
	return false
}

// exists reports whether the fault's pointer leads to a value, or to a missing member of an object.
func exists(value any, f validate.Fault) bool {
	if f.Pointer == "" {
		return true
	}
	tokens := strings.Split(f.Pointer[1:], "/")
	for i, token := range tokens {
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		switch v := value.(type) {
		case map[string]any:
			child, ok := v[token]
			if !ok {
				return f.Keyword == "required" && i == len(tokens)-1 && f.Name == token
			}
			value = child
		case []any:
			n, err := strconv.Atoi(token)
			if err != nil || n < 0 || n >= len(v) {
				return false
			}
			value = v[n]
		default:
			return false
		}
	}
	return f.Keyword != "required"
}
