// Package pfx is the domain: what a pfxRecryptionRequest is, who may change it and when, and what a store must promise.
//
// It knows neither HTTP nor SQL. Its words, used alike in code, columns, log keys and metric labels:
//
//   - request: one pfxRecryptionRequest, the work item; never the HTTP request
//   - tenant: the Entra tenant that owns a request, its tenantId
//   - id: the key of a request within its tenant
//   - version: what tells two states of one request apart; the HTTP entity tag is made of it
//   - patch: the members that an update names
package pfx
