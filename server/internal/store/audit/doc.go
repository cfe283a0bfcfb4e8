// Package audit is the trail of accepted changes that a store keeps next to its requests: one [Record] for each, written in
// the transaction of the change, so that there is never the one without the other.
//
// Records are chained by hashes. Every writer of a process has a [Chain] of its own, so that none waits for another, and a
// store keeps the end of each as its [Head]. [Verify] finds records that were removed, altered, reordered or added, also at
// the end of a chain, and objects that were changed without a record.
//
// Who can write to the store and knows how a chain is made can make another one: send records elsewhere (pfxrd audit
// follow), or note the heads that pfxrd audit verify prints, where a trail must hold against that.
//
// Old records are removed by [Trail].Prune. The head of a chain keeps the number and the hash of the last one that was
// removed, from which the rest still verifies.
package audit
