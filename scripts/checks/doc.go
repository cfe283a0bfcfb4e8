// Package checks holds the tests that concern no single package: which package may import which, and that the README is
// correct.
package checks
