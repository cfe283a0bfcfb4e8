#!/bin/sh
# Drives the server with Microsoft's clients, curl and ours. Needs what typescript.sh, python.sh and browser.sh need, and
# curl.
set -eu
cd "$(dirname "$0")"
./typescript.sh build
PFXR_TEST_PYTHON=$(./python.sh)
PFXR_TEST_CHROMIUM=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
export PFXR_TEST_PYTHON PFXR_TEST_CHROMIUM
./npm-ci.sh browser
(cd .. && go build -trimpath -o bin/ ./server/cmd/pfxrd ./client/cmd/pfxr)
export PFXR_TEST_BIN="$PWD/../bin"
cd compat
../npm-ci.sh js
go test -count=1 -timeout 30m ./...
