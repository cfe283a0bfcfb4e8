#!/bin/sh
# Runs every test. The race detector joins in where a C compiler is found; what is left out is said in the last line.
set -eu
cd "$(dirname "$0")/.."
race=-race
left_out=nothing
if [ "$(go env CGO_ENABLED)" != 1 ] || ! command -v "$(go env CC)" >/dev/null 2>&1; then
	race=
	left_out='the race detector: it needs a C compiler'
	if [ -n "${CI:-}" ]; then
		echo "CI must not leave out $left_out" >&2
		exit 1
	fi
fi
go test $race -shuffle=on "$@" ./...
echo "left out: $left_out"
