#!/bin/sh
# Prints one table: what a body, the parameters and a whole request cost, with us and with the peers. Arguments go to
# the program: -rounds 10 for steadier figures. The raw lines stand in bin/bench.txt, for benchstat.
set -eu
cd "$(dirname "$0")/bench"
mkdir -p ../../bin
./generate.sh
go run . -raw ../../bin/bench.txt "$@"
