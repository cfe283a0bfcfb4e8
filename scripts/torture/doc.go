// Torture runs a built pfxrd as its users do, by its command line and over HTTP, and does to it what the README promises
// that it survives: kills, lost database backends, slow callers, too many callers, restarts, other releases,
// failing disks and networks.
//
//	go run ./scripts/torture -pfxrd bin/pfxrd [-old bin/pfxrd-before] [-long | -quick] [-mutants] [harness…]
//
// Each harness prints one line of figures. One that fails says why and keeps what it has seen in a folder, and the program
// exits with 1. With -mutants it builds the server anew with each fault of mutants/*.patch planted in it, and the harness
// that the file is named for must fail: one that passes proves nothing.
//
// The tokens come from a second pfxrd with a development issuer, so that they outlive the servers that are killed. All
// traffic stays on loopback. It needs Linux, for fsync strace too, and PostgreSQL's programs for what runs on that.
package main
