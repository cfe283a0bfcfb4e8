// Package upstreams tests the gateway in front of other people's servers: Express, the server of Python's standard library,
// and Caddy's file server. Each has an OpenAPI document. A response through the gateway must be the same as a direct one:
// status, header fields and body.
package upstreams
