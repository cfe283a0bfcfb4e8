// Package audit is the trail of accepted changes that a store keeps next to its requests. Each change has one [Record],
// written in the transaction of the change, so neither exists without the other.
//
// Records are chained by hashes. Each writer of a process has its own [Chain], so writers do not wait for each other, and a
// store keeps the end of each chain as its [Head]. [Verify] finds records that were removed, altered, reordered or added,
// also at the end of a chain, and objects that were changed without a record.
//
// Someone with write access to the store who knows how a chain is made can forge one. To detect that, send records
// elsewhere (pfxrd audit follow), or note the heads that pfxrd audit verify prints.
//
// [Trail].Prune removes old records. The head of a chain keeps the number and the hash of the last removed record, so the
// rest can still be verified.
package audit
