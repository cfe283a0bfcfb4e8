#!/bin/sh
# Fails if the contract breaks a client of the last tag's contract. usage: breaking.sh [BASE [REVISION]]
set -eu
exec "$(dirname "$0")/oasdiff/compare.sh" "${1:-}" "${2:-}" breaking --fail-on ERR
