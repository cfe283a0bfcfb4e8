package openapi

import (
	"flag"
	"fmt"
	"net/textproto"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
)

var update = flag.Bool("update", false, "rewrite the verdicts in testdata")

var contracts = []string{"shop.yaml", "flow.json", "files.yaml"}

func load(t testing.TB, name string) *gateway.Contract {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Load(data)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return c
}

func operationOf(c *gateway.Contract, id string) gateway.Operation {
	for _, o := range c.Operations {
		if name, _, _ := o.Route(); name == id {
			return o
		}
	}
	return nil
}

// TestVerdicts reads testdata/*.txt, whose lines are
//
//	operation what data => faults
//
// where what is path (segments between bars), query, header (lines between bars), request:TYPE or STATUS:TYPE. Data that
// begins with $ is a string of Go, @N are N arrays in each other. Parameters that a case does not speak of are not sent: a
// case of the query has no fault of a header that is required.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	for _, name := range contracts {
		c := load(t, name)
		file := "testdata/" + strings.TrimSuffix(strings.TrimSuffix(name, ".yaml"), ".json") + ".txt"
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		cases := 0
		var out strings.Builder
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSuffix(line, "\n")
			call, want, ok := cutLast(line, " => ")
			if !ok {
				fmt.Fprintln(&out, line)
				continue
			}
			cases++
			got := verdict(t, c, call)
			if got != want && !*update {
				t.Errorf("%s: %s\n got %s\nwant %s", file, call, got, want)
			}
			fmt.Fprintf(&out, "%s => %s\n", call, got)
		}
		if cases < 40 {
			t.Errorf("%s has %d cases, want 40", file, cases)
		}
		if *update {
			if err := os.WriteFile(file, []byte(out.String()), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestNamesKnowTheirPlace: a fault of propertyNames had the path of whatever value was looked at after it.
func TestNamesKnowTheirPlace(t *testing.T) {
	t.Parallel()
	c := load(t, "flow.json")
	const call = `putFlow request:application/json {"version":2,"steps":[null],"labels":{"xa":1,"xb":"1","A":1,"B":2}}`
	const want = "type /labels/xb; propertyNames /labels/A; propertyNames /labels/B"
	for range 100 { // members are looked at in any order
		if got := verdict(t, c, call); sorted(got) != sorted(want) {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
}

func sorted(verdict string) string {
	faults := strings.Split(verdict, "; ")
	slices.Sort(faults)
	return strings.Join(faults, "; ")
}

func cutLast(s, separator string) (string, string, bool) {
	i := strings.LastIndex(s, separator)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(separator):], true
}

func verdict(t *testing.T, c *gateway.Contract, call string) string {
	t.Helper()
	id, rest, _ := strings.Cut(call, " ")
	what, data, _ := strings.Cut(rest, " ")
	o := operationOf(c, strings.ReplaceAll(id, "_", " "))
	if o == nil {
		t.Fatalf("there is no operation %s", id)
	}
	if quoted, ok := strings.CutPrefix(data, "$"); ok {
		var err error
		if data, err = strconv.Unquote(quoted); err != nil {
			t.Fatalf("%s: %v", call, err)
		}
	}
	if n, err := strconv.Atoi(strings.TrimPrefix(data, "@")); err == nil && data[0] == '@' {
		data = strings.Repeat("[", n) + strings.Repeat("]", n)
	}
	var faults []string
	report := func(in, pointer, name, keyword, _, _, _ string) {
		if in == "" {
			faults = append(faults, strings.TrimSpace(keyword+" "+pointer))
		} else if in == what {
			faults = append(faults, keyword+" "+strings.Trim(strconv.Quote(name), `"`)+pointer)
		}
	}
	switch where, mediaType, _ := strings.Cut(what, ":"); where {
	case "path":
		o.CheckParameters(strings.Split(data, "|"), "", nil, report)
	case "query":
		o.CheckParameters(nil, data, nil, report)
	case "header":
		header := map[string][]string{}
		for line := range strings.SplitSeq(data, "|") {
			if name, value, ok := strings.Cut(line, ":"); ok {
				key := textproto.CanonicalMIMEHeaderKey(name)
				header[key] = append(header[key], strings.TrimSpace(value))
			}
		}
		o.CheckParameters(nil, "", header, report)
	case "request":
		o.CheckRequestBody(mediaType, []byte(data), report)
	default:
		status, err := strconv.Atoi(where)
		if err != nil {
			t.Fatalf("%s: %v", call, err)
		}
		o.CheckResponseBody(status, mediaType, []byte(data), report)
	}
	if faults == nil {
		return "ok"
	}
	return strings.Join(faults, "; ")
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	var got []string
	for _, name := range contracts {
		c := load(t, name)
		got = append(got, fmt.Sprintf("%s %q %d %d %v", name, c.BasePaths, c.MaxBody, c.MaxDepth, c.Graph))
		for _, o := range c.Operations {
			id, method, path := o.Route()
			types, required := o.RequestBody()
			got = append(got, fmt.Sprintf("%s: %s %s token=%v %v body=%v %v header=%v", id, method, path, o.TokenRequired(), o.Permissions(), types, required, o.Headers()))
		}
	}
	want := []string{
		`shop.yaml ["/staging/v2" "/geo" "/v2"] 1048576 64 false`,
		"listPets: GET /pets token=true [pets.read] body=[] false header=[X-Trace X-Flags Cookie]",
		"createPet: POST /pets token=true [pets.read pets.write] body=[application/json application/merge-patch+json application/x-www-form-urlencoded] true header=[X-Trace]",
		"GET /pets/{petId}: GET /pets/{petId} token=false [] body=[] false header=[]",
		"findStores: GET /stores/{place}/{matrix}/{label} token=true [pets.read] body=[] false header=[]",
		`flow.json [""] 1048576 64 false`,
		"putFlow: PUT /flows/{name} token=false [] body=[application/json] true header=[]",
		`files.yaml [""] 1048576 64 false`,
		"download: GET /files/{path} token=false [files.read] body=[] false header=[Cookie]",
		"upload: PUT /files/{path} token=true [files.admin files.write] body=[application/json application/octet-stream text/csv text/plain */*] false header=[If-Match X-Meta X-Json]",
		"search: POST /search token=false [] body=[application/json] true header=[]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestResponseOfAStatus(t *testing.T) {
	t.Parallel()
	files, flow, shop := load(t, "files.yaml"), load(t, "flow.json"), load(t, "shop.yaml")
	for _, tt := range []struct {
		c          *gateway.Contract
		id         string
		status     int
		want       string
		documented bool
	}{
		{files, "upload", 200, "[*/*]", true},
		{files, "upload", 304, "[]", true},
		{files, "upload", 503, "[application/json]", true},
		{files, "upload", 404, "[text/plain]", true},
		{files, "download", 200, "[application/* text/*]", true},
		{flow, "putFlow", 202, "[application/json]", true},
		{flow, "putFlow", 302, "[]", false},
		{shop, "listPets", 422, "[application/problem+json]", true},
		{shop, "createPet", 200, "[]", false},
		{shop, "createPet", 204, "[]", true},
	} {
		types, documented := operationOf(tt.c, tt.id).Response(tt.status)
		if fmt.Sprint(types) != tt.want || documented != tt.documented {
			t.Errorf("%s %d: got %v %v, want %s %v", tt.id, tt.status, types, documented, tt.want, tt.documented)
		}
	}
}

func TestQueryOption(t *testing.T) {
	t.Parallel()
	shop, flow := load(t, "shop.yaml"), load(t, "flow.json")
	for _, tt := range []struct {
		c              *gateway.Contract
		id, name, want string
	}{
		{shop, "listPets", "limit", "limit"},
		{shop, "listPets", "Limit", ""},
		{shop, "listPets", "filter", ""},
		{shop, "listPets", "filter[status]", "filter[status]"},
		{shop, "listPets", "filter[a][b]", ""},
		{shop, "listPets", "filter[]", ""},
		{shop, "listPets", "offset", "offset"},
		{shop, "listPets", "page", ""},
		{shop, "createPet", "api_key", "api_key"},
		{flow, "putFlow", "anything", "anything"},
		{flow, "putFlow", "at", "at"},
	} {
		if got := operationOf(tt.c, tt.id).QueryOption(tt.name); got != tt.want {
			t.Errorf("%s %q: got %q, want %q", tt.id, tt.name, got, tt.want)
		}
	}
}

// TestFaultsSayWhatIsAskedFor and never what was sent.
func TestFaultsSayWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	var got []string
	report := func(in, pointer, name, keyword, typ, format, value string) {
		got = append(got, strings.Join([]string{in, pointer, name, keyword, typ, format, value}, "|"))
	}
	shop, flow := load(t, "shop.yaml"), load(t, "flow.json")
	operationOf(shop, "createPet").CheckRequestBody("application/json", []byte(`{"kind":"cat","id":1,"name":"","born":"sent","mood":"sent","parent":{"sent~/":1},"grid":[[1],["sent"]],"weight":2147483648}`), report)
	operationOf(shop, "listPets").CheckParameters(nil, "limit=0&sent=1&ids=1,sent&filter[status]=sent", nil, report)
	operationOf(flow, "putFlow").CheckRequestBody("application/json", []byte(`{"version":1,"steps":[{"do":"sent"}],"note":7}`), report)
	want := []string{
		"|/id|id|readOnly|integer|int64|",
		"|/name|name|minLength|string||1",
		"|/born|born|format|string|date|",
		`|/mood|mood|enum|string||["good","bad",null]`,
		"|/parent/sent~0~1|sent~/|additionalProperties|||",
		"|/parent/href|href|required|string|uri|",
		"|/grid/1/0|grid|type|integer||",
		"|/weight|weight|format|integer|int32|",
		"|/lives|lives|required|integer||",
		"query||sent|additionalProperties|||",
		"query||limit|minimum|integer|int32|1",
		"query|/1|ids|type|integer|int64|",
		`query|/status|filter|enum|string||["available","sold"]`,
		"|/version|version|const|||2",
		`|/steps/0/do|do|enum|string||["Group","Run"]`,
		"|/note|note|type|string||",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
