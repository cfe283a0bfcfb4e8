#!/bin/sh
# Writes ogenapi/ anew from the contract.
set -eu
cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
go run . -update-document >"$tmp/openapi.json"
go tool ogen -loglevel error -clean -config ogen.yaml -package ogenapi -target ogenapi "$tmp/openapi.json"
