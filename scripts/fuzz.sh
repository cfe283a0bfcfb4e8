#!/bin/sh
# Runs each fuzz target of the module for FUZZTIME (default 10m) with one worker, as many targets in parallel as there are
# processors, and stops after the first failure. What a target finds is stored in its package's testdata/fuzz: commit it.
#
# On a busy machine a target can miss its own deadline at the end, and then fails with "context deadline exceeded" without an
# input (golang/go#75804): that target runs once more.
set -eu
cd "$(dirname "$0")/.."
if [ $# -eq 3 ]; then # the folder of the programs, a package and a target; xargs stops at the exit code 255
	log=$1/$3
	cd "$2"
	fuzz() { "$1/$2/fuzz.test" -test.run '^$' -test.fuzz "^$3\$" -test.fuzztime "$FUZZTIME" -test.parallel 1 -test.fuzzcachedir "$FUZZCACHE/$2" >"$log" 2>&1; }
	fuzz "$@" || { grep -q '^    context deadline exceeded$' "$log" && ! grep -q 'Failing input' "$log" && fuzz "$@"; } || { cat "$log"; exit 255; }
	echo "$2 $3: $(grep '^fuzz: ' "$log" | tail -n 1)"
	exit
fi
export FUZZTIME="${FUZZTIME:-10m}"
FUZZCACHE=$(go env GOCACHE)/fuzz/$(go list -m)
export FUZZCACHE
programs=$(mktemp -d)
trap 'rm -rf "$programs"' EXIT
targets() { git grep -o '^func Fuzz[A-Za-z0-9_]*' -- '*_test.go' ':!*/testdata/*' | sed -n 's/^\(.*\)\/[^/]*:func /\1 /p' | sort -u; }
# Coverage guides the fuzzer. In seconds it would not get beyond the known inputs, and everything would be compiled once more.
case $FUZZTIME in *[!0-9s]*) guide='-fuzz .' ;; *) guide= ;; esac
for package in $(targets | cut -d ' ' -f 1 | uniq); do
	mkdir -p "$programs/$package"
	# shellcheck disable=SC2086 # a flag and its value
	go test -tags long -c -vet=off $guide -ldflags '-s -w' -o "$programs/$package/fuzz.test" "./$package"
done
targets | xargs -P "$(getconf _NPROCESSORS_ONLN)" -L 1 scripts/fuzz.sh "$programs"
