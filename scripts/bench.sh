#!/bin/sh
# Prints one table: the cost of a body, the parameters and a whole request, for us and for other tools. Arguments go to the
# program: -rounds 10 gives steadier figures. bin/bench.txt has the raw lines, for benchstat.
set -eu
cd "$(dirname "$0")/bench"
mkdir -p ../../bin
./generate.sh
go run . -raw ../../bin/bench.txt "$@"
