#!/bin/sh
# Writes ogenapi/ and naive/api/ anew from the contract.
set -eu
cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
go run . -print ogen >"$tmp/ogen.json"
go tool ogen -loglevel error -clean -config ogen.yaml -package ogenapi -target ogenapi "$tmp/ogen.json"
go run . -print oapi-codegen >"$tmp/oapi-codegen.json"
bench=$PWD
cd ../..
go tool oapi-codegen -config "$bench/naive/api.yaml" -o "$bench/naive/api/api.gen.go" "$tmp/oapi-codegen.json"
