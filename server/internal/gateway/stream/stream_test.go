package stream_test

import (
	"testing"

	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/stream"
)

func TestIs(t *testing.T) {
	t.Parallel()
	for contentType, want := range map[string]bool{
		"text/event-stream":                     true,
		"Text/Event-Stream ; charset=utf-8":     true,
		"application/x-ndjson":                  true,
		"application/json-seq":                  true,
		"multipart/x-mixed-replace;boundary=a":  true,
		"application/json":                      false,
		"text/event-streams":                    false,
		"application/json; a=text/event-stream": false,
		"":                                      false,
	} {
		if got := stream.Is(contentType); got != want {
			t.Errorf("%q: got %t, want %t", contentType, got, want)
		}
	}
}

func TestProtocols(t *testing.T) {
	t.Parallel()
	for upgrade, want := range map[string]string{
		"websocket": "websocket", "h2c": "", "H2C, WebSocket/13": "WebSocket/13", "TLS/1.0, HTTP/2.0": "", " , ": "", "a, ,b/1": "a, b/1",
	} {
		if got := stream.Protocols([]string{upgrade}); got != want {
			t.Errorf("%q: got %q, want %q", upgrade, got, want)
		}
	}
}
