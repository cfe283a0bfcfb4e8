#!/bin/sh
# Drives the server with Microsoft's clients, curl and ours. Needs what typescript.sh needs, and curl.
set -eu
cd "$(dirname "$0")"
./typescript.sh build
cd compat
[ -n "$(find js/node_modules/.package-lock.json -newer js/package-lock.json 2>/dev/null)" ] ||
	npm --prefix js ci --prefer-offline --ignore-scripts --no-audit --no-fund --loglevel=error >&2
go test -count=1 ./...
