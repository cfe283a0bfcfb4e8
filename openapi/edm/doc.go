// Package edm has the primitive types of the contract as Go values: Guid, DateTimeOffset and the three-state Optional.
//
// They keep exactly what the contract distinguishes (OData CSDL 4.01 §3.3): a Guid has no upper or lower case, a
// DateTimeOffset keeps its text, an Optional distinguishes an absent member from a null one. Edm.String, Edm.Int32 and
// Edm.Boolean are Go's string, int32 and bool.
//
// All types are plain values: they can be compared with ==, copied, and shared between goroutines.
package edm
