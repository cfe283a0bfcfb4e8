package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/pfxrecryption/pfxrecryption/openapi"
)

func play(role, target string) error {
	switch role {
	case "upstream":
		return serveUpstream()
	case "reverseproxy":
		return serve(newReverseProxy(target))
	case "reverseproxy-kin":
		handler, err := checkWithKin(newReverseProxy(target))
		if err != nil {
			return err
		}
		return serve(handler)
	case "load":
		return sendLoad(target)
	case "pace":
		return sendPaced(target)
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

// newReverseProxy is the standard library's proxy as its documentation shows it, with as many connections as it needs.
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

func checkWithKin(next http.Handler) (http.Handler, error) {
	doc, err := openapi3.NewLoader().LoadFromData(openapi.Document)
	if err != nil {
		return nil, err
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		return nil, err
	}
	options := &openapi3filter.Options{SkipSettingDefaults: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		route, params, err := router.FindRoute(r)
		if err == nil {
			err = openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: options})
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		next.ServeHTTP(w, r)
	}), nil
}

// answer is the page's example response, as the server sends it.
func answer() []byte {
	var text bytes.Buffer
	if err := json.Compact(&text, openapi.UpdateResponseExample); err != nil {
		panic(err) // the embedded example is at fault
	}
	head := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: %d\r\nContent-Type: application/json\r\nDate: Mon, 23 Nov 2026 22:00:00 GMT\r\nETag: \"27fd14b5b1c9a6e1\"\r\nOData-Version: 4.0\r\nX-Content-Type-Options: nosniff\r\nclient-request-id: 0f2be0a6-6f3b-4f0e-9f2e-4d5a6f1d7a52\r\nrequest-id: 0f2be0a6-6f3b-4f0e-9f2e-4d5a6f1d7a52\r\n\r\n", text.Len())
	return append(head, text.Bytes()...)
}

// serveUpstream answers every request with the same bytes, at the least cost, so that it is not what is measured.
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
			defer c.Close()
			for in := bufio.NewReaderSize(c, 8<<10); ; {
				if err := skipMessage(in); err != nil {
					return
				}
				if _, err := c.Write(reply); err != nil {
					return
				}
			}
		}()
	}
}

// skipMessage reads a message with a Content-Length.
func skipMessage(in *bufio.Reader) error {
	length := 0
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 && !first {
			break
		}
		if name, value, ok := bytes.Cut(line, []byte(":")); ok && len(name) == len("Content-Length") && strings.EqualFold(string(name), "Content-Length") {
			if length, err = strconv.Atoi(strings.TrimSpace(string(value))); err != nil {
				return err
			}
		}
	}
	_, err := in.Discard(length)
	return err
}

// request is the page's example request with a token of the usual length.
func request(host string) []byte {
	body := openapi.UpdateRequestExample
	return append(fmt.Appendf(nil, "PATCH /beta/pfxRecryptionRequests/sample HTTP/1.1\r\nHost: %s\r\nUser-Agent: load\r\nAccept: application/json\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
		host, strings.Repeat("a", 900), len(body)), body...)
}

// caller sends requests on one connection.
type caller struct {
	conn    net.Conn
	in      *bufio.Reader
	request []byte
}

func dial(target string) (*caller, error) {
	conn, err := net.Dial("tcp", target)
	if err != nil {
		return nil, err
	}
	return &caller{conn, bufio.NewReaderSize(conn, 8<<10), request(target)}, nil
}

func (c *caller) call() error {
	if _, err := c.conn.Write(c.request); err != nil {
		return err
	}
	status, err := c.in.Peek(12)
	if err != nil {
		return err
	}
	if string(status) != "HTTP/1.1 200" {
		return fmt.Errorf("answered with %q", status)
	}
	return skipMessage(c.in)
}

// sendLoad sends as many requests as are answered and prints how many those are.
func sendLoad(target string) error {
	end := time.Now().Add(*duration)
	counts, errs := make([]int, *connections), make([]error, *connections)
	var wg sync.WaitGroup
	for i := range counts {
		wg.Go(func() {
			c, err := dial(target)
			if err != nil {
				errs[i] = err
				return
			}
			defer c.conn.Close()
			for time.Now().Before(end) {
				if errs[i] = c.call(); errs[i] != nil {
					return
				}
				counts[i]++
			}
		})
	}
	wg.Wait()
	total := 0
	for _, n := range counts {
		total += n
	}
	fmt.Println(total)
	return errors.Join(errs...)
}

// sendPaced sends requests at a rate, whether or not earlier ones were answered, and prints the median and the 99th
// percentile of the time from when each was due to its answer, in milliseconds.
func sendPaced(target string) error {
	n := int(duration.Seconds() * float64(*rate))
	due := make(chan time.Time, n)
	took, errs := make([][]time.Duration, *connections), make([]error, *connections)
	var wg sync.WaitGroup
	for i := range took {
		c, err := dial(target)
		if err != nil {
			return err
		}
		defer c.conn.Close()
		wg.Go(func() {
			for at := range due {
				if errs[i] = c.call(); errs[i] != nil {
					return
				}
				took[i] = append(took[i], time.Since(at))
			}
		})
	}
	begin := time.Now()
	for i := range n {
		at := begin.Add(time.Duration(i) * time.Second / time.Duration(*rate))
		time.Sleep(time.Until(at))
		due <- time.Now() // the timer's own lateness is not the gateway's
	}
	close(due)
	wg.Wait()
	all := slices.Sorted(slices.Values(slices.Concat(took...)))
	if len(all) == 0 {
		return errors.Join(append(errs, io.ErrUnexpectedEOF)...)
	}
	fmt.Println(milliseconds(all[len(all)/2]), milliseconds(all[len(all)*99/100]))
	return errors.Join(errs...)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
