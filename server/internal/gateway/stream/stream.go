// Package stream knows the media types of streams: bodies of many messages, that have no end in sight and whose reader
// wants each message when it comes.
package stream

import "strings"

// Is reports whether a Content-Type names a stream.
func Is(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.TrimSpace(media)
	for _, known := range types {
		if strings.EqualFold(media, known) {
			return true
		}
	}
	return false
}

var types = [...]string{
	"text/event-stream", // HTML, Server-Sent Events
	"application/x-ndjson",
	"application/ndjson",
	"application/jsonl",
	"application/x-jsonlines",
	"application/json-seq",      // RFC 7464
	"multipart/x-mixed-replace", // motion JPEG
	"application/grpc-web",
	"application/grpc-web-text",
}
