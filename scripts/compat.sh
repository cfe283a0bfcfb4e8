#!/bin/sh
# Drives the server with Microsoft's clients, curl and ours, and lets users log in with Microsoft's libraries and those of a
# provider that others wrote. Needs what typescript.sh needs, and curl.
set -eu
cd "$(dirname "$0")"
./typescript.sh build
go build -trimpath -o ../bin/ ../server/cmd/pfxrd ../client/cmd/pfxr
PFXR_TEST_BIN=$(cd ../bin && pwd)
export PFXR_TEST_BIN
cd compat
../npm-ci.sh js
go test -count=1 ./...
