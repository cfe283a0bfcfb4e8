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
