#!/bin/sh
# Builds the server and does to it what scripts/torture/doc.go says. Arguments go to the program: -long, -quick, -mutants,
# the names of harnesses.
set -eu
cd "$(dirname "$0")/.."
go build -trimpath -o bin/pfxrd ./server/cmd/pfxrd
go run ./scripts/torture "$@"
