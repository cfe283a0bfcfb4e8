#!/bin/sh
# Prints one table: durable updates over HTTP, compared with the naive build and the stores alone, and ten million objects
# compared with ten thousand. It takes half an hour and 30 GB of disk. Arguments go to the program: -objects 100000 for a
# trial run.
set -eu
cd "$(dirname "$0")/.."
go build -trimpath -o bin/pfxrd ./server/cmd/pfxrd
cd scripts/bench
./generate.sh
go build -o ../../bin/bench-naive ./naive
go build -o ../../bin/bench-store ./store
../../bin/bench-store -pfxrd ../../bin/pfxrd -naive ../../bin/bench-naive "$@"
