// Torture runs a built pfxrd as its users do, by its command line and over HTTP, and does to it what the README promises
// that it survives: kills, lost database backends, switchovers of the database, backups cut short, slow callers, requests whose bytes were
// changed by chance, too many callers, restarts, other releases, failing and full disks, failing networks, too few
// descriptors, clocks that are set, an hour of work, and sequences of requests that are drawn by chance, each answer of
// which must be that of a model of the contract.
//
//	go run ./scripts/torture -pfxrd bin/pfxrd [-old bin/pfxrd-before] [-long | -quick] [-mutants] [harness…]
//
// Each harness prints one line of figures. One that fails says why and keeps what it has seen in a folder, and the program
// exits with 1. With -mutants it builds the server anew with each fault of mutants/*.patch planted in it, and the harness
// that the file is named for must fail: one that passes proves nothing.
//
// The tokens come from a second pfxrd with a development issuer, so that they outlive the servers that are killed. All
// traffic stays on loopback. It needs Linux, for fsync, overload and soak strace too, for model amd64, for resources that
// and util-linux, and PostgreSQL's programs for what runs on that. The small disks are in mount namespaces, and the clocks
// that are set are those of single processes: the machine notices nothing.
package main
