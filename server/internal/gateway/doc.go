// Package gateway holds requests and responses against a contract on their way to and from an upstream, and forwards
// what was checked and nothing else.
package gateway
