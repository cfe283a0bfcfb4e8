//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// mangled sends requests with randomly changed bytes to a server, to a gateway that enforces and to one that only watches.
// None may panic or respond with 500. No gateway may refuse with 4xx what its upstream has applied.
func mangled(ctx context.Context, r *rig) (string, error) {
	token, err := r.bearer(ctx)
	if err != nil {
		return "", err
	}
	targets, err := r.mangledTargets(ctx)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, of(r.size, 10*time.Second, 2*time.Minute, 30*time.Minute))
	defer cancel()
	errs, lines := make([]error, len(targets)), make([]string, len(targets))
	var running sync.WaitGroup
	for i, t := range targets {
		m := &mangler{target: t, seeds: requestSeeds(token), rand: rand.New(rand.NewPCG(r.seed, uint64(i))), statuses: map[int]int{}}
		running.Go(func() {
			errs[i] = m.run(ctx)
			lines[i] = m.String()
		})
	}
	running.Wait()
	for _, t := range targets {
		if t.upstream != nil {
			t.upstream.Close()
		}
		t.kill()
		errs = append(errs, r.panicked(t.name))
	}
	return strings.Join(lines, "; "), errors.Join(errs...)
}

// target receives the requests.
type target struct {
	name string
	*server
	upstream *httptest.Server
	applied  *atomic.Int64 // by the upstream
}

func (r *rig) mangledTargets(ctx context.Context) ([]target, error) {
	s, err := r.serve(ctx, "server", "sqlite:"+r.path("pfxr.db"), launch{})
	if err != nil {
		return nil, err
	}
	targets := []target{{name: "server", server: s}}
	for _, mode := range []string{"enforce", "monitor"} {
		t := target{name: mode, applied: &atomic.Int64{}}
		t.upstream = httptest.NewServer(applying(t.applied))
		t.server, err = r.launch(ctx, mode, launch{command: "gateway", args: []string{"--upstream", t.upstream.URL, "--requests", mode}})
		if err != nil {
			return nil, err
		}
		targets = append(targets, t)
	}
	return targets, nil
}

// applying is an upstream that applies every complete request.
func applying(applied *atomic.Int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			panic(http.ErrAbortHandler)
		}
		applied.Add(1)
		w.Header().Set("X-Applied", "1")
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"1"}`) // the gateway may have closed the connection
	})
}

// panicked returns an error if a program has logged a panic.
func (r *rig) panicked(name string) error {
	log, err := os.ReadFile(r.path(name + ".log"))
	if at := bytes.Index(log, []byte("panic")); err == nil && at >= 0 {
		err = fmt.Errorf("%s: %.500s", name, log[at:])
	}
	return err
}

// mangler sends requests one after the other, each over its own connection.
type mangler struct {
	target
	seeds    [][]byte
	rand     *rand.Rand
	sent     int
	statuses map[int]int // by class; 0 is no response
	known    int64       // applied by the upstream, as far as known
	unclear  int         // unclear responses to the previous request, which the upstream may apply late
}

func (m *mangler) String() string {
	var classes []string
	for class := 1; class <= 5; class++ {
		classes = append(classes, fmt.Sprintf("%dxx %d", class, m.statuses[class]))
	}
	line := fmt.Sprintf("%s %d requests, without response %d, %s", m.name, m.sent, m.statuses[0], strings.Join(classes, ", "))
	if m.applied != nil {
		line += fmt.Sprintf(", %d applied", m.applied.Load())
	}
	return line
}

func (m *mangler) run(ctx context.Context) error {
	address := strings.TrimPrefix(m.origin, "http://")
	for ctx.Err() == nil {
		request := m.mangle(address)
		response, err := exchange(address, request)
		if err == nil {
			err = m.judge(response)
		}
		if err != nil {
			return fmt.Errorf("%s: %w, to %q", m.name, err, request)
		}
	}
	return nil
}

// exchange sends a request, closes its side, and returns all responses.
func exchange(address string, request []byte) ([]byte, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err // the server has ended
	}
	defer func() { _ = c.Close() }() // an error tells nothing more
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	_, _ = c.Write(request) // a server that refuses it may not read all of it
	_ = c.(*net.TCPConn).CloseWrite()
	response, err := io.ReadAll(c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, errors.New("the connection is open after 30 s")
	}
	return response, nil
}

var (
	statusLines   = regexp.MustCompile(`(?m)^HTTP/1\.[01] ([1-5])(\d\d)`)
	appliedFields = regexp.MustCompile(`(?mi)^X-Applied: 1`)
)

// judge checks the responses to one request, which may have become several.
func (m *mangler) judge(response []byte) error {
	m.sent++
	lines, unclear := statusLines.FindAllSubmatch(response, -1), 0
	if len(lines) == 0 {
		m.statuses[0]++
		unclear++
	}
	for _, line := range lines {
		class := int(line[1][0] - '0')
		m.statuses[class]++
		if class == 5 {
			unclear++ // such as 502 and 504: unknown whether the upstream has applied it
		}
		if class == 5 && string(line[2]) == "00" {
			return fmt.Errorf("got %.500q", response)
		}
	}
	if m.applied == nil {
		return nil
	}
	now := m.applied.Load()
	told := len(appliedFields.FindAll(response, -1)) + unclear + m.unclear
	if now-m.known > int64(told) {
		return fmt.Errorf("the upstream has applied %d requests; the gateway says %.500q", now-m.known, response)
	}
	m.known, m.unclear = now, unclear
	return nil
}

// requestSeeds are valid requests, with %s for the authority.
func requestSeeds(authorization string) [][]byte {
	const objects = "/beta/pfxRecryptionRequests"
	object := `{"@odata.type":"#microsoft.graph.pfxRecryptionRequest","status":6,"isDeleted":true,"createdTime":"2017-01-01T00:02:43.577Z"}`
	head := " HTTP/1.1\r\nHost: %s\r\nAuthorization: " + authorization + "\r\n"
	typed := head + "Content-Type: application/json\r\n"
	var seeds [][]byte
	for _, s := range []string{
		"GET " + objects + head + "\r\n",
		"GET " + objects + "?$top=3&$filter=status%20eq%206&$select=id,status" + head + "Accept: application/json\r\n\r\n",
		"GET " + objects + "/1" + head + "If-None-Match: \"1\"\r\n\r\n",
		"HEAD " + objects + "('1')" + head + "\r\n",
		"OPTIONS " + objects + "/1" + head + "\r\n",
		"DELETE " + objects + "/1" + head + "If-Match: *\r\n\r\n",
		fmt.Sprintf("PATCH %s/1%sContent-Length: %d\r\n\r\n%s", objects, typed, len(object), object),
		fmt.Sprintf("PATCH %s/1%sPrefer: return=minimal\r\nIf-Match: \"1\"\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", objects, typed, len(object), object),
		fmt.Sprintf("POST %s%sExpect: 100-continue\r\nContent-Length: %d\r\n\r\n%s", objects, typed, len(object), object),
		fmt.Sprintf("PATCH http://%%s%s/1%sConnection: close\r\nContent-Length: %d\r\n\r\n%s", objects, typed, len(object), object),
	} {
		seeds = append(seeds, []byte(s))
	}
	return seeds
}

// pieces are texts that parsers of HTTP and JSON have disagreed about.
var pieces = []string{
	"\r\n", "\n", "\r", "\r\n\r\n", " ", "\t", "\x00", ":", ",", ";", "%", "%00", "%2f", "%2e%2e", "..", "//", "?", "#", "\\", "\"", "'", "()", "{", "}", "[", "]",
	"0", "-1", "18446744073709551616", "1e999", "\xff", "\xc0\xaf", "\u00e9", `\ud800`, `\u0000`, "null", "true",
	"HTTP/1.0", "HTTP/2.0", "HTTP/1.1", "GET ", "HEAD ", "PATCH ", "TRACE ", "CONNECT ",
	"Content-Length: 0\r\n", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip, chunked\r\n", "Content-Encoding: gzip\r\n",
	"Connection: keep-alive, host\r\n", "Upgrade: h2c\r\n", "Expect: 100-continue\r\n", "TE: trailers\r\n", "Trailer: x\r\n", "Host: x\r\n", "Range: bytes=0-1\r\n",
	"Content-Type: text/json; charset=utf-7\r\n", "X-HTTP-Method-Override: DELETE\r\n", "Forwarded: host=\"x\"\r\n", "Prefer: respond-async\r\n", " folded\r\n",
	"0\r\n\r\n", "5;x=\"\r\n\"\r\nhello\r\n", "fffffffffffffffff\r\n",
}

// mangle changes a valid request, up to six times; one in sixteen is unchanged.
func (m *mangler) mangle(address string) []byte {
	request := m.seed(address)
	if m.rand.IntN(16) == 0 {
		return request
	}
	for range 1 + m.rand.IntN(6) {
		at := m.rand.IntN(len(request) + 1)
		end := min(len(request), at+m.rand.IntN(1+m.rand.IntN(64)))
		switch m.rand.IntN(7) {
		case 0: // flip a bit
			if at < len(request) {
				request[at] ^= 1 << m.rand.IntN(8)
			}
		case 1:
			request = slices.Delete(request, at, end)
		case 2:
			request = slices.Insert(request, at, slices.Clone(request[at:end])...)
		case 3:
			request = slices.Replace(request, at, end, []byte(pieces[m.rand.IntN(len(pieces))])...)
		case 4: // at the start of a line
			if line := bytes.IndexByte(request[at:], '\n'); line >= 0 {
				at += line + 1
			}
			fallthrough
		case 5:
			request = slices.Insert(request, at, []byte(pieces[m.rand.IntN(len(pieces))])...)
		case 6: // replace the rest by the end of another request
			other := m.seed(address)
			request = append(request[:at:at], other[m.rand.IntN(len(other)):]...)
		}
	}
	return request
}

func (m *mangler) seed(address string) []byte {
	return bytes.ReplaceAll(m.seeds[m.rand.IntN(len(m.seeds))], []byte("%s"), []byte(address))
}
