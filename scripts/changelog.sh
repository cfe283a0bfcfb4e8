#!/bin/sh
# Prints what changed in the contract since the last tag, for people. usage: changelog.sh [BASE [REVISION]]
set -eu
exec "$(dirname "$0")/oasdiff/compare.sh" "${1:-}" "${2:-}" changelog
