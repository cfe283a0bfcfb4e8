package pfxtest_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/tools/txtar"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/openapi"
	"github.com/pfxrecryption/pfxrecryption/server/pfxtest"
)

// TestHostileRequests sends invalid and some valid requests through an enforcing gateway. Independent means check what
// reaches the upstream: the head by its own rules, the body by a strict scan and kin-openapi, the parameters as net/url
// reads them.
func TestHostileRequests(t *testing.T) {
	t.Parallel()
	testHostileRequests(t, 500)
}

func testHostileRequests(t *testing.T, count int) {
	server := pfxtest.Start(t, pfxtest.Config{})
	rec := newRecorder(t)
	gateway := gatewayTo(t, server, rec.url)
	bases := hostileBases(t, server)
	start := time.Now()
	var next, answers atomic.Int64
	// A sender waits only briefly for the response to a possibly incomplete request. A busy machine responds to fewer
	// in time, so it gets more requests.
	enough := func() bool { return rec.passed.Load() >= int64(count/20) && answers.Load() >= int64(count/2) }
	var senders sync.WaitGroup
	for range 32 {
		senders.Go(func() {
			for {
				n := next.Add(1)
				if n > int64(count) && enough() || t.Failed() {
					return
				}
				random := rand.New(rand.NewPCG(20, uint64(n)))
				request := mutate(random, bases[random.IntN(len(bases))])
				if random.IntN(8) == 0 { // pipelined
					request = append(request, mutate(random, bases[random.IntN(len(bases))])...)
				}
				answers.Add(send(t, gateway, request))
			}
		})
	}
	senders.Wait()
	t.Logf("%d requests, %d responses, %d reached the upstream, %s", next.Load(), answers.Load(), rec.passed.Load(), time.Since(start).Round(time.Millisecond))
}

// hostileBases returns the requests of the golden cases and valid ones, in wire format.
func hostileBases(t *testing.T, server *pfxtest.Server) [][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/wire/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	var bases [][]byte
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c := &wireCase{t: t, server: server, key: "sample"}
		if request := c.request(string(archive.Files[0].Data)); len(request) < 8<<10 {
			bases = append(bases, request)
		}
	}
	c := &wireCase{t: t, server: server, key: "sample"}
	for range len(files) / len(validRequests) / 2 {
		for _, text := range validRequests {
			bases = append(bases, c.request(text))
		}
	}
	return bases
}

var validRequests = []string{
	"GET /beta/pfxRecryptionRequests HTTP/1.1\nAuthorization: Bearer {{token}}\n",
	"GET /beta/pfxRecryptionRequests?$top=5&$count=true&$select=id,status&$filter=status%20eq%206 HTTP/1.1\nAuthorization: Bearer {{token}}\n",
	"GET /beta/pfxRecryptionRequests/{{key}}?$select=status HTTP/1.1\nAuthorization: Bearer {{token}}\nIf-None-Match: \"a\"\n",
	"POST /beta/pfxRecryptionRequests HTTP/1.1\nAuthorization: Bearer {{token}}\nContent-Type: application/json\n\n{{page}}",
	"PATCH /beta/pfxRecryptionRequests/{{key}} HTTP/1.1\nAuthorization: Bearer {{token}}\nContent-Type: application/merge-patch+json\nIf-Match: *\nPrefer: return=minimal\n\n{{page}}",
	"PATCH /beta/pfxRecryptionRequests('{{key}}') HTTP/1.1\nAuthorization: Bearer {{token}}\nContent-Type: application/json\nTransfer-Encoding: chunked\n\n{{chunk \"{\\\"status\\\":1}\"}}",
	"PATCH /beta/pfxRecryptionRequests/{{key}} HTTP/1.1\nAuthorization: Bearer {{token}}\nContent-Type: application/json\nContent-Encoding: gzip\n\n{{gzip \"{\\\"status\\\":1}\"}}",
	"DELETE /beta/pfxRecryptionRequests/{{key}} HTTP/1.1\nAuthorization: Bearer {{token}}\nIf-Match: W/\"a\", \"b\"\n",
}

var (
	hostileLines = []string{
		"Content-Length: 0", "Content-Length: 5", "Content-Length: +5", "Content-Length: 1, 1", "Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked",
		"Transfer-Encoding: identity", "Transfer-Encoding : chunked", "Transfer_Encoding: chunked", " folded: x", "Connection: close", "Connection: If-Match", "Connection: Authorization, keep-alive",
		"Connection: Content-Length", "Keep-Alive: x", "Upgrade: h2c", "HTTP2-Settings: x", "TE: trailers", "Trailer: Authorization", "Expect: 100-continue", "Expect: x",
		"X-Forwarded-For: 1.2.3.4", "X-Forwarded-Host: evil", "Forwarded: for=x", "Proxy-Connection: close", "Host: evil", "Host: a b", "Authorization: Bearer x", "If_Match: x",
		"X-HTTP-Method-Override: DELETE", "X-Original-URL: /admin", "Content-Type: text/plain", "Content-Type: application/json; charset=utf-16", "Content-Encoding: gzip",
		"Content-Encoding: br", "If-Match: x", "If-None-Match: *", "Prefer: create-if-missing", "Accept: text/html", "Nul: a\x00b", "Bare: a\rb", "Lf: a\nX-Injected: b", "No colon", ": no name",
	}
	hostilePaths = []string{
		"%2e%2e/", "../", "./", "//", "%2f", "%5c", "\\", ";x=y", "%00", "%0d%0aX: y", "?$top=1", "?$top=0", "?x=y", "#f", "('k')", "(k)", "%", "%zz", "%25", "\xff", "%c0%ae", "/", "%70", "k", "?",
		"&$count=true", "&$COUNT=false", "&top=1", "&$filter=a", "+", " ", "@", ":8080", "http://evil",
	}
	hostileJSON = []string{
		`"status":1,`, `"Status":1,`, `"\u0073tatus":1,`, `"status":1.0`, `"status":1e2`, `null`, `{`, `}`, `[`, `]`, `,`, `:`, `"`, `\u0000`, `\ud800`, "\xff", "\x00", "\xef\xbb\xbf", `"@x":[[[[[[[[[1]]]]]]]]],`,
		`"id":"x",`, `"unknown":1,`, `"@odata.type":"#x",`, `-0`, `99999999999`, `true`, "/**/", `"createdTime":"2023-02-30T00:00Z",`, `"tenantId":null,`, " ", "\r\n",
	}
	hostileFraming = []string{"0\r\n\r\n", "5\r\n", "\r\n", "\n", "\r", "\r\n\r\n", "ffffffffffffffff\r\n", "GET /beta/smuggled HTTP/1.1\r\nHost: a\r\n\r\n", "0\r\nX: y\r\n\r\n"}
)

// mutate returns a request with up to three faults; some have none.
func mutate(random *rand.Rand, base []byte) []byte {
	b := bytes.Clone(base)
	for range random.IntN(4) {
		head, body, _ := bytes.Cut(b, []byte("\r\n\r\n"))
		lines := bytes.Split(head, []byte("\r\n"))
		switch random.IntN(9) {
		case 0:
			if i := random.IntN(len(b)); len(b) > 0 {
				b[i] ^= 1 << random.IntN(8)
			}
			continue
		case 1: // duplicate
			i := random.IntN(len(lines))
			lines = append(lines, lines[i])
		case 2: // remove
			i := random.IntN(len(lines))
			lines = append(lines[:i:i], lines[i+1:]...)
		case 3: // reorder
			random.Shuffle(len(lines)-1, func(i, j int) { lines[i+1], lines[j+1] = lines[j+1], lines[i+1] })
		case 4, 5:
			line := []byte(hostileLines[random.IntN(len(hostileLines))])
			at := 1 + random.IntN(len(lines))
			at = min(at, len(lines))
			lines = append(lines[:at:at], append([][]byte{line}, lines[at:]...)...)
		case 6:
			at := bytes.IndexByte(lines[0], ' ') + 1
			end := max(at, bytes.LastIndexByte(lines[0], ' '))
			lines[0] = insert(random, lines[0], at, end, hostilePaths)
		case 7:
			before := len(body)
			body = insert(random, body, 0, len(body), hostileJSON)
			if random.IntN(4) > 0 {
				for i, line := range lines {
					if string(line) == fmt.Sprintf("Content-Length: %d", before) {
						lines[i] = fmt.Appendf(nil, "Content-Length: %d", len(body))
					}
				}
			}
		case 8:
			body = insert(random, body, 0, len(body), hostileFraming)
		}
		b = append(append(bytes.Join(lines, []byte("\r\n")), "\r\n\r\n"...), body...)
	}
	if len(b) == 0 {
		return []byte("\r\n")
	}
	return b
}

// insert inserts one of texts between two offsets.
func insert(random *rand.Rand, b []byte, from, to int, texts []string) []byte {
	at := from
	if to > from {
		at += random.IntN(to - from + 1)
	}
	text := texts[random.IntN(len(texts))]
	return append(append(bytes.Clone(b[:at]), text...), b[at:]...)
}

// send sends bytes over a new connection, and returns the number of responses. An incomplete request gets none: the gateway
// waits for the rest, the test only briefly.
func send(t *testing.T, address string, request []byte) int64 {
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(150 * time.Millisecond))
	_, _ = c.Write(request)
	in := bufio.NewReader(c)
	method, _, _ := bytes.Cut(request, []byte(" "))
	answers := int64(0)
	for range 2 {
		resp, err := http.ReadResponse(in, &http.Request{Method: string(method)})
		if err != nil {
			break
		}
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		// net/http supports no coding except chunked, and no other versions.
		if resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented && resp.StatusCode != http.StatusHTTPVersionNotSupported {
			t.Errorf("%s for %q", resp.Status, request)
		}
		answers++
		if err != nil || resp.Close {
			break
		}
		_ = c.SetDeadline(time.Now().Add(5 * time.Millisecond))
	}
	return answers
}

// recorder is an upstream that analyses each request.
type recorder struct {
	t      *testing.T
	url    string
	passed atomic.Int64
	doc    *openapi3.T
}

func newRecorder(t *testing.T) *recorder {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(openapi.Document)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{t: t, url: "http://" + l.Addr().String(), doc: doc}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				for in := bufio.NewReader(c); r.one(in) == nil; {
					_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
				}
			})
		}
	})
	t.Cleanup(func() { // after the gateway has closed its connections
		l.Close()
		running.Wait()
	})
	return r
}

// one reads one request and checks it.
func (r *recorder) one(in *bufio.Reader) error {
	head := ""
	for !strings.HasSuffix(head, "\r\n\r\n") {
		line, err := in.ReadString('\n')
		if err != nil {
			if head+line != "" {
				r.t.Errorf("an incomplete request reached the upstream: %q", head+line)
			}
			return err
		}
		head += line
	}
	body := ""
	if m := recordedLength.FindStringSubmatch(head); m != nil {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			r.t.Errorf("%v: %q", err, head)
			return err
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(in, b); err != nil {
			r.t.Errorf("an incomplete request reached the upstream: %q", head)
			return err
		}
		body = string(b)
	}
	if err := r.judge(head, body); err != nil {
		r.t.Errorf("%v: %q %q", err, head, body)
	}
	r.passed.Add(1)
	return nil
}

var (
	recordedLength = regexp.MustCompile(`\r\nContent-Length: ([0-9]+)\r\n`)
	recordedLine   = regexp.MustCompile(`^(GET|HEAD|POST|PATCH|DELETE) /beta/pfxRecryptionRequests(?:/([A-Za-z0-9_~-][A-Za-z0-9._~-]{0,127}))?(?:\?([!-~]+))? HTTP/1\.1$`)
	recordedField  = regexp.MustCompile("^([A-Za-z0-9!#$%&'*+.^`|~-]+): ([^\\x00-\\x08\\x0a-\\x1f\\x7f]*)$") // no underscore
	token          = regexp.MustCompile(`^(?i:Bearer) [A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$`)
)

// barred are the fields that must never reach the upstream, then those that must not be duplicates.
var barred = []string{
	"Transfer-Encoding", "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "Proxy-Authenticate", "TE", "Trailer", "Upgrade", "Expect", "HTTP2-Settings",
	"X-Real-Ip", "Content-Encoding", "X-HTTP-Method-Override", "X-Original-URL",
}

var single = []string{
	"Host", "Content-Length", "Content-Type", "Authorization", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
}

// judge returns an error for an invalid request.
func (r *recorder) judge(head, body string) error {
	lines := strings.Split(strings.TrimSuffix(head, "\r\n\r\n"), "\r\n")
	m := recordedLine.FindStringSubmatch(lines[0])
	if m == nil {
		return errors.New("the contract does not have the request line")
	}
	method, key, query := m[1], m[2], m[3]
	header := http.Header{}
	for _, line := range lines[1:] {
		f := recordedField.FindStringSubmatch(line)
		if f == nil {
			return fmt.Errorf("not a field: %q", line)
		}
		header.Add(f[1], f[2])
	}
	for _, name := range barred {
		if len(header.Values(name)) > 0 {
			return errors.New(name + " has passed")
		}
	}
	hasBody := method == http.MethodPatch || method == http.MethodPost
	for _, name := range single {
		if len(header.Values(name)) > 1 && (hasBody || name != "Content-Type") { // it has no meaning without a body
			return errors.New(name + " is a duplicate")
		}
	}
	switch {
	case header.Get("Host") != strings.TrimPrefix(r.url, "http://"):
		return errors.New("the wrong host")
	case !strings.HasPrefix(header.Get("Forwarded"), "for=127.0.0.1;") || header.Get("X-Forwarded-For") != "127.0.0.1":
		return errors.New("the wrong client address")
	case !token.MatchString(header.Get("Authorization")):
		return errors.New("no token")
	case hasBody != (len(header.Values("Content-Length")) == 1):
		return errors.New("a body without a length, or a length without a body")
	case (key == "") != (method == http.MethodPost) && !(key == "" && (method == http.MethodGet || method == http.MethodHead)):
		return errors.New("the path does not have the method")
	}
	return errors.Join(r.judgeParameters(method, key, query, header), r.judgeBody(method, key, header.Get("Content-Type"), body))
}

var declaredOptions = map[string]*regexp.Regexp{
	"$top": regexp.MustCompile(`^([1-9][0-9]{0,2}|1000)$`), "$count": regexp.MustCompile(`^(true|false)$`), "$select": regexp.MustCompile(`^ *(\*|[A-Za-z]+) *(, *(\*|[A-Za-z]+) *)*$`),
	"$skiptoken": regexp.MustCompile(`^[A-Za-z0-9_-]+$`), "$filter": regexp.MustCompile(`^(?s).+$`),
}

func (r *recorder) judgeParameters(method, key, query string, header http.Header) error {
	options, err := url.ParseQuery(query)
	if err != nil {
		return err
	}
	for name, values := range options {
		declared := declaredOptions[name]
		switch {
		case declared == nil, len(values) != 1, method != "GET" && method != "HEAD", key != "" && name != "$select":
			return errors.New("unknown or duplicate option: " + name)
		case !declared.MatchString(values[0]):
			return fmt.Errorf("%s is %q", name, values[0])
		}
	}
	for _, op := range pfxvalid.Operations {
		if op.Path == "/$batch" || op.Method != strings.Replace(method, "HEAD", "GET", 1) || strings.Contains(op.Path, "{") != (key != "") {
			continue
		}
		names := header["Client-Request-Id"]
		if len(names) > 1 { // they select nothing, which is valid
			header["Client-Request-Id"] = names[:1]
		}
		path := []string{key}
		if key == "" {
			path = nil
		}
		if faults := op.CheckParams(path, query, header); faults != nil {
			return fmt.Errorf("the parameters: %+v", faults.List)
		}
	}
	return nil
}

func (r *recorder) judgeBody(method, key, mediaType, body string) error {
	if method != http.MethodPatch && method != http.MethodPost {
		return nil
	}
	schema, types := "pfxRecryptionRequestUpdate", `^(?i)application/(merge-patch\+)?json *(;|$)`
	if key == "" {
		schema, types = "pfxRecryptionRequestCreate", `^(?i)application/json *(;|$)`
	}
	var value map[string]any
	switch {
	case !regexp.MustCompile(types).MatchString(mediaType):
		return errors.New("the wrong media type")
	case len(body) > 64<<10:
		return errors.New("the body is too long")
	case !jsontext.Value(body).IsValid(): // also rejects duplicates and invalid UTF-8
		return errors.New("not JSON")
	}
	if err := json.Unmarshal([]byte(body), &value); err != nil {
		return err
	}
	for name := range value {
		if strings.Contains(name, "@") && name != "@odata.type" {
			delete(value, name)
		}
	}
	if err := r.doc.Components.Schemas[schema].Value.VisitJSON(value, openapi3.MultiErrors()); err != nil {
		return err
	}
	for _, op := range pfxvalid.Operations {
		if op.Method == method && strings.HasPrefix(op.Path, "/pfxRecryptionRequests") {
			if faults := op.Request[0].Check([]byte(body)); faults != nil {
				return fmt.Errorf("the body: %+v", faults.List)
			}
		}
	}
	return nil
}
