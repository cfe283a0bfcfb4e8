#!/bin/sh
# Runs a script of gen/typescript/package.json with the locked packages, which it installs if necessary. Without node 20, npm
# or its registry it exits with 69.
# usage: typescript.sh [SCRIPT]; without a script it only installs
set -eu
cd "$(dirname "$0")/../gen/typescript"
if ! command -v npm >/dev/null 2>&1 || ! node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null; then
	exit 69
fi
../../scripts/npm-ci.sh . || exit 69
[ $# -eq 0 ] || exec npm run --silent "$1"
