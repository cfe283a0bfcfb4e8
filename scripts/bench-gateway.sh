#!/bin/sh
# Prints one table: what the gateway costs a request, next to httputil.ReverseProxy and nginx. Arguments go to the program:
# -rounds 10 for steadier figures.
set -eu
cd "$(dirname "$0")/.."
go build -trimpath -o bin/pfxrd ./server/cmd/pfxrd
cd scripts/bench
go build -o ../../bin/bench-gateway ./gateway
../../bin/bench-gateway -pfxrd ../../bin/pfxrd "$@"
