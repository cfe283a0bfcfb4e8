// Package stream recognizes bodies and connections without an end: media types of message streams, and protocols that a
// connection switches to.
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

// Protocols returns the protocols in Upgrade that open a tunnel, or "". HTTP/2 and TLS are ignored: they concern one
// connection, and a server may ignore the offer (RFC 9110 §7.8).
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
