#!/bin/sh
# Runs a script of gen/typescript/package.json with the packages that its lock names, which are installed if need be.
# Where that cannot be, without node 20 or npm or its registry, it ends with 69.
# usage: typescript.sh [SCRIPT]; without a script it only installs
set -eu
cd "$(dirname "$0")/../gen/typescript"
if ! command -v npm >/dev/null 2>&1 || ! node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null; then
	exit 69
fi
../../scripts/npm-ci.sh . || exit 69
[ $# -eq 0 ] || exec npm run --silent "$1"
