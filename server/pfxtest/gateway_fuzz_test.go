package pfxtest_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/pfxrecryption/pfxrecryption/server/internal/app"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/pfxtest"
)

// FuzzGateway sends the same request to a server, and through a gateway to another server in the same state. If the gateway
// refuses it, the server must refuse it in the same words. If it passes, the server must not refuse it for a rule of the
// generated validation, and the response must be the same.
func FuzzGateway(f *testing.F) {
	for _, s := range gatewaySeeds(f) {
		f.Add(s.method, s.target, s.header, []byte(s.body), false)
		f.Add(s.method, s.target, s.header, []byte(s.body), true)
	}
	direct, behind := pfxtest.Start(f, pfxtest.Config{}), pfxtest.Start(f, pfxtest.Config{})
	refusals := &refusalCounter{}
	through := openGateway(f, behind, app.GatewayConfig{Upstream: strings.TrimSuffix(behind.URL, graph.BasePath), KeepHost: true}, refusals)
	a := &target{address: strings.TrimSuffix(strings.TrimPrefix(direct.URL, "http://"), graph.BasePath), token: direct.Token(f, pfxtest.Grant{})}
	b := &target{address: strings.TrimPrefix(through, "http://"), token: behind.Token(f, pfxtest.Grant{})}
	f.Fuzz(func(t *testing.T, method, target, header string, body []byte, chunked bool) {
		head, ok := gatewayHead(method, target, header)
		if !ok || len(body) > 70<<10 {
			t.Skip("not one request")
		}
		before := refusals.n.Load()
		want, got := a.send(t, method, head, body, chunked), b.send(t, method, head, body, chunked)
		refused := refusals.n.Load() > before
		if got != want {
			t.Fatalf("%q %q %t\nthe server:  %+v\nthe gateway: %+v, refused %t", head, body, chunked, want, got, refused)
		}
		// A response to HEAD, or one of net/http's own, has no code.
		if got.code != "" && got.status == http.StatusBadRequest && !refused && !beyondValidation.MatchString(got.message) {
			t.Fatalf("%q %q passed the gateway, but the server refused it: %+v", head, body, got)
		}
	})
}

// beyondValidation matches the messages of the server's refusals that no schema expresses.
var beyondValidation = regexp.MustCompile(`^(The value of 'id' (does not match|is that of an earlier request)|The value of 'dependsOn' |The property '[A-Za-z]+' is required to create an object|The parameter '(If-None-Match' has no meaning|\$filter'|\$skiptoken'|\$select'))`)

// gatewayHead assembles the head of a request without its framing. It omits Connection: the gateway refuses one that
// names fields of the contract, but a server does not.
func gatewayHead(method, target, header string) (string, bool) {
	if strings.ContainsAny(method+target, " \r\n") || method == "" || target == "" || len(header) > 8<<10 || len(target) > 4<<10 {
		return "", false
	}
	head := method + " " + target + " HTTP/1.1\r\nHost: graph.test\r\nAuthorization: Bearer {token}\r\n"
	for line := range strings.SplitSeq(header, "\n") {
		name, _, _ := strings.Cut(line, ":")
		switch strings.ToLower(strings.Trim(name, " \t\r\v\f")) {
		case "", "content-length", "transfer-encoding", "connection", "upgrade", "expect":
			continue
		}
		head += strings.TrimRight(line, "\r") + "\r\n"
	}
	return head, true
}

// target is a server to which requests are sent one after the other, over one connection if possible.
type target struct {
	address, token string
	conn           net.Conn
	in             *bufio.Reader
}

// verdict is the compared part of a response.
type verdict struct {
	status        int
	code, message string
}

func (a *target) send(t *testing.T, method, head string, body []byte, chunked bool) verdict {
	t.Helper()
	text := strings.Replace(head, "{token}", a.token, 1)
	switch {
	case chunked && len(body) > 0:
		text += fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	case len(body) > 0:
		text += fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
	default:
		text += "\r\n"
	}
	for range 2 { // a kept connection may be closed
		fresh := a.conn == nil
		if v, ok := a.try(t, method, text); ok {
			return v
		} else if fresh {
			return v
		}
	}
	return verdict{}
}

func (a *target) try(t *testing.T, method, text string) (verdict, bool) {
	if a.conn == nil {
		c, err := net.Dial("tcp", a.address)
		if err != nil {
			t.Fatal(err)
		}
		a.conn, a.in = c, bufio.NewReader(c)
	}
	_ = a.conn.SetDeadline(time.Now().Add(time.Minute)) // go test -fuzz does not end a target that hangs
	_, _ = io.WriteString(a.conn, text)
	resp, err := http.ReadResponse(a.in, &http.Request{Method: method})
	if err != nil {
		a.conn.Close()
		a.conn = nil
		return verdict{}, false
	}
	defer resp.Body.Close()
	// net/http may cut off its own refusals: only their status counts.
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.Close || a.in.Buffered() > 0 {
		a.conn.Close()
		a.conn = nil
	}
	v := verdict{status: resp.StatusCode}
	var problem struct {
		Error struct{ Code, Message string }
	}
	if resp.StatusCode >= 400 && json.Unmarshal(b, &problem) == nil {
		v.code, v.message = problem.Error.Code, problem.Error.Message
	}
	return v, true
}

// refusalCounter is a log that counts the refused violations of requests.
type refusalCounter struct{ n atomic.Int64 }

func (*refusalCounter) Enabled(context.Context, slog.Level) bool { return true }

func (c *refusalCounter) Handle(_ context.Context, r slog.Record) error {
	if r.Message != "violation" {
		return nil
	}
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "verdict" && a.Value.String() == "refused" {
			c.n.Add(1)
			return false
		}
		return true
	})
	return nil
}

func (c *refusalCounter) WithAttrs([]slog.Attr) slog.Handler { return c }

func (c *refusalCounter) WithGroup(string) slog.Handler { return c }

type gatewaySeed struct{ method, target, header, body string }

// gatewaySeeds are the requests of the golden cases whose templates need no server.
func gatewaySeeds(f *testing.F) []gatewaySeed {
	f.Helper()
	files, err := filepath.Glob("testdata/wire/*.txt")
	if err != nil || len(files) == 0 {
		f.Fatalf("no cases: %v", err)
	}
	var seeds []gatewaySeed
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		text := strings.NewReplacer("{{key}}", "sample", "Authorization: Bearer {{token}}\n", "", "Authorization: Bearer {{reader}}\n", "").Replace(string(archive.Files[0].Data))
		head, body, _ := strings.Cut(strings.TrimSuffix(text, "\n"), "\n\n")
		line, header, _ := strings.Cut(head, "\n")
		parts := strings.Fields(line)
		if strings.Contains(text, "{{") || len(parts) != 3 {
			continue
		}
		seeds = append(seeds, gatewaySeed{parts[0], parts[1], header, body})
	}
	var zipped bytes.Buffer
	if s, err := compress(`{"status":1}`); err == nil {
		zipped.WriteString(s)
	}
	return append(seeds, gatewaySeed{"PATCH", "/beta/pfxRecryptionRequests('sample')", "Content-Type: application/json\nContent-Encoding: gzip", zipped.String()})
}
