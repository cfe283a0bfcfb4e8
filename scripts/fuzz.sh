#!/bin/sh
# Runs each fuzz target of the module for FUZZTIME (default 10m) and stops at the first failure. What a target finds is
# stored in its package's testdata/fuzz: commit it.
#
# On a busy machine go test can miss its own deadline at the end, and then fails with "context deadline exceeded" without an
# input (golang/go#75804): that target runs once more.
set -eu
cd "$(dirname "$0")/.."
time=${FUZZTIME:-10m}
fuzz() { go test -tags long -run '^$' -fuzz "^$target\$" -fuzztime "$time" "./$package" >"$log" 2>&1; }
for package in $(git grep -l '^func Fuzz' -- '*_test.go' ':!*/testdata/*' | xargs -n1 dirname | sort -u); do
	for target in $(git grep -ho '^func Fuzz[A-Za-z0-9_]*' -- ":(glob)$package/*_test.go" | sed 's/^func //' | sort -u); do
		echo "== $package $target for $time"
		log=$(mktemp)
		fuzz || { grep -q '^    context deadline exceeded$' "$log" && ! grep -q 'Failing input' "$log" && fuzz; } || { cat "$log"; exit 1; }
		tail -n 3 "$log"
		rm -f "$log"
	done
done
