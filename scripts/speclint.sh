#!/bin/sh
# Lints the contract with Spectral, by its own rules, OWASP's and ours, and checks that each of our rules finds its fault.
# Without node it prints a message and succeeds, except in CI.
set -eu
cd "$(dirname "$0")/spectral"
if ! command -v npm >/dev/null 2>&1; then
	echo 'left out: the lint of the contract needs node and npm' >&2
	[ "${CI:-}" != true ] || exit 1
	exit 0
fi
../npm-ci.sh .
node_modules/.bin/spectral lint ../../openapi/openapi.yaml --ruleset .spectral.yaml --fail-severity warn
node fixtures.mjs
