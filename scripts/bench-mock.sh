#!/bin/sh
# Prints one table: how many requests pfxrd mock and Prism answer in a second, and the ratio. Needs node and npm. Arguments go
# to the program: -rounds 10 for steadier figures.
set -eu
cd "$(dirname "$0")/.."
scripts/npm-ci.sh scripts/prism/testdata
go build -trimpath -o bin/pfxrd ./server/cmd/pfxrd
cd scripts/bench
go build -o ../../bin/bench-mock ./mock
../../bin/bench-mock -pfxrd ../../bin/pfxrd "$@"
