package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/openapi/validategen/testdata/probe"
	"github.com/pfxrecryption/pfxrecryption/openapi/validategen/testdata/probe/probevalid"
	"github.com/pfxrecryption/pfxrecryption/openapi/validategen/testdata/shop"
	"github.com/pfxrecryption/pfxrecryption/openapi/validategen/testdata/shop/shopvalid"
	"github.com/pfxrecryption/pfxrecryption/openapi/validategen/testdata/tree"
	"github.com/pfxrecryption/pfxrecryption/openapi/validategen/testdata/tree/treevalid"
	"github.com/pfxrecryption/pfxrecryption/openapi/validategen/testdata/zoo"
	"github.com/pfxrecryption/pfxrecryption/openapi/validategen/testdata/zoo/zoovalid"
)

// bodyCase is a body and its faults, each as "keyword pointer", or "malformed".
type bodyCase struct {
	body   string
	faults string // separated by commas; "" for a valid body. After an exclamation mark, the body is valid but not decoded
}

func component(t *testing.T, document, name string, direction spec.Direction) *validate.Schema {
	t.Helper()
	data, err := os.ReadFile("testdata/" + document + "/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	d, err := spec.Load(t.Context(), data, spec.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := d.Component(name, direction)
	if s == nil {
		t.Fatalf("the document has no component %s", name)
	}
	return s
}

// runBodies checks the verdicts. A valid body is decoded like encoding/json does, and survives encoding and decoding.
// If judge is not nil, the schema in process reports the same faults.
func runBodies[T any](t *testing.T, judge *validate.Schema, decode func([]byte, *T) string, encode func([]byte, *T) []byte, cases []bodyCase) {
	t.Helper()
	t.Parallel()
	for _, tt := range cases {
		var got T
		want, inProcess := tt.faults, tt.faults
		if strings.HasPrefix(want, "!") {
			inProcess = ""
		}
		if judge != nil {
			if faults := faultsText(judge.Check(t.Context(), []byte(tt.body))); faults != inProcess {
				t.Errorf("%s: in process: got faults %q, want %q", tt.body, faults, inProcess)
			}
		}
		if faults := decode([]byte(tt.body), &got); faults != want {
			t.Errorf("%s: got faults %q, want %q", tt.body, faults, want)
			continue
		}
		if want != "" {
			continue
		}
		var stock, again T
		if err := json.Unmarshal([]byte(tt.body), &stock); err != nil {
			t.Logf("%s: encoding/json: %v", tt.body, err)
		} else if !reflect.DeepEqual(stock, got) {
			t.Errorf("%s: encoding/json decodes a different value:\n%s", tt.body, cmp.Diff(stock, got))
		}
		if encode == nil {
			continue
		}
		encoded := encode(nil, &got)
		if faults := decode(encoded, &again); faults != "" {
			t.Errorf("%s: encoded as %s: faults %q", tt.body, encoded, faults)
		} else if second := encode(nil, &again); string(second) != string(encoded) {
			t.Errorf("%s: encoded as %s, then as %s", tt.body, encoded, second)
		}
	}
}

func TestTree(t *testing.T) {
	decode := func(data []byte, v *tree.Node) string { return faultsText(treevalid.DecodeNode(data, v)) }
	deep := func(n int) string {
		return strings.Repeat(`{"name":"a","children":[`, n) + `{"name":"z"}` + strings.Repeat("]}", n)
	}
	runBodies(t, component(t, "tree", "node", spec.Request), decode, treevalid.AppendNode, []bodyCase{
		{`{"name":"a"}`, ""},
		{`{"name":"a","children":[]}`, ""},
		{`{"children":[{"name":"b","children":[{"name":"c"}]},{"name":"d"}],"name":"a"}`, ""},
		{`{"name":"a","matrix":[[1,2],[3.0,4e2]],"note":{"x":[null,{"y":1}]}}`, ""},
		{`{"name":"a","byName":{"x":{"name":"x"},"y":{"name":"y","byName":{}}}}`, ""},
		{`{"name":"a","parent":{"href":"/b","parent":{"href":"/c"}}}`, ""},
		{`{"name":"a","parent":null,"note":null}`, ""},
		{`{"name":"a","parent":{"href":"/b","parent":null,"extra":{"x":1}}}`, ""},
		{`{"name":"\u00e9\ud83d\ude00345678"}`, ""},
		{`{"name":"123456789"}`, "maxLength /name"},
		{`{"name":""}`, "minLength /name"},
		{`{}`, "required /name"},
		{`[]`, "type "},
		{`null`, "type "},
		{`{"name":"a","children":[{},{"name":1},{"name":"a","x":1},{"name":"z"}]}`, "required /children/0/name,type /children/1/name,additionalProperties /children/2/x,maxItems /children"},
		{`{"name":"a","matrix":[]}`, "minItems /matrix"},
		{`{"name":"a","matrix":[[1],[1,2,3],[1,"2"],3]}`, "minItems /matrix/0,maxItems /matrix/1,type /matrix/2/1,type /matrix/3"},
		{`{"name":"a","byName":{"x":{"name":"x"},"y/~":{},"z":{"name":"z"}}}`, "required /byName/y~1~0/name,maxProperties /byName"},
		{`{"name":"a","byName":{"x":{"name":"x"},"x":{"name":"x"}}}`, "malformed"},
		{`{"name":"a","parent":{"href":"b","parent":{}}}`, "pattern /parent/href,required /parent/parent/href"},
		{`{"name":"a","parent":{"href":"/b","x":1,"x":1}}`, "malformed"},
		{`{"name":"a","note":{"x":1,"x":1}}`, "malformed"},
		{`{"name":1,"note":tru}`, "malformed"},
		{deep(31), ""},
		{deep(32), "malformed"},
	})
}

func TestTreeResponses(t *testing.T) {
	decodeAll := func(data []byte, v *[]tree.Node) string { return faultsText(treevalid.DecodePutTree207(data, v)) }
	runBodies(t, nil, decodeAll, treevalid.AppendPutTree207, []bodyCase{
		{`[]`, ""},
		{`[{"name":"a"},{"name":"b"}]`, ""},
		{`[{"name":"a"},{}]`, "required /1/name"},
		{`{}`, "type "},
	})
}

func faultsText(f *validate.Faults) string {
	if f == nil {
		return ""
	}
	if f.Malformed {
		return "malformed"
	}
	var all []string
	for _, fault := range f.List {
		place := fault.Pointer
		if fault.In != "" {
			place = fault.In + ":" + fault.Name
		}
		all = append(all, fault.Keyword+" "+place)
	}
	if f.Undecodable {
		return "!" + strings.Join(all, ",")
	}
	return strings.Join(all, ",")
}

func TestShop(t *testing.T) {
	decode := func(data []byte, v *shop.Order) string { return faultsText(shopvalid.DecodeOrder(data, v)) }
	with := func(member string) string { return `{"price":1,"kind":"book",` + member + `}` }
	runBodies(t, component(t, "shop", "order", spec.Request), decode, nil, []bodyCase{
		{`{"price":1,"kind":"book"}`, ""},
		{`{"price":19.99,"kind":"a \"b\" \\c","secret":"s"}`, ""},
		{`{"price":0.07e1,"kind":"\u00e9t\u00e9"}`, ""},
		{`{"price":100000.00,"kind":"book"}`, ""},
		{`{"price":100000.0000000000000000000001,"kind":"book"}`, "maximum /price,multipleOf /price"},
		{`{"price":0,"kind":"book"}`, "exclusiveMinimum /price"},
		{`{"price":-0.00,"kind":"book"}`, "exclusiveMinimum /price"},
		{`{"price":1e-300,"kind":"book"}`, "multipleOf /price"},
		{`{"price":1e999,"kind":"book"}`, "format /price"},
		{`{"price":0.001,"kind":"Book"}`, "multipleOf /price,enum /kind"},
		{`{"price":"1","kind":1}`, "type /price,type /kind"},
		{`{"price":1}`, "required /kind,minProperties "},
		{`{}`, "required /price,required /kind,minProperties "},
		{with(`"discount":-0.5`), ""},
		{with(`"discount":0.5`), "exclusiveMaximum /discount"},
		{with(`"discount":0.49999999999999999999`), ""},
		{with(`"discount":1e39`), "format /discount"},
		{with(`"count":12`), ""},
		{with(`"count":1.2e1`), ""},
		{with(`"count":13`), "multipleOf /count"},
		{with(`"count":1002`), "maximum /count"},
		{with(`"count":-6`), "minimum /count"},
		{with(`"count":3000000000`), "format /count"},
		{with(`"count":1.5`), "type /count"},
		{with(`"any":-9223372036854775808`), ""},
		{with(`"any":9223372036854775808`), "!format /any"},
		{with(`"any":0.5`), "type /any"},
		{with(`"big":9223372036854775807`), ""},
		{with(`"ratio":20`), ""},
		{with(`"ratio":0.50`), ""},
		{with(`"ratio":0.51`), "enum /ratio"},
		{with(`"size":3.0`), ""},
		{with(`"size":4`), "enum /size"},
		{with(`"gift":true`), ""},
		{with(`"gift":false`), "enum /gift"},
		{with(`"gift":"true"`), "type /gift"},
		{with(`"state":"open"`), ""},
		{with(`"state":null`), ""},
		{with(`"state":"ajar"`), "enum /state"},
		{with(`"stock":{"a":1,"b":0}`), ""},
		{with(`"stock":{}`), "minProperties /stock"},
		{with(`"stock":{"a":1,"b":0,"c":-1,"d":"x"}`), "minimum /stock/c,type /stock/d,maxProperties /stock"},
		{with(`"labels":{"main":"long label","x":"abc","y":"d"}`), ""},
		{with(`"labels":{"x":"abcd"}`), "maxLength /labels/x,required /labels/main"},
		{with(`"labels":{"main":"","x":"a","\u0078":"b"}`), "malformed"},
		{with(`"id":1`), "readOnly /id"},
		{with(`"other":[{"deep":1}]`), ""},
		{with(`"other":1,"other":1`), "malformed"},
	})
}

func TestShopResponse(t *testing.T) {
	decode := func(data []byte, v *shop.Order) string { return faultsText(shopvalid.DecodeOrderResponse(data, v)) }
	runBodies(t, component(t, "shop", "order", spec.Response), decode, shopvalid.AppendOrderResponse, []bodyCase{
		{`{"id":1,"price":1,"kind":"book","labels":{"main":"m","b":"2","a":"1"}}`, ""},
		{`{"price":1,"kind":"book"}`, "required /id"},
		{`{"id":0,"price":1,"kind":"book"}`, "minimum /id"},
		{`{"id":1,"price":1,"kind":"book","secret":"s"}`, "writeOnly /secret"},
	})
}

func TestEncoderLeavesOutTheOtherDirection(t *testing.T) {
	t.Parallel()
	order := shop.Order{ID: 7, Secret: "s", Price: 1, Kind: shop.Book}
	const want = `{"id":7,"price":1,"kind":"book","labels":{"main":""}}`
	if got := string(shopvalid.AppendOrderResponse(nil, &order)); got != want {
		t.Errorf("response: got %s, want %s", got, want)
	}
	if got := string(shopvalid.AppendOrder(nil, &order)); strings.Contains(got, `"id"`) || !strings.Contains(got, `"secret":"s"`) {
		t.Errorf("request: got %s, want secret and not id", got)
	}
}

func TestProbe(t *testing.T) {
	decode := func(data []byte, v *probe.Reading) string { return faultsText(probevalid.DecodeReading(data, v)) }
	runBodies(t, component(t, "probe", "reading", spec.Request), decode, probevalid.AppendReading, []bodyCase{
		{`{}`, ""},
		{`null`, ""},
		{`{"id":"6DE0AF45-af45-6de0-45af-e06d45afe06d"}`, ""},
		{`{"id":"urn:uuid:6de0af45-af45-6de0-45af-e06d45afe06d"}`, "format /id"},
		{`{"id":"{6de0af45-af45-6de0-45af-e06d45afe06d}"}`, "format /id"},
		{`{"at":"2024-02-29T23:59:59.123456789+01:00"}`, ""},
		{`{"at":"2023-02-29T23:59:59Z"}`, "format /at"},
		{`{"at":"2024-02-29T3:59:59Z"}`, "format /at"},
		{`{"day":"2024-02-29"}`, ""},
		{`{"day":"1924-02-30"}`, "format /day"},
		{`{"raw":"YWI="}`, ""},
		{`{"raw":"YWI"}`, "format /raw"},
		{`{"raw":null}`, ""},
		{`{"id":null}`, "type /id"},
		{`{"link":"urn:a:b","mail":"a@b.example","four":"127.0.0.1","six":"::1"}`, ""},
		{`{"link":"b","mail":"b","four":"::1","six":"127.0.0.1"}`, "format /link,format /mail,format /four,format /six"},
		{`{"when":"2017-01-01T00:03-08:00","small":-0}`, ""},
		{`{"when":"2017-01-01T00:03-14:01","small":7.0}`, "format /when,format /small"},
		{`{"small":2147483648}`, "format /small"},
		{`{"word":"www","secret":"ab"}`, ""},
		{`{"word":"wow","secret":"a"}`, "pattern /word,minLength /secret"},
		{`{"short":"éé"}`, ""},
		{`{"short":"éééé"}`, "x-maxBytes /short"},
		{`{"short":"abcde"}`, "maxLength /short"},
		{`{"short":"\u00e9\u00e9\u00e9"}`, ""},
	})
}

func TestProbeParameters(t *testing.T) {
	t.Parallel()
	const id = "6de0af45-af45-6de0-45af-e06d45afe06d"
	rate := map[string][]string{"X-Rate": {"1.5"}}
	tests := []struct {
		name   string
		path   [4]string
		query  string
		header map[string][]string
		faults string
	}{
		{"all", [4]string{id, "3", "0.5", "true"}, "top=1&$filter=abc%20eq+x&Count=true&deep=false&since=2024-01-01&level=low", map[string][]string{"X-Rate": {"-1e3"}, "X-Trace": {id}}, ""},
		{"escaped path", [4]string{"6de0af45%2Daf45-6de0-45af-e06d45afe06d", "%33", "1e1", "false"}, "%74op=1", rate, ""},
		{"decoded once", [4]string{"6de0af45%252Daf45-6de0-45af-e06d45afe06d", "3", "1", "true"}, "top=1", rate, "format path:probe-id"},
		{"invalid path", [4]string{"x", "-1", "0", "yes"}, "top=1", rate, "format path:probe-id,minimum path:slot,exclusiveMinimum path:scale,type path:on"},
		{"invalid escapes", [4]string{id, "%3", "1", "true"}, "top=%zz&%=1&level=%ff", rate, "encoding query:%,encoding path:slot,encoding query:top,encoding query:level"},
		{"not numbers", [4]string{id, "0x1", "+1", "true"}, "top=01", map[string][]string{"X-Rate": {"1,5"}}, "type path:slot,type path:scale,type query:top,type header:X-Rate"},
		{"required", [4]string{id, "1", "1", "true"}, "", nil, "required query:top,required header:X-Rate"},
		{"empty options", [4]string{id, "1", "1", "true"}, "&&top=5&", rate, ""},
		{"empty value", [4]string{id, "1", "1", "true"}, "top", rate, "type query:top"},
		{"repeated", [4]string{id, "1", "1", "true"}, "top=5&top=5", map[string][]string{"X-Rate": {"1", "1"}}, "repeated query:top,repeated header:X-Rate"},
		{"list header", [4]string{id, "1", "1", "true"}, "top=5", map[string][]string{"X-Rate": {"1"}, "Prefer": {"a", "b"}}, ""},
		{"unknown", [4]string{id, "1", "1", "true"}, "top=5&Top=6&%C3%A9=1&=2", rate, "additionalProperties query:Top,additionalProperties query:é,additionalProperties query:"},
		{"the operation's own schema", [4]string{id, "1", "1", "true"}, "top=1000", rate, ""},
		{"bounds", [4]string{id, "2147483648", "1", "true"}, "top=1001&level=mid&since=2024-02-30&$filter=EQ", map[string][]string{"X-Rate": {"1.50000000000000000001"}}, "format path:slot,maximum query:top,pattern query:$filter,format query:since,enum query:level,maximum header:X-Rate"},
		{"pattern beyond ASCII", [4]string{id, "1", "1", "true"}, "top=5&$filter=%C3%A9 eq", rate, ""},
		{"system options", [4]string{id, "1", "1", "true"}, "top=5&SkipToken=a&%24COUNT=true", rate, ""},
		{"system option in two spellings", [4]string{id, "1", "1", "true"}, "top=5&$count=true&COUNT=false&skiptoken=a&$skipToken=b", rate, "repeated query:$skiptoken,repeated query:$count"},
		{"not a spelling of a system option", [4]string{id, "1", "1", "true"}, "top=5&$$count=true&$s\u212Aiptoken=a&$co%20unt=true", rate,
			"additionalProperties query:$$count,additionalProperties query:$s\u212Aiptoken,additionalProperties query:$co unt"},
		{"options that are not system options", [4]string{id, "1", "1", "true"}, "top=5&$deep=true&filter=a&$FILTER=a", rate,
			"additionalProperties query:$deep,additionalProperties query:filter,additionalProperties query:$FILTER"},
		{"header not UTF-8", [4]string{id, "1", "1", "true"}, "top=5", map[string][]string{"X-Rate": {"1\xff"}}, "encoding header:X-Rate"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var path probevalid.PostProbePath
			var into probe.PostProbeParams
			got := faultsText(probevalid.DecodePostProbeParams(tt.path[0], tt.path[1], tt.path[2], tt.path[3], tt.query, tt.header, &path, &into))
			if got != tt.faults {
				t.Errorf("got %q, want %q", got, tt.faults)
			}
			if tt.name == "all" && (path.Slot != 3 || path.Scale != 0.5 || !path.On || into.Top != 1 || *into.Filter != "abc eq x" || !*into.Count || *into.Deep || into.XRate != -1000) {
				t.Errorf("got %+v and %+v", path, into)
			}
			if tt.name == "list header" && *into.Prefer != "a, b" {
				t.Errorf("got Prefer %q", *into.Prefer)
			}
		})
	}
}

func TestOperations(t *testing.T) {
	t.Parallel()
	got := probevalid.Operations[0]
	if got.ID != "postProbe" || got.Method != http.MethodPost || got.Path != "/probes/{probe-id}/{slot}/{scale}/{on}" || got.Responses[0].Status != "204" {
		t.Errorf("got %s %s %s", got.ID, got.Method, got.Path)
	}
	security := []validate.Alternative{{{Scheme: "token", Type: "http", Name: "bearer"}, {Scheme: "key", Type: "apiKey", In: "header", Name: "X-Key"}}, {}}
	if diff := cmp.Diff(security, got.Security); diff != "" {
		t.Errorf("security (-want +got):\n%s", diff)
	}
	if f := got.CheckParams([]string{"a", "b", "c", "d"}, "", nil); f == nil {
		t.Error("CheckParams accepts a scale that is not a number")
	}
	if _, ok := got.DecodeBody([]byte("{}"), new(string)); ok {
		t.Error("DecodeBody accepts a value of another type")
	}
	if f, ok := got.DecodeBody([]byte("["), new(probe.Reading)); !ok || f == nil || !f.Malformed {
		t.Errorf("DecodeBody of malformed JSON: %+v, %t", f, ok)
	}
	if f := got.Request[0].CheckContent(t.Context(), "application/json", []byte("[")); f == nil || !f.Malformed {
		t.Errorf("CheckContent of malformed JSON: %+v", f)
	}
	var parameters []string
	for _, p := range got.Parameters {
		parameters = append(parameters, fmt.Sprint(p.In, " ", p.Name, " ", p.Style, " ", p.Explode, " ", p.Required, " ", p.System))
	}
	if diff := cmp.Diff(probeParameters, parameters); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
}

// probeParameters has location, name, style, explode, required and system of each parameter.
var probeParameters = []string{
	"path slot simple false true false", "path probe-id simple false true false", "path scale simple false true false",
	"path on simple false true false", "query top form true true false", "query $filter form true false false",
	"query $skiptoken form true false true", "query $count form true false true", "query deep form true false false",
	"query since form true false false", "query level form true false false", "header X-Rate simple false true false",
	"header X-Trace simple false false false", "header Prefer simple false false false",
}

func TestZoo(t *testing.T) {
	decode := func(data []byte, v *zoo.Cage) string { return faultsText(zoovalid.DecodeCage(data, v)) }
	runBodies(t, component(t, "zoo", "Cage", spec.Request), decode, zoovalid.AppendCage, []bodyCase{
		{`{"number":1,"keeper":"k"}`, ""},
		{`{"number":"abc","keeper":1}`, ""},
		{`{"number":true,"keeper":null}`, ""},
		{`{"number":0.5}`, "minimum /number,required /keeper"},
		{`{"number":"abcd","keeper":1,"Keeper":2}`, "maxLength /number"},
		{`{"number":1,"keeper":1,"kind":"small"}`, "dependentRequired /size"},
		{`{"number":1,"keeper":1,"kind":"small","size":2}`, ""},
		{`{"number":1,"keeper":1,"size":"xl"}`, ""},
		{`{"number":1,"keeper":1,"size":"xxl"}`, "anyOf /size"},
		{`{"number":1,"keeper":1,"note":null}`, ""},
		{`{"number":1,"keeper":1,"note":"123456"}`, "maxLength /note"},
		{`{"number":1,"keeper":1,"inside":{"wet":true,"temperature":4}}`, ""},
		{`{"number":1,"keeper":1,"inside":{"wet":true,"Temperature":4}}`, "required /inside/temperature"},
		{`{"number":1,"keeper":1,"guests":[{"kind":"cat","lives":9},{"kind":"dog","tricks":["sit"]}]}`, ""},
		{`{"number":1,"keeper":1,"guests":[{"kind":"cat","lives":10},{"kind":"dog","tricks":["a","a"],"lives":1},{"kind":"cow"}]}`,
			"maximum /guests/0/lives,uniqueItems /guests/1/tricks,additionalProperties /guests/1/lives,discriminator /guests/2/kind"},
		{`{"number":1,"keeper":1,"byName":{"tom":{"kind":"cat","lives":1}},"labels":{"x-a":"bc","d":"long enough"}}`, ""},
		{`{"number":1,"keeper":1,"labels":{"x-a":"bcd"}}`, "maxLength /labels/x-a"},
		{`{"number":1,"keeper":1,"spans":[1,2]}`, ""},
		{`{"number":1,"keeper":1,"spans":[1,2,3]}`, "items /spans/2"},
		{`{"number":1,"keeper":1,"number":1}`, "malformed"},
	})
}

func TestZooUnions(t *testing.T) {
	t.Parallel()
	var animal zoo.Animal
	if f := zoovalid.DecodeAnimal([]byte(` {"kind":"cat", "lives":3}`), &animal); f != nil {
		t.Fatalf("faults: %s", faultsText(f))
	}
	if cat, err := animal.AsCat(); err != nil || cat.Lives != 3 {
		t.Errorf("got %+v, %v", cat, err)
	}
	if got := string(zoovalid.AppendAnimal(nil, &animal)); got != `{"kind":"cat","lives":3}` {
		t.Errorf("encoded as %s", got)
	}
	var loose zoo.Loose
	if f := zoovalid.DecodeLoose([]byte(`{"ID":"wrong","id":"right","a":1}`), &loose); f != nil || loose.Id != "right" {
		t.Errorf("got %q, faults %s, want the member of the exact name", loose.Id, faultsText(f))
	}
	if f := zoovalid.DecodeLoose([]byte(`{"id":"x"}`), &loose); faultsText(f) != "anyOf " {
		t.Errorf("got faults %q, want anyOf", faultsText(f))
	}
	if f := zoovalid.DecodeLoose([]byte(`5`), &loose); faultsText(f) != "!type " || f.Verdict() != nil {
		t.Errorf("5 satisfies the schema without a type, but a struct cannot hold it: got faults %q", faultsText(f))
	}
}

func TestZooNames(t *testing.T) {
	decode := func(data []byte, v *zoo.Token) string { return faultsText(zoovalid.DecodeToken(data, v)) }
	const id = `"id":"6de0af45-af45-6de0-45af-e06d45afe06d"`
	runBodies(t, component(t, "zoo", "Token", spec.Request), decode, nil, []bodyCase{
		{`{` + id + `,"undeclared":[1]}`, ""},
		{`{` + id + `}`, "required /undeclared"},
		{`{` + id + `,"undeclared":1,"undeclared":2}`, "malformed"},
		{`{` + id + `,"undeclared":1,"any":{"a":1},"string":"a","escape":"\u00c4.","base64":"YQ=="}`, ""},
		{`{` + id + `,"undeclared":1,"any":"a","string":"c","escape":"xA","base64":"YQ"}`, "not /any,enum /string,pattern /escape,format /base64"},
	})
}

// TestZooInProcess checks what generated code leaves to package validate: parameters that are not single values, forms
// and texts.
func TestZooInProcess(t *testing.T) {
	t.Parallel()
	post, feeding := zoovalid.Operations[0], zoovalid.Operations[3]
	header := map[string][]string{"Cookie": {"session=ab"}}
	if got := faultsText(post.CheckParameters(t.Context(), nil, "tags=a&tags=bc", header)); got != "minLength query:tags,minLength header:Cookie" {
		t.Errorf("parameters: got faults %q", got)
	}
	form := feeding.RequestBody("application/x-www-form-urlencoded")
	if got := faultsText(form.CheckContent(t.Context(), form.Type, []byte("what=a&grams=b"))); got != "minLength /what,type /grams" {
		t.Errorf("form: got faults %q", got)
	}
	text := feeding.Response(200).Bodies[0]
	if got := faultsText(text.CheckContent(t.Context(), "text/plain", []byte("123456"))); got != "maxLength " {
		t.Errorf("text: got faults %q", got)
	}
}
