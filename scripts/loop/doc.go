// Package loop holds the test of the developer's loop: it adds an operation to a copy of this repository by the steps
// that .github/CONTRIBUTING.md names, and calls it.
package loop
