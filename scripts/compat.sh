#!/bin/sh
# Drives the server with Microsoft's clients, curl and ours. Needs what typescript.sh needs, and curl.
set -eu
cd "$(dirname "$0")"
./typescript.sh build
cd compat
../npm-ci.sh js
go test -count=1 ./...
