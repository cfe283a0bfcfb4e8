// Package pfx is the domain: the pfxRecryptionRequest, the rules for changing it, and the contract of stores.
//
// It knows neither HTTP nor SQL. Code, columns, log keys and metric labels use the same terms:
//
//   - request: one pfxRecryptionRequest, the work item; never the HTTP request
//   - tenant: the Entra tenant that owns a request, its tenantId
//   - id: the key of a request within its tenant
//   - version: identifies a state of a request; the HTTP entity tag is derived from it
//   - patch: the members that an update names
package pfx
