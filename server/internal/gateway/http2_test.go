package gateway_test

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// frames sends raw requests over HTTP/2, without the checks of a client.
type frames struct {
	t testing.TB
	*http2.Framer
	encoder *hpack.Encoder
	block   bytes.Buffer
}

func newFrames(t testing.TB, c net.Conn) *frames {
	t.Helper()
	f := &frames{t: t, Framer: http2.NewFramer(c, c)}
	f.encoder = hpack.NewEncoder(&f.block)
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_, err := io.WriteString(c, http2.ClientPreface)
	f.must(err)
	f.must(f.WriteSettings())
	return f
}

func (f *frames) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// send sends a request with a head in the form of HTTP/1.1. The length of a body is sent only if the head has it.
func (f *frames) send(head, body string, hasBody bool) {
	lines := strings.Split(head, "\n")
	method, target, _ := strings.Cut(lines[0], " ") // a target may contain spaces
	authority := "caller.test"
	var fields []hpack.HeaderField
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		if name == "Host" {
			authority = value
			continue
		}
		fields = append(fields, hpack.HeaderField{Name: strings.ToLower(name), Value: value})
	}
	pseudo := []hpack.HeaderField{{Name: ":method", Value: method}, {Name: ":scheme", Value: "http"}, {Name: ":authority", Value: authority}, {Name: ":path", Value: target}}
	for _, field := range append(pseudo, fields...) {
		f.must(f.encoder.WriteField(field))
	}
	f.must(f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: f.block.Bytes(), EndHeaders: true, EndStream: !hasBody}))
	if hasBody {
		f.must(f.WriteData(1, true, []byte(body)))
	}
}

// receive returns the status of the response; 400 for a stream or connection that is closed because the request is
// malformed (RFC 9113 §8.1.1).
func (f *frames) receive() int {
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return aborted
		}
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			if status := frame.PseudoValue("status"); status != "" && status[0] != '1' {
				return atoi(status)
			}
		case *http2.RSTStreamFrame:
			return malformed(frame.ErrCode)
		case *http2.GoAwayFrame:
			return malformed(frame.ErrCode)
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				f.must(f.WriteSettingsAck())
			}
		}
	}
}

func malformed(code http2.ErrCode) int {
	if code == http2.ErrCodeProtocol {
		return 400
	}
	return aborted
}

func atoi(digits string) int {
	n := 0
	for _, c := range digits {
		n = 10*n + int(c-'0')
	}
	return n
}
