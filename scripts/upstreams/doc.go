// Package upstreams tests the gateway in front of foreign servers: Express, the server of Python's standard library, and
// Caddy's file server. Each has an OpenAPI document. A response through the gateway must equal a direct one in status,
// header fields and body.
package upstreams
