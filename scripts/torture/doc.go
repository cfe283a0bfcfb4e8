// Torture runs a built pfxrd as its users do, by its command line and over HTTP. It causes the failures that the README
// promises to survive: kills, lost database backends, switchovers of the database, interrupted backups, slow clients,
// requests with randomly changed bytes, too many clients, restarts, other releases, failing and full disks, failing
// networks, too few descriptors, and clock changes. It also runs an hour of usual load, and random sequences of requests
// whose responses must match a model of the contract.
//
//	go run ./scripts/torture -pfxrd bin/pfxrd [-old bin/pfxrd-before] [-long | -quick] [-mutants] [harness…]
//
// Each harness prints one line of figures. If one fails, it says why and keeps its evidence in a folder, and the program
// exits with 1. With -mutants it builds the server with each fault of mutants/*.patch in turn, and the harness that the
// file is named for must fail: a harness that passes proves nothing.
//
// A second pfxrd with a development issuer issues the tokens, so they outlive the killed servers. All traffic stays on
// loopback. Torture needs Linux. fsync, overload and soak also need strace, model needs amd64, resources needs amd64 and
// util-linux, and some harnesses need PostgreSQL's programs. The small disks are in mount namespaces, and only single
// processes see changed clocks: the machine is not affected.
package main
