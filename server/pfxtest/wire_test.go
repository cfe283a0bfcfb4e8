package pfxtest_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/pfxrecryption/pfxrecryption/openapi"
	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/app"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/pfxtest"
)

var update = flag.Bool("update", false, "rewrite the expected responses under testdata/wire")

// flavours are the servers that a case can name in its line `server:`.
var flavours = map[string]pfxtest.Config{
	"default":            {},
	"require-if-match":   {RequireIfMatch: true},
	"licensed-elsewhere": {LicensedTenants: []edm.Guid{{1}}},
}

// TestWire sends the cases in testdata/wire over TCP and compares the whole response. A case is a txtar archive: its first
// line names the row of the contract, then come requests and their responses, each on a new connection. A request is a
// text/template, see wireCase. On the wire its lines before the body end in CRLF, and missing Host and Content-Length are
// added. Values that differ between runs are masked in the response, and what every response has is left out, see brief. Each
// case has its own object, a copy of the page's example whose key is the name of the file.
func TestWire(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/wire/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	servers := map[string]*pfxtest.Server{}
	for name, config := range flavours {
		config.Seed = seed(t, files)
		servers[name] = pfxtest.Start(t, config)
	}
	t.Run("cases", func(t *testing.T) {
		for _, file := range files {
			t.Run(keyOf(file), func(t *testing.T) {
				t.Parallel()
				runWireCase(t, file, servers, func(response string) string { return response })
			})
		}
	})
}

// TestWireThroughGateway sends the same cases through a gateway that has the built-in contract and checks tokens like the
// server, in both directions. Its responses have the same bytes, except for the order of header fields and of methods in
// Allow.
func TestWireThroughGateway(t *testing.T) {
	t.Parallel()
	if *update {
		t.Skip("the expected responses are the server's")
	}
	files, err := filepath.Glob("testdata/wire/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	servers := map[string]*pfxtest.Server{}
	for name, config := range flavours {
		config.Seed = seed(t, files)
		server := pfxtest.Start(t, config)
		through := *server
		through.URL = startGateway(t, server)
		servers[name] = &through
	}
	t.Run("cases", func(t *testing.T) {
		for _, file := range files {
			t.Run(keyOf(file), func(t *testing.T) {
				t.Parallel()
				if keyOf(file) == "order-licence-before-media-type" {
					return // the gateway knows no licences: it refuses the media type first
				}
				runWireCase(t, file, servers, sortedHeader)
			})
		}
	})
}

// beyondDocument are the cases that no OpenAPI document can express, with the reason.
var beyondDocument = map[string]string{
	"address-unquoted":                 "an address in parentheses is OData's (OData 4.01 URL Conventions §4.3.1)",
	"address-quoted":                   "as address-unquoted",
	"address-quoted-escaped":           "as address-unquoted",
	"address-all-escaped":              "as address-unquoted",
	"get-quoted":                       "as address-unquoted",
	"upsert-minimal":                   "as address-unquoted",
	"options-entity":                   "the gateway responds to OPTIONS, and adds OData-Version only for the built-in contract",
	"options-collection":               "as options-entity",
	"order-accept-before-content-type": "only for the built-in contract, the gateway requires that Accept covers JSON",
	"order-licence-before-media-type":  "the gateway does not check licences: it rejects the media type first",
	"order-route-before-token":         "400 for a path below the base path is Microsoft Graph's",
	"options-no-route":                 "as order-route-before-token",
	"no-route-case":                    "as order-route-before-token",
	"no-route-deeper":                  "as order-route-before-token",
	"no-route-dot-segment":             "as order-route-before-token",
	"no-route-empty-key":               "as order-route-before-token",
	"no-route-empty-parens":            "as order-route-before-token",
	"no-route-trailing-slash":          "as order-route-before-token",
}

// TestWireThroughDocument sends the same cases through a gateway that reads our document from a file, like any other
// document. A request that passes gets the same response, and a refused one the same status, but not Graph's text.
func TestWireThroughDocument(t *testing.T) {
	t.Parallel()
	if *update {
		t.Skip("the expected responses are the server's")
	}
	files, err := filepath.Glob("testdata/wire/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for name := range beyondDocument {
		if !slices.Contains(files, "testdata/wire/"+name+".txt") {
			t.Errorf("unknown case %s", name)
		}
	}
	servers := map[string]*pfxtest.Server{}
	for name, config := range flavours {
		config.Seed = seed(t, files)
		server := pfxtest.Start(t, config)
		through := *server
		upstream, enforce := strings.TrimSuffix(server.URL, graph.BasePath), policy.Enforce
		c := app.GatewayConfig{Upstream: upstream, KeepHost: true, Responses: &enforce, MaxRequest: graph.MaxBody, Spec: "../../openapi/openapi.yaml"}
		through.URL = openGateway(t, server, c, slog.DiscardHandler) + graph.BasePath
		servers[name] = &through
	}
	t.Run("cases", func(t *testing.T) {
		for _, file := range files {
			t.Run(keyOf(file), func(t *testing.T) {
				t.Parallel()
				if beyondDocument[keyOf(file)] != "" || strings.HasPrefix(keyOf(file), "batch") {
					return // no document can say that a body contains requests: a batch gets 501
				}
				runWireCase(t, file, servers, func(response string) string {
					status, _, _ := strings.Cut(response, "\n")
					if len(status) > 9 && status[9] < '4' {
						return sortedHeader(response)
					}
					return status
				})
			})
		}
	})
}

// sortedHeader sorts the header fields of a response by name, and the methods in Allow.
func sortedHeader(response string) string {
	head, body, _ := strings.Cut(response, "\n\n")
	lines := strings.Split(head, "\n")
	for i, line := range lines {
		if allow, ok := strings.CutPrefix(line, "Allow: "); ok {
			methods := strings.Split(allow, ", ")
			slices.Sort(methods)
			lines[i] = "Allow: " + strings.Join(methods, ", ")
		}
	}
	slices.Sort(lines[1:])
	return strings.Join(lines, "\n") + "\n\n" + body
}

// startGateway starts a gateway that enforces both directions in front of a server and returns its URL with the
// contract's base path.
func startGateway(t *testing.T, server *pfxtest.Server) string {
	t.Helper()
	upstream, enforce := strings.TrimSuffix(server.URL, graph.BasePath), policy.Enforce
	return openGateway(t, server, app.GatewayConfig{Upstream: upstream, KeepHost: true, Responses: &enforce}, slog.DiscardHandler) + graph.BasePath
}

// gatewayTo starts a gateway that enforces requests in front of any upstream and returns its address.
func gatewayTo(t testing.TB, server *pfxtest.Server, upstream string) string {
	t.Helper()
	return strings.TrimPrefix(openGateway(t, server, app.GatewayConfig{Upstream: upstream}, slog.DiscardHandler), "http://")
}

// openGateway starts a gateway that enforces requests and accepts tokens of a server's issuer, and returns its URL.
func openGateway(t testing.TB, server *pfxtest.Server, c app.GatewayConfig, log slog.Handler) string {
	t.Helper()
	enforce := policy.Enforce
	c.Listen, c.MaxConns, c.Timeout, c.MaxResponse, c.Requests = "127.0.0.1:0", 512, time.Hour, 8<<20, &enforce
	c.Issuer = []string{strings.TrimSuffix(server.URL, graph.BasePath) + "/dev/{tenantid}/v2.0"}
	c.Audience = []string{auth.DefaultAudience}
	g, err := app.OpenGateway(t.Context(), c, slog.New(log))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- g.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-stopped; err != nil {
			t.Errorf("stopping the gateway: %v", err)
		}
	})
	return g.URL
}

func keyOf(file string) string { return strings.TrimSuffix(filepath.Base(file), ".txt") }

// seed returns a copy of the page's example for each case.
func seed(t *testing.T, files []string) []byte {
	var entity map[string]any
	if err := json.Unmarshal(openapi.UpdateResponseExample, &entity); err != nil {
		t.Fatal(err)
	}
	var entities []json.RawMessage
	for _, file := range files {
		entity["id"] = keyOf(file)
		b, err := json.Marshal(entity)
		if err != nil {
			t.Fatal(err)
		}
		entities = append(entities, b)
	}
	b, err := json.Marshal(entities)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func runWireCase(t *testing.T, file string, servers map[string]*pfxtest.Server, normal func(string) string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	row, flavour := comment(string(archive.Comment))
	server := servers[flavour]
	if row == "" || server == nil {
		t.Fatalf("the comment must be `row: …`, and `server: …` must name a flavour: %q", archive.Comment)
	}
	c := &wireCase{t: t, server: server, key: keyOf(file)}
	for i := 0; i+1 < len(archive.Files); i += 2 {
		request, response := &archive.Files[i], &archive.Files[i+1]
		got := brief(c.exchange(string(request.Data)))
		if strings.HasPrefix(got, "HTTP/1.1 5") {
			t.Errorf("%s\nexchange %d: no request may cause a 5xx status: %s", row, i/2+1, got)
		}
		if *update {
			response.Data = []byte(got)
		} else if diff := cmp.Diff(normal(string(response.Data)), normal(got)); diff != "" {
			t.Errorf("%s\nexchange %d (-want +got):\n%s", row, i/2+1, diff)
		}
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// usual are the header fields of every response. A client may send its own client-request-id.
var usual = []string{
	"Cache-Control: no-store", "OData-Version: 4.0", "X-Content-Type-Options: nosniff", "client-request-id: {request-id}", "request-id: {request-id}", "Date: {date}",
}

// brief omits the usual header fields of a response, each once, and Content-Length if the body shows it. A line with a
// minus sign reports a missing usual field.
func brief(response string) string {
	head, body, _ := strings.Cut(response, "\n\n")
	lines := strings.Split(head, "\n")
	for _, field := range usual {
		if i := slices.Index(lines, field); i >= 0 {
			lines = slices.Delete(lines, i, i+1)
		} else {
			lines = append(lines, "-"+field)
		}
	}
	if i := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "Content-Length: ") }); i >= 0 && body != "" {
		lines = slices.Delete(lines, i, i+1)
	}
	return strings.Join(lines, "\n") + "\n\n" + body
}

func comment(text string) (string, string) {
	row, flavour := "", "default"
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch name {
		case "row":
			row = value
		case "server":
			flavour = value
		}
	}
	return row, flavour
}

// wireCase is the data and the functions for the templates of one file.
type wireCase struct {
	t      *testing.T
	server *pfxtest.Server
	key    string
}

// exchange sends one request and returns the masked response.
func (c *wireCase) exchange(text string) string {
	request, conn := c.send(text)
	return c.response(bufio.NewReader(conn), bytes.HasPrefix(request, []byte("HEAD ")))
}

// send sends one request on a new connection.
func (c *wireCase) send(text string) ([]byte, net.Conn) {
	addr, err := url.Parse(c.server.URL)
	if err != nil {
		c.t.Fatal(err)
	}
	conn, err := net.Dial("tcp", addr.Host)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { conn.Close() })
	request := c.request(text)
	if _, err := conn.Write(request); err != nil {
		c.t.Logf("writing: %v", err) // a refusal may come before the end of a large body
	}
	return request, conn
}

func (c *wireCase) request(text string) []byte {
	tmpl, err := template.New(c.key).Funcs(template.FuncMap{
		"key":   func() string { return c.key },
		"token": func() string { return c.server.Token(c.t, pfxtest.Grant{}) },
		"reader": func() string {
			return c.token(pfxtest.Grant{Permissions: []string{"DeviceManagementConfiguration.Read.All"}})
		},
		"scp": func(permissions ...string) string {
			return c.token(pfxtest.Grant{Permissions: permissions, Delegated: true})
		},
		"roles":    func(permissions ...string) string { return c.token(pfxtest.Grant{Permissions: permissions}) },
		"tenant":   c.tenantToken,
		"audience": func(a string) string { return c.token(pfxtest.Grant{Audience: a}) },
		"expired":  func() string { return c.token(pfxtest.Grant{Lifetime: -time.Hour}) },
		"page":     func() string { return string(openapi.UpdateRequestExample) },
		"bytes":    func(s string) (string, error) { b, err := hex.DecodeString(s); return string(b), err },
		"repeat":   func(s string, n int) string { return strings.Repeat(s, n) },
		"gzip":     compress,
		"chunk":    func(s string) string { return fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(s), s) },
		"etag":     c.etag,
		"own":      func() string { return c.token(pfxtest.Grant{Tenant: c.ownTenant()}) },
		"entity":   c.entity,
	}).Option("missingkey=error").Parse(strings.TrimSuffix(text, "\n"))
	if err != nil {
		c.t.Fatal(err)
	}
	var b strings.Builder
	if err := tmpl.Execute(&b, nil); err != nil {
		c.t.Fatal(err)
	}
	head, body, _ := strings.Cut(b.String(), "\n\n")
	head = strings.TrimSuffix(head, "\n")
	if !strings.Contains(head, "\nHost:") {
		head += "\nHost: graph.test"
	}
	if body != "" && !strings.Contains(head, "\nContent-Length:") && !strings.Contains(head, "\nTransfer-Encoding:") {
		head += "\nContent-Length: " + strconv.Itoa(len(body))
	}
	return []byte(strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body)
}

func (c *wireCase) token(g pfxtest.Grant) string { return c.server.Token(c.t, g) }

func (c *wireCase) tenantToken(text string) (string, error) {
	tenant, err := edm.ParseGuid(text)
	return c.token(pfxtest.Grant{Tenant: tenant}), err
}

// ownTenant returns a tenant that no other case has, for cases that list objects.
func (c *wireCase) ownTenant() edm.Guid {
	sum := sha256.Sum256([]byte(c.key))
	return edm.Guid(sum[:16])
}

// entity returns the page's request with the case's own tenant and the given members in JSON.
func (c *wireCase) entity(members string) (string, error) {
	var entity, changes map[string]any
	if err := json.Unmarshal(openapi.UpdateRequestExample, &entity); err != nil {
		return "", err
	}
	if err := json.Unmarshal([]byte("{"+members+"}"), &changes); err != nil {
		return "", err
	}
	entity["tenantId"] = c.ownTenant()
	maps.Copy(entity, changes)
	b, err := json.Marshal(entity)
	return string(b), err
}

// etag returns the current entity tag of the case's object.
func (c *wireCase) etag() (string, error) {
	_, conn := c.send("PATCH /beta/pfxRecryptionRequests/{{key}} HTTP/1.1\nAuthorization: Bearer {{token}}\nIf-Match: *\nContent-Type: application/json\n\n{}")
	head, err := readHead(bufio.NewReader(conn))
	tag := entityTag.FindString(head)
	if tag == "" {
		return "", fmt.Errorf("the object has no entity tag: %s, %w", head, err)
	}
	return tag, nil
}

func compress(s string) (string, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, s); err != nil {
		return "", err
	}
	err := w.Close()
	return b.String(), err
}

func readHead(r *bufio.Reader) (string, error) {
	var head strings.Builder
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return "", fmt.Errorf("reading the head after %q: %w", head.String(), err)
		}
		if line == "\r\n" {
			return head.String(), nil
		}
		head.WriteString(line)
	}
}

var (
	entityTag     = regexp.MustCompile(`"[0-9a-f]{16}"`)
	contentLength = regexp.MustCompile(`(?m)^Content-Length: ([0-9]+)\r$`)
	requestID     = regexp.MustCompile(`(?m)^request-id: ([0-9a-f-]{36})\r$`)
	partID        = regexp.MustCompile(`"request-id":"([0-9a-f-]{36})"`)
	partTag       = regexp.MustCompile(`\\"[0-9a-f]{16}\\"`)
	madeKey       = regexp.MustCompile(`(?m)^Location: .*/([0-9a-f-]{36})\r$`)
	dateHeader    = regexp.MustCompile(`(?m)^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r$`)
	innerDate     = regexp.MustCompile(`"date":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"`)
)

// response reads one response and masks values that differ between runs.
func (c *wireCase) response(r *bufio.Reader, head bool) string {
	text, err := readHead(r)
	if err != nil {
		c.t.Fatal(err)
	}
	if m := contentLength.FindStringSubmatch(text); m != nil && !head {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			c.t.Fatal(err)
		}
		body := make([]byte, n)
		if _, err := io.ReadFull(r, body); err != nil {
			c.t.Fatal(err)
		}
		text += "\r\n" + string(body)
	}
	if m := requestID.FindStringSubmatch(text); m != nil {
		text = strings.ReplaceAll(text, m[1], "{request-id}")
	}
	for i, m := range partID.FindAllStringSubmatch(text, -1) {
		text = strings.ReplaceAll(text, m[1], fmt.Sprintf("{request-id-%d}", i+1))
	}
	text = partTag.ReplaceAllString(text, `\"{etag}\"`)
	if m := madeKey.FindStringSubmatch(text); m != nil {
		text = strings.ReplaceAll(text, m[1], "{made-key}")
	}
	text = entityTag.ReplaceAllString(text, `"{etag}"`)
	text = dateHeader.ReplaceAllString(text, "Date: {date}\r")
	text = innerDate.ReplaceAllString(text, `"date":"{date}"`)
	return strings.ReplaceAll(text, "\r\n", "\n") + "\n"
}
