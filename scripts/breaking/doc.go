// Package breaking tests scripts/breaking.sh and scripts/changelog.sh with edits of the contract that break its callers: the
// scripts must report each of them.
package breaking
