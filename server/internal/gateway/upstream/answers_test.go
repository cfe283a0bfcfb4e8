package upstream

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestAnswers: a response is forwarded completely and without further bytes, or not at all. The connection is reused
// only if it has no bytes left. The second request must get the second response, whatever followed the first.
func TestAnswers(t *testing.T) {
	t.Parallel()
	const (
		ok      = "HTTP/1.1 200 OK\r\n"
		chunks  = ok + "Transfer-Encoding: chunked\r\n\r\n"
		hello   = ok + "Content-Length: 5\r\n\r\nhello"
		another = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsmuggl"
	)
	for name, tt := range map[string]struct {
		method string // GET
		answer string
		ends   bool // the upstream closes the connection after its response
		status int
		body   string
		reused bool
	}{
		"plain":                           {answer: hello, status: 200, body: "hello", reused: true},
		"empty":                           {answer: ok + "Content-Length: 0\r\n\r\n", status: 200, reused: true},
		"no reason":                       {answer: "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", status: 200, reused: true},
		"names in another case":           {answer: ok + "cONTENT-lENGTH: 5\r\n\r\nhello", status: 200, body: "hello", reused: true},
		"spaces around a value":           {answer: ok + "Content-Length: \t 5 \t\r\n\r\nhello", status: 200, body: "hello", reused: true},
		"chunks":                          {answer: chunks + "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", status: 200, body: "hello", reused: true},
		"chunks in another case":          {answer: ok + "TRANSFER-ENCODING: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", status: 200, body: "hello", reused: true},
		"chunk extension":                 {answer: chunks + "5;a=b\r\nhello\r\n0\r\n\r\n", status: 200, body: "hello", reused: true},
		"trailers":                        {answer: chunks + "5\r\nhello\r\n0\r\nX-Trailer: x\r\nSet-Cookie: y\r\n\r\n", status: 200, body: "hello", reused: true},
		"Connection: close":               {answer: ok + "Connection: close\r\nContent-Length: 5\r\n\r\nhello", status: 200, body: "hello"},
		"Connection: close in a list":     {answer: ok + "Connection: x, Close\r\nContent-Length: 5\r\n\r\nhello", status: 200, body: "hello"},
		"HTTP/1.0":                        {answer: "HTTP/1.0 200 OK\r\n\r\nhello", ends: true, status: 200, body: "hello"},
		"HTTP/1.0 with a length":          {answer: "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", status: 200, body: "hello"},
		"HTTP/1.1 to the end":             {answer: ok + "\r\nhello", ends: true, status: 200, body: "hello"},
		"204":                             {answer: "HTTP/1.1 204 No Content\r\n\r\n", status: 204, reused: true},
		"304":                             {answer: "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n", status: 304, reused: true},
		"304 with the length of a 200":    {answer: "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", status: 304, reused: true},
		"HEAD":                            {method: "HEAD", answer: ok + "Content-Length: 5\r\n\r\n", status: 200, reused: true},
		"HEAD of chunks":                  {method: "HEAD", answer: chunks, status: 200, reused: true},
		"100 first":                       {answer: "HTTP/1.1 100 Continue\r\n\r\n" + hello, status: 200, body: "hello", reused: true},
		"103 first":                       {answer: "HTTP/1.1 103 Early Hints\r\nX-Early: x\r\n\r\n" + hello, status: 200, body: "hello", reused: true},
		"seven first":                     {answer: strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 7) + hello, status: 200, body: "hello", reused: true},
		"31 KiB of head":                  {answer: ok + "X: " + strings.Repeat("x", 31<<10) + "\r\nContent-Length: 0\r\n\r\n", status: 200, reused: true},
		"unknown status":                  {answer: "HTTP/1.1 599 Odd\r\nContent-Length: 0\r\n\r\n", status: 599, reused: true},
		"nothing":                         {ends: true, status: 502},
		"incomplete head":                 {answer: ok + "Content-Le", ends: true, status: 502},
		"incomplete empty line":           {answer: ok + "Content-Length: 0\r\n\r", ends: true, status: 502},
		"garbage":                         {answer: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", ends: true, status: 502},
		"garbage that ends like a head":   {answer: "SSH-2.0-OpenSSH\r\n\r\n", status: 502},
		"HTTP/0.9":                        {answer: "hello", ends: true, status: 502},
		"HTTP/2":                          {answer: "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", status: 502},
		"HTTP/1.2":                        {answer: "HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n", status: 502},
		"http/1.1":                        {answer: "http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", status: 502},
		"empty line first":                {answer: "\r\n" + hello, status: 502},
		"status of two digits":            {answer: "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n", status: 502},
		"status of four digits":           {answer: "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n", status: 502},
		"status 099":                      {answer: "HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n", status: 502},
		"status 600":                      {answer: "HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n", status: 502},
		"status +20":                      {answer: "HTTP/1.1 +20 OK\r\nContent-Length: 0\r\n\r\n", status: 502},
		"two spaces":                      {answer: "HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n", status: 502},
		"control character in the reason": {answer: "HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n\r\n", status: 502},
		"bare LF":                         {answer: "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", ends: true, status: 502},
		"bare LF in a field":              {answer: ok + "X: a\nContent-Length: 5\r\n\r\nhello", status: 502},
		"bare CR in a field":              {answer: ok + "X: a\rContent-Length: 5\r\n\r\nhello", status: 502},
		"folded field":                    {answer: ok + "X: a\r\n b\r\nContent-Length: 5\r\n\r\nhello", status: 502},
		"folded length":                   {answer: ok + "Content-Length:\r\n 5\r\n\r\nhello", status: 502},
		"first field folded":              {answer: ok + " X: a\r\nContent-Length: 5\r\n\r\nhello", status: 502},
		"NUL in a value":                  {answer: ok + "X: a\x00b\r\nContent-Length: 5\r\n\r\nhello", status: 502},
		"DEL in a value":                  {answer: ok + "X: a\x7fb\r\nContent-Length: 5\r\n\r\nhello", status: 502},
		"NUL in a name":                   {answer: ok + "X\x00: a\r\nContent-Length: 5\r\n\r\nhello", status: 502},
		"space before the colon":          {answer: ok + "X-A : 1\r\nContent-Length \t: 5\r\n\r\nhello", status: 200, body: "hello", reused: true},
		"spaces before two framings":      {answer: ok + "Content-Length : 5\r\nTransfer-Encoding : chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", status: 502},
		"two lengths, one with a space":   {answer: ok + "Content-Length: 5\r\nContent-Length : 6\r\n\r\nhello!", status: 502},
		"space in a name":                 {answer: ok + "X A: 1\r\nContent-Length: 5\r\n\r\nhello", status: 502},
		"only spaces as a name":           {answer: ok + "X: 1\r\n : 1\r\nContent-Length: 5\r\n\r\nhello", status: 502},
		"bare LF, then silence":           {answer: "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", status: 502},
		"one bare LF, then silence":       {answer: ok + "X: 1\nContent-Length: 5\r\n", status: 502},
		"no name":                         {answer: ok + ": 5\r\nContent-Length: 5\r\n\r\nhello", status: 502},
		"no colon":                        {answer: ok + "Content-Length 5\r\n\r\nhello", status: 502},
		"duplicate length":                {answer: ok + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", status: 502},
		"two lengths":                     {answer: ok + "Content-Length: 5\r\ncontent-length: 6\r\n\r\nhello!", status: 502},
		"list of lengths":                 {answer: ok + "Content-Length: 5, 5\r\n\r\nhello", status: 502},
		"negative length":                 {answer: ok + "Content-Length: -5\r\n\r\nhello", status: 502},
		"length with a sign":              {answer: ok + "Content-Length: +5\r\n\r\nhello", status: 502},
		"length in hexadecimal":           {answer: ok + "Content-Length: 0x5\r\n\r\nhello", status: 502},
		"length without digits":           {answer: ok + "Content-Length: \r\n\r\nhello", status: 502},
		"huge length":                     {answer: ok + "Content-Length: 18446744073709551621\r\n\r\nhello", status: 502},
		"length and chunks":               {answer: ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", status: 502},
		"chunks and length":               {answer: ok + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n", status: 502},
		"length and chunks of a 204":      {answer: "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", status: 502},
		"gzip, chunked":                   {answer: ok + "Transfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", status: 502},
		"chunked, chunked":                {answer: ok + "Transfer-Encoding: chunked, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", status: 502},
		"duplicate chunked":               {answer: ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", status: 502},
		"identity":                        {answer: ok + "Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello", status: 502},
		"xchunked":                        {answer: ok + "Transfer-Encoding: xchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", status: 502},
		"chunked in quotes":               {answer: ok + "Transfer-Encoding: \"chunked\"\r\n\r\n5\r\nhello\r\n0\r\n\r\n", status: 502},
		"vertical tab before chunked":     {answer: ok + "Transfer-Encoding: \x0bchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", status: 502},
		"chunks of HTTP/1.0":              {answer: "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", status: 502},
		"101":                             {answer: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" + hello, status: 502},
		"endless 100":                     {answer: strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 1000), status: 502},
		"head of 1 MiB":                   {answer: ok + strings.Repeat("X: "+strings.Repeat("x", 1000)+"\r\n", 1000), status: 502},
		"line of 1 MiB":                   {answer: ok + "X: " + strings.Repeat("x", 1<<20), status: 502},
		"body too short":                  {answer: ok + "Content-Length: 6\r\n\r\nhello", ends: true, status: aborted},
		"body much too short":             {answer: ok + "Content-Length: 999999999999999999\r\n\r\nhello", ends: true, status: aborted},
		"chunk without end":               {answer: chunks + "6\r\nhello", ends: true, status: aborted},
		"no last chunk":                   {answer: chunks + "5\r\nhello\r\n", ends: true, status: aborted},
		"no end of trailers":              {answer: chunks + "5\r\nhello\r\n0\r\n", ends: true, status: aborted},
		"chunk size overflows":            {answer: chunks + "10000000000000005\r\nhello\r\n0\r\n\r\n", status: aborted},
		"chunk size of ones":              {answer: chunks + "ffffffffffffffff\r\nhello\r\n0\r\n\r\n", ends: true, status: aborted},
		"negative chunk size":             {answer: chunks + "-5\r\nhello\r\n0\r\n\r\n", status: aborted},
		"chunk size 0x5":                  {answer: chunks + "0x5\r\nhello\r\n0\r\n\r\n", status: aborted},
		"no chunk size":                   {answer: chunks + "\r\nhello\r\n0\r\n\r\n", status: aborted},
		"chunk size ends in bare LF":      {answer: chunks + "5\nhello\r\n0\r\n\r\n", status: aborted},
		"chunk longer than its size":      {answer: chunks + "5\r\nhello!\r\n0\r\n\r\n", status: aborted},
		"chunk extension of 1 MiB":        {answer: chunks + "5;" + strings.Repeat("x", 1<<20) + "\r\nhello\r\n0\r\n\r\n", status: aborted},
		"flood of chunk extensions":       {answer: chunks + strings.Repeat("1;"+strings.Repeat("x", 4000)+"\r\na\r\n", 100) + "0\r\n\r\n", status: aborted},
		"endless trailers":                {answer: chunks + "5\r\nhello\r\n0\r\n" + strings.Repeat("X: "+strings.Repeat("x", 1000)+"\r\n", 1000), status: aborted},
		"trailer line of 1 MiB":           {answer: chunks + "5\r\nhello\r\n0\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n", status: aborted},
		"trailer line ends in bare LF":    {answer: chunks + "5\r\nhello\r\n0\r\nX: a\n\r\n", status: aborted},
		"trailer without colon":           {answer: chunks + "5\r\nhello\r\n0\r\nX\r\n\r\n", status: aborted},
		"trailer folded":                  {answer: chunks + "5\r\nhello\r\n0\r\nX: a\r\n b\r\n\r\n", status: aborted},
		"body too long":                   {answer: hello + "!", status: 200, body: "hello"},
		"second response":                 {answer: hello + another, status: 200, body: "hello"},
		"second response after chunks":    {answer: chunks + "5\r\nhello\r\n0\r\n\r\n" + another, status: 200, body: "hello"},
		"second response after a 204":     {answer: "HTTP/1.1 204 No Content\r\n\r\n" + another, status: 204},
		"204 with a body":                 {answer: "HTTP/1.1 204 No Content\r\nContent-Length: 42\r\n\r\n" + another, status: 204},
		"204 with chunks":                 {answer: "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", status: 204},
		"304 with a body":                 {answer: "HTTP/1.1 304 Not Modified\r\nContent-Length: 42\r\n\r\n" + another, status: 304},
		"HEAD with a body":                {method: "HEAD", answer: hello, status: 200},
		"HEAD with another response":      {method: "HEAD", answer: ok + "Content-Length: 0\r\n\r\n" + another, status: 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			method := tt.method
			if method == "" {
				method = http.MethodGet
			}
			connections := make(chan int, 10)
			url := listen(t, func(s *session) {
				for {
					r, ok := s.request()
					if !ok {
						return
					}
					connections <- s.number
					if r.Header.Get("Second") != "" {
						s.say(good("second"))
						continue
					}
					s.say(tt.answer)
					if tt.ends {
						return
					}
				}
			})
			c := client(t, Config{URL: url})
			caller := front(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					r.Method, r.Header = http.MethodGet, http.Header{"Second": {"yes"}}
				}
				c.ServeHTTP(w, r)
			}))
			first := caller.do(method, nil)
			if first.status != tt.status || first.status < 300 && first.body != tt.body {
				t.Errorf("got %d %q, want %d %q", first.status, first.body, tt.status, tt.body)
			}
			for _, name := range []string{"X-Early", "X-Trailer", "Set-Cookie", "Connection-X"} {
				if first.header.Get(name) != "" {
					t.Errorf("the response has %s", name)
				}
			}
			if second := caller.do(http.MethodPost, nil); second.status != 200 || second.body != "second" {
				t.Errorf("the second request got %d %q", second.status, second.body)
			}
			a, b := <-connections, <-connections
			if reused := a == b; reused != tt.reused || len(connections) > 0 {
				t.Errorf("reused = %t, want %t; %d requests too many", reused, tt.reused, len(connections))
			}
		})
	}
}

// TestSlowAnswers: an upstream must send the whole header, and each piece of the body, in time.
func TestSlowAnswers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		serve  func(*session)
		status int
	}{
		"never responds":  {func(s *session) { s.gone() }, 504},
		"incomplete head": {func(s *session) { s.say("HTTP/1.1 200 OK\r\n"); s.gone() }, 504},
		"drips": {func(s *session) {
			for s.say("HTTP/1.1 200 OK\r\nX: "); s.pause(10 * time.Millisecond); {
				s.say("x")
			}
		}, 504},
		"drips interim responses": {func(s *session) {
			for s.say("HTTP/1.1 100 Continue\r\n\r\n"); s.pause(100 * time.Millisecond); {
				s.say("HTTP/1.1 100 Continue\r\n\r\n")
			}
		}, 504},
		"sends no more, but reads": {func(s *session) { _ = s.Conn.(*net.TCPConn).CloseWrite(); s.gone() }, 502},
		"incomplete body":          {func(s *session) { s.say("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello"); s.gone() }, aborted},
		"incomplete chunk":         {func(s *session) { s.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello"); s.gone() }, aborted},
		"no trailers":              {func(s *session) { s.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"); s.gone() }, aborted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := listen(t, func(s *session) {
				if _, ok := s.request(); ok {
					tt.serve(s)
				}
			})
			patiently(t, func(timeout time.Duration) error {
				c := client(t, Config{URL: url, Timeout: timeout})
				if got := front(t, c).do(http.MethodPatch, strings.NewReader("{}")); got.status != tt.status {
					return fmt.Errorf("got %d, want %d", got.status, tt.status)
				}
				if len(c.pool.idle) > 0 {
					return errors.New("the connection was kept")
				}
				return nil
			})
		})
	}
}

// TestUnreachable: without a listener nothing was sent.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if got := front(t, client(t, Config{URL: "http://" + l.Addr().String()})).do(http.MethodGet, nil); got.status != 503 {
		t.Errorf("got %d, want 503", got.status)
	}
}

// TestUnsolicitedLater: bytes that the upstream sends on an idle connection are never taken for a response.
func TestUnsolicitedLater(t *testing.T) {
	t.Parallel()
	for name, later := range map[string]string{"an answer": good("smuggled"), "a byte": "\n", "the end": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said, speak := make(chan struct{}), make(chan struct{})
			url := listen(t, func(s *session) {
				s.request()
				if s.number > 1 {
					s.say(good("second"))
					return
				}
				s.say(good("first"))
				<-speak
				s.say(later)
				if later == "" {
					s.Close()
				}
				close(said)
				s.gone()
			})
			caller := front(t, client(t, Config{URL: url}))
			if got := caller.do(http.MethodGet, nil); got.body != "first" {
				t.Fatalf("got %+v", got)
			}
			close(speak)
			<-said
			if got := caller.do(http.MethodPatch, strings.NewReader("{}")); got.body != "second" {
				t.Errorf("got %+v", got)
			}
		})
	}
}
