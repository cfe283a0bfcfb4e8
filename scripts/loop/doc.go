// Package loop tests the developer's loop: it adds an operation to a copy of this repository by the steps in
// .github/CONTRIBUTING.md, and calls it.
package loop
