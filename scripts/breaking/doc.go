// Package breaking holds the test of scripts/breaking.sh and scripts/changelog.sh: edits of the contract that break its
// callers, each of which they must report.
package breaking
