// Package stream knows what is not one message with an end: media types whose bodies are many messages, each of which is
// wanted when it comes, and protocols that a connection changes to.
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

// Protocols returns those of an Upgrade field that make a tunnel, "" if there are none. HTTP/2 and TLS concern a connection
// only, and their offer may be ignored (RFC 9110 §7.8).
func Protocols(upgrade []string) string {
	var tunnels []string
	for protocol := range strings.SplitSeq(strings.Join(upgrade, ","), ",") {
		protocol = strings.Trim(protocol, " \t")
		name, _, _ := strings.Cut(strings.ToLower(protocol), "/")
		if name != "" && name != "h2" && name != "h2c" && name != "http" && name != "tls" {
			tunnels = append(tunnels, protocol)
		}
	}
	return strings.Join(tunnels, ", ")
}
