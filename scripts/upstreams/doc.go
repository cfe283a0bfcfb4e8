// Package upstreams runs the gateway in front of services that nobody here wrote, with a document of each: Express, the
// server of Python's standard library, and Caddy's file server. What a caller gets through the gateway is what it gets
// without: status, header fields, body.
package upstreams
