#!/bin/sh
# Compares .github/LICENSES.md with the licences of the programs' dependencies; with --write it writes the file.
set -eu
cd "$(dirname "$0")/.."
program=$(mktemp -d)
trap 'rm -rf "$program"' EXIT
(cd scripts/release && go build -o "$program/release" .)
"$program/release" licenses "$@"
