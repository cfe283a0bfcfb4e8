// Package prism compares `pfxrd mock` with Stoplight's Prism: both get the same requests for the same documents, and the
// table in the test gives a reason for each status that differs. Two differences are not in it: Prism ignores the paths of
// servers, and sends no response to truncated JSON.
//
// Prism also accepts the document that `pfxrd spec` prints.
//
// The tests are long, and need node, and npm to install Prism:
//
//	scripts/npm-ci.sh scripts/prism/testdata
//	go test -tags long ./scripts/prism
//
// make bench-mock compares their requests per second.
package prism
