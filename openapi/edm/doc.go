// Package edm has the primitive types of the contract as Go values: Guid, DateTimeOffset and the three-state Optional.
//
// They hold what the contract can tell apart and nothing else (OData CSDL 4.01 §3.3): a Guid has no letter case, a
// DateTimeOffset keeps the text it was written in, an Optional distinguishes an absent member from a null one.
// Edm.String, Edm.Int32 and Edm.Boolean are Go's string, int32 and bool.
//
// All types are plain values: comparable with ==, copied freely, safe to share between goroutines.
package edm
