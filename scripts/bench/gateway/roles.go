//go:build linux

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/pfxrecryption/pfxrecryption/openapi"
	"github.com/pfxrecryption/pfxrecryption/scripts/bench/kin"
	"github.com/pfxrecryption/pfxrecryption/scripts/bench/load"
)

func play(role, target string) error {
	switch role {
	case "upstream":
		return serveUpstream()
	case "reverseproxy":
		return serve(newReverseProxy(target))
	case "reverseproxy-kin":
		check, err := kin.Middleware()
		if err != nil {
			return err
		}
		return serve(check(newReverseProxy(target)))
	case "load":
		return sendLoad(target, 0)
	case "pace":
		return sendLoad(target, *rate)
	}
	return fmt.Errorf("there is no role %q", role)
}

// serve serves with the limits of the gateway's listener.
func serve(handler http.Handler) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	sayServing(l)
	s := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 25 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 64 << 10}
	return s.Serve(l)
}

func sayServing(l net.Listener) {
	fmt.Fprintf(os.Stderr, `{"msg":"serving","url":"http://%s"}`+"\n", l.Addr())
}

// newReverseProxy returns the standard library's proxy as in its documentation, with as many connections as it needs.
func newReverseProxy(target string) http.Handler {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 512
	return &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: target})
			r.SetXForwarded()
		},
	}
}

// answer returns the page's example response in the server's form.
func answer() []byte {
	var text bytes.Buffer
	if err := json.Compact(&text, openapi.UpdateResponseExample); err != nil {
		panic(err) // the embedded example is invalid
	}
	head := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: %d\r\nContent-Type: application/json\r\nDate: Mon, 23 Nov 2026 22:00:00 GMT\r\nETag: \"27fd14b5b1c9a6e1\"\r\nOData-Version: 4.0\r\nX-Content-Type-Options: nosniff\r\nclient-request-id: 0f2be0a6-6f3b-4f0e-9f2e-4d5a6f1d7a52\r\nrequest-id: 0f2be0a6-6f3b-4f0e-9f2e-4d5a6f1d7a52\r\n\r\n", text.Len())
	return append(head, text.Bytes()...)
}

// serveUpstream responds to every request with the same bytes at the least cost, so that the upstream does not dominate
// the figures.
func serveUpstream() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	sayServing(l)
	reply := answer()
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer func() { _ = c.Close() }() // the client has left
			for in := bufio.NewReaderSize(c, 8<<10); ; {
				if err := load.SkipMessage(in); err != nil {
					return
				}
				if _, err := c.Write(reply); err != nil {
					return
				}
			}
		}()
	}
}

// request returns a contract's request with a token of the usual length: the page's example, or an order.
func request(host string) []byte {
	method, path, body := "PATCH", "/beta/pfxRecryptionRequests/sample", openapi.UpdateRequestExample
	if *contract == foreign {
		method, path, body = "POST", "/shops/0f2be0a6-6f3b-4f0e-9f2e-4d5a6f1d7a52/orders?notify=mail", order
	}
	return append(fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: load\r\nAccept: application/json\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
		method, path, host, strings.Repeat("a", 900), len(body)), body...)
}

var order = []byte(`{"id":"0f2be0a6-6f3b-4f0e-9f2e-4d5a6f1d7a52","customer":{"name":"Ada Lovelace","email":"ada@example.com"},"created":"2026-01-02T03:04:05Z",` +
	`"lines":[{"sku":"A-0001","quantity":1,"price":3.99,"note":"Leave it at the door, please","tags":["new","sale"]},{"sku":"A-0002","quantity":2,"price":0.99}],"total":5.97,"status":"paid"}`)

// sendLoad sends requests, as many as possible if rate is 0. It prints the responses per second, and the median and the
// 99th percentile of their times in milliseconds.
func sendLoad(target string, rate float64) error {
	seen, err := load.Load{Address: target, Connections: *connections, Duration: *duration, Rate: rate, Requests: load.Same(request(target))}.Run()
	if err != nil {
		return err
	}
	fmt.Println(len(seen.Took), milliseconds(seen.Quantile(0.5)), milliseconds(seen.Quantile(0.99)))
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
