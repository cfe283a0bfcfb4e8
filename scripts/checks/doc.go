// Package checks holds the tests of what no single package can see: which package may know which, and that the README
// says what is true.
package checks
