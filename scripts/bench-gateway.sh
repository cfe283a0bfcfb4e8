#!/bin/sh
# Prints one table: the cost of the gateway for each request, compared with httputil.ReverseProxy and nginx. Arguments go to
# the program: -rounds 10 gives steadier figures.
set -eu
cd "$(dirname "$0")/.."
go build -trimpath -o bin/pfxrd ./server/cmd/pfxrd
cd scripts/bench
go build -o ../../bin/bench-gateway ./gateway
../../bin/bench-gateway -pfxrd ../../bin/pfxrd "$@"
