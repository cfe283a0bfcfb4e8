#!/bin/sh
# Prints one table: durable updates over HTTP next to the naive build and to the stores alone, and ten million objects
# next to ten thousand. It takes half an hour and 30 GB of disk; arguments go to the program: -objects 100000 for a try.
set -eu
cd "$(dirname "$0")/.."
go build -trimpath -o bin/pfxrd ./server/cmd/pfxrd
cd scripts/bench
./generate.sh
go build -o ../../bin/bench-naive ./naive
go build -o ../../bin/bench-store ./store
../../bin/bench-store -pfxrd ../../bin/pfxrd -naive ../../bin/bench-naive "$@"
