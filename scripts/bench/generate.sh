#!/bin/sh
# Runs the generators on the contract and on ajv/schemas.json. The output goes to ogenapi/, naive/api/ and bodies/, which
# git ignores. The versions are in go.mod here and in the project's.
set -eu
cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
go run ./narrow ogen >"$tmp/ogen.json"
go tool ogen -loglevel error -clean -config ogen.yaml -package ogenapi -target ogenapi "$tmp/ogen.json"
go run ./narrow oapi-codegen >"$tmp/oapi-codegen.json"
go run ./narrow bodies >"$tmp/bodies.json"
go tool ogen -loglevel error -clean -config ogen.yaml -package ogenbodies -target bodies/ogenbodies "$tmp/bodies.json"
mkdir -p naive/api bodies/api
bench=$PWD
cd ../..
go tool oapi-codegen -config "$bench/naive/api.yaml" -o "$bench/naive/api/api.gen.go" "$tmp/oapi-codegen.json"
go tool oapi-codegen -generate models -package api -o "$bench/bodies/api/api.gen.go" "$tmp/bodies.json"
go build -o "$tmp/validategen" ./openapi/validategen
cd "$bench"
"$tmp/validategen" -spec "$tmp/bodies.json" -models ./bodies/api -package valid -o bodies/valid
