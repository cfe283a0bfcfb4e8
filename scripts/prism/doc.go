// Package prism compares `pfxrd mock` with Stoplight's Prism: both answer the same requests for the same documents, and the
// table in the test says of each status that differs why it does. Two differences are not in it: Prism leaves out the paths of
// servers, and gives no response at all to JSON that breaks off.
//
// Prism takes the document that `pfxrd spec` prints, too.
//
// The tests are long, and need node and npm, which installs Prism:
//
//	scripts/npm-ci.sh scripts/prism/testdata
//	go test -tags long ./scripts/prism
//
// make bench-mock compares how many requests the two answer in a second.
package prism
