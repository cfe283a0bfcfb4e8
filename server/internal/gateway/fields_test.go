package gateway_test

import (
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
)

// counted is a document whose responses and parts have header fields.
const counted = `
openapi: 3.1.0
info: { title: Counted, version: '1' }
paths:
  /x:
    get:
      responses:
        '200':
          description: One.
          headers:
            X-Total: { required: true, schema: { type: integer } }
            X-Tree: { schema: { type: array, items: { type: array } } }
        default: { description: Another. }
    post:
      requestBody: { content: { multipart/form-data: { schema: { type: object }, encoding: { a: { headers: { X-Id: { required: true, schema: { type: integer } } } } } } } }
      responses: { default: { description: Any. } }
`

func withDocument(t *testing.T, text string) func(*gateway.Config) {
	contract, _, err := gateway.Read(t.Context(), []byte(text), spec.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return func(c *gateway.Config) { c.Contract = contract }
}

// TestResponseFields: a response whose header fields break the contract is refused or, if watched, passes unchanged.
func TestResponseFields(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		method string
		status int
		fields []string
		logged string // "" for a valid response
	}{
		"valid":             {"GET", 200, []string{"X-Total: 5"}, ""},
		"missing":           {"GET", 200, nil, `"violation":"header","verdict":"V","keyword":"required","in":"header","name":"X-Total"`},
		"malformed":         {"GET", 200, []string{"x-total: c4n4ry"}, `"violation":"header","verdict":"V","keyword":"type","in":"header","name":"X-Total"`},
		"twice":             {"GET", 200, []string{"X-Total: 5", "X-Total: 5"}, `"violation":"header","verdict":"V","keyword":"repeated","in":"header","name":"X-Total"`},
		"another status":    {"GET", 404, nil, ""},
		"an unjudged field": {"GET", 200, []string{"X-Total: 5", "x-tree: c4n4ry"}, `"violation":"not-judged","verdict":"V","keyword":"not-judged","in":"header","name":"X-Tree"`},
		"HEAD may omit it":  {"HEAD", 200, nil, ""},
		"HEAD, malformed":   {"HEAD", 200, []string{"X-Total: c4n4ry"}, `"violation":"header","verdict":"V","keyword":"type","in":"header","name":"X-Total"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for mode, verdict := range map[string]string{"enforce": "refused", "monitor": "watched", "off": ""} {
				s := newStand(t, "responses: "+mode+"\n", reply(tt.status, "", tt.fields...), withDocument(t, counted))
				got, text := s.send(tt.method+" /x\nX: y", ""), s.log.String()
				want := tt.status
				if mode == "enforce" && tt.logged != "" {
					want = 502
				}
				logged := strings.Replace(tt.logged, `"V"`, `"`+verdict+`"`, 1)
				if verdict == "" {
					logged = ""
				}
				if got.status != want || !strings.Contains(text, logged) || (logged != "") != strings.Contains(text, `"violation"`) || strings.Contains(text, "c4n4ry") {
					t.Errorf("%s: got %d, logged %s\nwant %d and %s", mode, got.status, text, want, logged)
				}
			}
		})
	}
}

// TestPartFields: the header fields of parts are checked, and named in the refusal.
func TestPartFields(t *testing.T) {
	t.Parallel()
	for field, want := range map[string]string{
		"X-Id: 5": "", "X-Other: 5": "The parameter 'X-Id' is required.", "X-Id: c4n4ry": "The parameter 'X-Id' is malformed: it must be of the type 'integer'.",
	} {
		s := newStand(t, "requests: enforce\n", reply(200, ""), withDocument(t, counted))
		got := s.send("POST /x\nContent-Type: multipart/form-data; boundary=B", "--B\r\nContent-Disposition: form-data; name=a\r\n"+field+"\r\n\r\nx\r\n--B--\r\n")
		if (got.status == 200) != (want == "") || !strings.Contains(got.body, want) || strings.Contains(got.body+s.log.String(), "c4n4ry") {
			t.Errorf("%s: got %+v, logged %s", field, got, s.log.String())
		}
		if want != "" && !strings.Contains(s.log.String(), `"in":"header","name":"X-Id"`) {
			t.Errorf("%s: logged %s", field, s.log.String())
		}
	}
}
