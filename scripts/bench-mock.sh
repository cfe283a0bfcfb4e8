#!/bin/sh
# Prints one table: requests per second of pfxrd mock and Prism, and the ratio. Needs node and npm. Arguments go to the
# program: -rounds 10 gives steadier figures.
set -eu
cd "$(dirname "$0")/.."
scripts/npm-ci.sh scripts/prism/testdata
go build -trimpath -o bin/pfxrd ./server/cmd/pfxrd
cd scripts/bench
go build -o ../../bin/bench-mock ./mock
../../bin/bench-mock -pfxrd ../../bin/pfxrd "$@"
