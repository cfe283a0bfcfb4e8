package compat

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// row is one row of testdata/answers.yaml.
type row struct {
	Name    string   `yaml:"name"`
	Op      string   `yaml:"op"`
	ID      string   `yaml:"id"` // of the object; the default is sample
	IfMatch string   `yaml:"ifMatch"`
	Select  []string `yaml:"select"`
	Times   int      `yaml:"times"`
	Replies []reply  `yaml:"replies"`
	Want    want     `yaml:"want"`
	Others  *want    `yaml:"others"`

	Requests         string `yaml:"requests"` // the methods, in order
	Waits            int    `yaml:"waits"`    // seconds between the first request and the second
	HiddenInBrowsers bool   `yaml:"hiddenInBrowsers"`
}

// reply is the server's response to one request.
type reply struct {
	Status  int                `yaml:"status"`
	Headers map[string]*string `yaml:"headers"`
	Body    *string            `yaml:"body"`
	Edit    [][2]string        `yaml:"edit"`
	Error   string             `yaml:"error"`
	Message string             `yaml:"message"`
}

// want is the expected result for the client's user; absent members are not compared.
type want struct {
	Kind    string         `yaml:"kind"`
	Status  int            `yaml:"status"`
	Code    *string        `yaml:"code"`
	Tag     *string        `yaml:"tag"`
	Targets []string       `yaml:"targets"`
	Count   int            `yaml:"count"`
	Body    map[string]any `yaml:"body"`
}

// object is the body of a reply.
const object = `{"@odata.type":"#microsoft.graph.pfxRecryptionRequest","id":"sample","tenantId":"f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9",` +
	`"userId":"a991071c-071c-a991-1c07-91a91c0791a9","deviceId":"b30de46d-e46d-b30d-6de4-0db36de40db3",` +
	`"profileId":"19ecf6e8-f6e8-19ec-e8f6-ec19e8f6ec19","thumbprint":"T","deviceKeyThumbprint":"D","status":6,"sourceType":10,` +
	`"createdTime":"2017-01-01T00:03:18Z","lastModifiedTime":"2017-01-01T00:02:18Z","isDeleted":true,"eTag":"e"}`

// newObject is the body of a creation.
var newObject = regexp.MustCompile(`"(@odata.type|id)":"[^"]*",`).ReplaceAllString(object, "")

func rows(t *testing.T) (rows []row) {
	t.Helper()
	text, err := os.ReadFile("testdata/answers.yaml")
	if err != nil {
		t.Fatal(err)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) < 114 {
		t.Fatalf("the table has %d rows", len(rows))
	}
	return rows
}

// TestAnswers: our clients interpret a response in the same way, and so do foreign clients as far as they interpret it.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, connect := range clients {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlayer(t)
			c := connect(t, p.URL+"/beta", "token")
			for _, r := range rows(t) {
				full, ours := c.(maker)
				if !ours && r.Others == nil || name == "chromium" && r.HiddenInBrowsers {
					continue
				}
				p.play(r)
				if ours {
					r.check(t, full.make(t.Context(), r.call()), r.Want, p)
				} else {
					r.check(t, r.through(t, c), *r.Others, p)
				}
			}
		})
	}
}

// call is the call of a row.
func (r *row) call() call {
	c := call{Op: r.Op, ID: cmp.Or(r.ID, "sample"), IfMatch: r.IfMatch, Select: r.Select, Times: r.Times}
	switch r.Op {
	case "patch":
		c.Body = json.RawMessage(`{"status":7}`)
	case "create", "upsert":
		c.Body = json.RawMessage(newObject)
	}
	return c
}

// through makes the call of a row with a foreign client.
func (r *row) through(t *testing.T, c caller) outcome {
	if r.Op == "get" {
		return c.get(t.Context(), "sample")
	}
	return c.patch(t.Context(), "sample", `{"status":7}`, r.IfMatch)
}

// check compares an outcome with that of the row.
func (r *row) check(t *testing.T, got outcome, w want, p *player) {
	t.Helper()
	equal := got.Kind == w.Kind && (w.Status == 0 || got.Status == w.Status) && (w.Code == nil || got.Code == *w.Code) &&
		(w.Tag == nil || got.Tag == *w.Tag) && (w.Targets == nil || slices.Equal(got.Targets, w.Targets)) && len(got.List) == w.Count
	for member, value := range w.Body {
		have, _ := json.Marshal(got.Body[member]) // it was decoded from JSON
		wanted, _ := json.Marshal(value)
		equal = equal && string(have) == string(wanted)
	}
	if !equal {
		t.Errorf("%s: got %+v, want %+v", r.Name, got, w)
	}
	if methods, waited := p.played(); r.Requests != "" && methods != r.Requests || waited < time.Duration(r.Waits)*time.Second-100*time.Millisecond {
		t.Errorf("%s: the requests %s, the second after %s; want %s, after %d s", r.Name, methods, waited, r.Requests, r.Waits)
	}
}

// player is a server that sends the replies of a row, also to pages of any origin.
type player struct {
	*httptest.Server
	mu      sync.Mutex
	row     row
	methods []string
	at      []time.Time
}

func newPlayer(t *testing.T) *player {
	p := &player{}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	return p
}

func (p *player) play(r row) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.row, p.methods, p.at = r, nil, nil
}

// played returns the methods of the requests, and the time between the first and the second.
func (p *player) played() (methods string, waited time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.at) > 1 {
		waited = p.at[1].Sub(p.at[0])
	}
	return strings.Join(p.methods, " "), waited
}

func (p *player) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "Date, ETag, Location, OData-EntityId, Retry-After, request-id")
	if r.Method == http.MethodOptions {
		h.Set("Access-Control-Allow-Methods", "DELETE, GET, PATCH, POST")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match, If-None-Match, Prefer, client-request-id")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	p.mu.Lock()
	p.methods, p.at = append(p.methods, r.Method), append(p.at, time.Now())
	next := p.row.Replies[min(len(p.methods), len(p.row.Replies))-1]
	p.mu.Unlock()
	next.write(w, p.URL+"/beta")
}

func (r *reply) write(w http.ResponseWriter, base string) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("ETag", `"1"`)
	for name, value := range r.Headers {
		if h[http.CanonicalHeaderKey(name)] = nil; value != nil { // nil prevents net/http's own value
			h.Set(name, expand(*value, base))
		}
	}
	w.WriteHeader(cmp.Or(r.Status, http.StatusOK))
	_, _ = w.Write([]byte(r.text(base))) // a client that has read enough closes the connection
}

// text returns the body of a reply.
func (r *reply) text(base string) string {
	switch {
	case r.Error != "":
		return fmt.Sprintf(`{"error":{"code":%q,"message":%q,"innerError":{}}}`, r.Error, cmp.Or(r.Message, "Message."))
	case r.Body != nil:
		return expand(*r.Body, base)
	}
	text := object
	for _, edit := range r.Edit {
		text = strings.Replace(text, edit[0], edit[1], 1)
	}
	return text
}

var dates = regexp.MustCompile(`\{date([+-][0-9]+)\}`)

// expand replaces placeholders by values that are known only at run time.
func expand(text, base string) string {
	text = strings.NewReplacer("{base}", base, "{object}", object).Replace(text)
	return dates.ReplaceAllStringFunc(text, func(found string) string {
		seconds, _ := strconv.Atoi(dates.FindStringSubmatch(found)[1]) // digits, by the pattern
		return time.Now().UTC().Add(time.Duration(seconds) * time.Second).Format(http.TimeFormat)
	})
}
