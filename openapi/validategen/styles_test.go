package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/openapi/validategen/testdata/styles"
	"github.com/pfxrecryption/pfxrecryption/openapi/validategen/testdata/styles/stylesvalid"
)

// sent is the parameters of a request.
type sent struct {
	path   []string
	query  string
	header map[string][]string
}

// styleDecoders decode the parameters of the operations into values that encoding/json can show.
var styleDecoders = map[string]func(sent) (any, *validate.Faults){
	"getSimple": func(s sent) (any, *validate.Faults) {
		var path stylesvalid.GetSimplePath
		f := stylesvalid.DecodeGetSimpleParams(s.path[0], s.path[1], s.path[2], s.path[3], s.path[4], s.query, s.header, &path)
		return path, f
	},
	"getLabel": func(s sent) (any, *validate.Faults) {
		var path stylesvalid.GetLabelPath
		f := stylesvalid.DecodeGetLabelParams(s.path[0], s.path[1], s.path[2], s.query, s.header, &path)
		return path, f
	},
	"getMatrix": func(s sent) (any, *validate.Faults) {
		var path stylesvalid.GetMatrixPath
		f := stylesvalid.DecodeGetMatrixParams(s.path[0], s.path[1], s.path[2], s.path[3], s.query, s.header, &path)
		return path, f
	},
	"getParts": func(s sent) (any, *validate.Faults) {
		var both struct {
			stylesvalid.GetPartsPath
			styles.GetPartsParams
		}
		f := stylesvalid.DecodeGetPartsParams(s.path[0], s.path[1], s.path[2], s.query, s.header, &both.GetPartsPath, &both.GetPartsParams)
		return both, f
	},
	"getQuery": func(s sent) (any, *validate.Faults) {
		var into styles.GetQueryParams
		f := stylesvalid.DecodeGetQueryParams(s.query, s.header, &into)
		return into, f
	},
	"getHeader": func(s sent) (any, *validate.Faults) {
		var into styles.GetHeaderParams
		f := stylesvalid.DecodeGetHeaderParams(s.query, s.header, &into)
		return into, f
	},
}

// stylesOperation returns an operation without generated code.
func stylesOperation(t *testing.T, id string) *validate.Operation {
	t.Helper()
	data, err := os.ReadFile("testdata/styles/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	d, err := spec.Load(t.Context(), data, spec.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return d.Operations[slices.IndexFunc(d.Operations, func(o *validate.Operation) bool { return o.ID == id })]
}

// TestStyles: for parameters in every style, the handler gets the checked values.
func TestStyles(t *testing.T) {
	t.Parallel()
	tests := []struct {
		operation string
		sent      sent
		want      string // the parameters as JSON, or the faults
	}{
		{"getSimple", sent{path: []string{"7", "1,2", "R,1,G,2", "R=3", "2024-02-29"}}, `{"Id":7,"Ids":[1,2],"Rgb":{"R":1,"G":2},"Pairs":{"R":3},"When":"2024-02-29"}`},
		{"getSimple", sent{path: []string{"7.0", "%31", "R,1e2", "G=-1,R=%33", "2024-02-29"}}, `{"Id":7,"Ids":[1],"Rgb":{"R":100},"Pairs":{"R":3,"G":-1},"When":"2024-02-29"}`},
		{"getSimple", sent{path: []string{"x", "1%2C2", "R,256", "R,3", "2023-02-29"}}, "type path:id,type path:ids,maximum path:rgb,type path:pairs,format path:when"},
		{"getSimple", sent{path: []string{"9223372036854775807", "-2147483648", "R,1", "R=1", "2024-02-29"}}, `{"Id":9223372036854775807,"Ids":[-2147483648],"Rgb":{"R":1},"Pairs":{"R":1},"When":"2024-02-29"}`},
		{"getSimple", sent{path: []string{"9223372036854775808", "1", "R,1", "G=9e99,R=1", "2024-02-29"}}, "!format path:id,format path:pairs"},
		{"getLabel", sent{path: []string{".a%2Eb", ".a,b", ".R=1.G=2"}}, `{"One":"a.b","List":["a","b"],"Dots":{"R":1,"G":2}}`},
		{"getLabel", sent{path: []string{".", ".a.b%2Cc", ".R=1"}}, `{"One":"","List":["a.b,c"],"Dots":{"R":1}}`},
		{"getLabel", sent{path: []string{"a", ".a", ".G=1"}}, "type path:one,required path:dots"},
		{"getMatrix", sent{path: []string{";one=true", ";list=3,4", ";each=3;each=4", ";R=1;G=2"}}, `{"One":true,"List":[3,4],"Each":[3,4],"Rgb":{"R":1,"G":2}}`},
		{"getMatrix", sent{path: []string{";on=true", ";list=3;list=4", ";each=3,4", ";R=1;R=2"}}, "type path:one,type path:list,type path:each,repeated path:rgb"},
		{"getParts", sent{path: []string{"1", "2", "b%20c"}, query: "x=%2C&x="}, `{"From":1,"To":2,"Id":"b c","x":[",",""]}`},
		{"getParts", sent{path: []string{"1", "", "b+c"}, query: "x&y"}, "additionalProperties query:y,type path:to,enum path:id"},
		{"getQuery", sent{}, `{}`},
		{"getQuery", sent{query: "each=a%2Cb&each=c,d&commas=1,-2&spaces=a%20b+c&pipes=true%7Cfalse&rgb=G,2,R,1"},
			`{"each":["a,b","c,d"],"commas":[1,-2],"spaces":["a","b","c"],"pipes":[true,false],"rgb":{"R":1,"G":2}}`},
		{"getQuery", sent{query: "each=&commas=1,x&pipes=yes&rgb=G,2"}, "minLength query:each,type query:commas,type query:pipes,required query:rgb"},
		{"getQuery", sent{query: "tags=a&top=9&tags=b"}, `{"spread":{"top":9,"tags":["a","b"]}}`},
		{"getQuery", sent{query: "top=10"}, "maximum query:spread"},
		{"getQuery", sent{query: "deep[id]=1&deep[id]=2&deep[labels][x]=%C3%A9&deep[own][0][R]=1"}, `{"deep":{"id":[1,2],"labels":{"x":"é"},"own":[{"R":1}]}}`},
		{"getQuery", sent{query: "deep[labels][x]=long"}, "maxLength query:deep"},
		{"getQuery", sent{query: `json={"id":[1.0],"Id":[9]}&hal={"R":1,"G":2}&maybe=null&text=2`}, `{"json":{"id":[1]},"hal":"{\"R\":1,\"G\":2}","maybe":null,"text":"2"}`},
		{"getQuery", sent{query: `json={"id":[],"id":[9]}&hal={}&maybe="1"&text=1`}, "malformed query:json,required query:hal,type query:maybe,minimum query:text"},
		{"getQuery", sent{query: "maybe=99999999999999999999"}, "!format query:maybe"},
		{"getQuery", sent{query: "flag=&word"}, `{"word":""}`},
		{"getQuery", sent{query: "flag=true&word=ab&reserved=:/?%23&free=12&named=5"}, `{"flag":true,"word":"ab","reserved":":/?#","free":"12","named":5}`},
		{"getQuery", sent{query: "flag=0&word=a&named=4"}, "type query:flag,minLength query:word,anyOf query:named"},
		{"getQuery", sent{query: "named=a&odd=3&on=true&nothing=3&either=a"}, `{"named":"a","nothing":3,"odd":3,"on":true}`},
		{"getQuery", sent{query: "odd=2&on=false&nothing=null&either=A"}, "anyOf query:either,type query:nothing,not query:odd,enum query:on"},
		{"getHeader", sent{query: "key=k", header: map[string][]string{"X-List": {"1, 2.5", "3"}, "X-Color": {"R,1"}, "X-Pairs": {"G=1, R=2"}, "X-Json": {`["a"]`}, "Cookie": {"session=a%20b; seats=1,2"}}},
			`{"X-List":[1,2.5,3],"X-Color":{"R":1},"X-Pairs":{"R":2,"G":1},"X-Json":["a"],"session":"a b","seats":[1,2]}`},
		{"getHeader", sent{query: "key=k&key=l", header: map[string][]string{"X-Color": {"R"}, "Cookie": {"session=ab; session=abc"}}},
			"required header:X-List,type header:X-Color,repeated header:Cookie,repeated query:key"},
	}
	for _, tt := range tests {
		t.Run(tt.operation+" "+tt.sent.query+strings.Join(tt.sent.path, "/"), func(t *testing.T) {
			t.Parallel()
			value, faults := styleDecoders[tt.operation](tt.sent)
			decoding := strings.HasPrefix(tt.want, "!")
			inProcess := faultsText(stylesOperation(t, tt.operation).CheckParameters(t.Context(), tt.sent.path, tt.sent.query, tt.sent.header))
			if got := faultsText(faults); !decoding && got != inProcess || decoding && inProcess != "" {
				t.Errorf("got faults %q, in process %q", got, inProcess)
			}
			got := faultsText(faults)
			if faults == nil {
				text, err := json.Marshal(value)
				if err != nil {
					t.Fatal(err)
				}
				got = string(text)
			}
			if sorted(t, got) != sorted(t, tt.want) {
				t.Errorf("got  %s, want %s", got, tt.want)
			}
		})
	}
}

// sorted returns JSON with its members sorted, and other texts unchanged.
func sorted(t *testing.T, text string) string {
	t.Helper()
	var v any
	if json.Unmarshal([]byte(text), &v) != nil {
		return text
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestNumbers has integers of every size. If the schema accepts a number that the Go type cannot hold, only decoding
// rejects it.
func TestNumbers(t *testing.T) {
	decode := func(data []byte, v *styles.Numbers) string { return faultsText(stylesvalid.DecodeNumbers(data, v)) }
	runBodies(t, component(t, "styles", "Numbers", spec.Request), decode, stylesvalid.AppendNumbers, []bodyCase{
		{`{"plain":9223372036854775807}`, ""},
		{`{"plain":-9223372036854775809}`, "!format /plain"},
		{`{"plain":99999999999999999999}`, "!format /plain"},
		{`{"plain":0.5}`, "type /plain"},
		{`{"bounded":99999999999999999999}`, "maximum /bounded"},
		{`{"bounded":-1e30}`, "minimum /bounded"},
		{`{"above":9223372036854774999}`, "minimum /above"},
		{`{"above":-1e400}`, "minimum /above"},
		{`{"above":1e400}`, "!format /above"},
		{`{"u64":18446744073709551615}`, ""},
		{`{"u64":18446744073709551616}`, "format /u64"},
		{`{"u64":-1}`, "format /u64"},
		{`{"u8":256,"i16":-32769}`, "format /u8,format /i16"},
		{`{"u8":255,"i16":301}`, "maximum /i16"},
		{`{"unsigned":18446744073709551610}`, ""},
		{`{"unsigned":18446744073709551611}`, "maximum /unsigned"},
		{`{"unsigned":-1}`, "!format /unsigned"},
		{`{"small":2147483647}`, ""},
		{`{"small":2147483648}`, "!format /small"},
		{`{"small":5000000001}`, "maximum /small"},
		{`{"small":9223372036854775808}`, "format /small"},
		{`{"big":99999999999999999990}`, ""},
		{`{"big":99999999999999999991}`, "multipleOf /big"},
		{`{"big":1e1000}`, ""},
		{`{"big":1e999999999}`, "!format /big"},
		{`{"big":-1e31}`, "minimum /big"},
		{`{"big":"1"}`, "type /big"},
		{`{"literal":9007199254740993}`, ""},
		{`{"literal":9223372036854775808}`, "format /literal"},
		{`{"literal":1.5}`, "type /literal"},
		{`{"decimal":0.10000000000000000000000000000001}`, ""},
		{`{"decimal":1e301}`, "maximum /decimal"},
		{`{"any":7}`, ""},
		{`{"any":1.5}`, "type /any"},
		{`{"double":1e308,"float":1e38,"wide":1e308}`, ""},
		{`{"double":1e309,"float":1e39}`, "format /double,format /float"},
		{`{"wide":1e309}`, "!format /wide"},
	})
}

// TestNarrowedBodies: the schema decides whether a body is valid, even if a Go type cannot hold every valid value.
func TestNarrowedBodies(t *testing.T) {
	t.Parallel()
	put := stylesvalid.Operations[len(stylesvalid.Operations)-1]
	body := []byte(`{"plain":99999999999999999999,"big":1e999999999}`)
	if f := put.Request[0].CheckContent(t.Context(), "application/json", body); f != nil {
		t.Errorf("got faults %q, want none: the schema has no bound", faultsText(f))
	}
	if f, ok := put.DecodeBody(body, new(styles.Numbers)); !ok || faultsText(f) != "!format /plain,format /big" {
		t.Errorf("decoding: got faults %q", faultsText(f))
	}
	var n styles.Numbers
	if f := stylesvalid.DecodeNumbers([]byte(`{"any":9007199254740993}`), &n); f != nil || *n.Any != json.Number("9007199254740993") {
		t.Errorf("got %v and faults %q, want the number without loss", n.Any, faultsText(f))
	}
}
