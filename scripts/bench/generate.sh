#!/bin/sh
# Writes what the peers' generators make of the contract into ogenapi/ and naive/api/, which git ignores. The versions of the
# generators are those in go.mod here and in the project's.
set -eu
cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
go run ./narrow ogen >"$tmp/ogen.json"
go tool ogen -loglevel error -clean -config ogen.yaml -package ogenapi -target ogenapi "$tmp/ogen.json"
go run ./narrow oapi-codegen >"$tmp/oapi-codegen.json"
mkdir -p naive/api
bench=$PWD
cd ../..
go tool oapi-codegen -config "$bench/naive/api.yaml" -o "$bench/naive/api/api.gen.go" "$tmp/oapi-codegen.json"
