#!/bin/sh
# What CI runs: generated files are fresh, modules tidy, code formatted and linted, every test green.
set -eu
cd "$(dirname "$0")/.."

step() { echo "== $*"; }

step generated files are fresh
before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT
cp -R openapi/validategen/testdata "$before"
tar -cf - --exclude node_modules --exclude dist --exclude build gen | tar -xf - -C "$before"
scripts/generate.sh
diff -r -x node_modules -x dist -x build "$before/gen" gen
diff -r "$before/testdata" openapi/validategen/testdata

step modules are tidy and verified
go mod tidy -diff
go mod verify

step formatted
unformatted=$(git ls-files '*.go' ':!gen/*' | xargs gofmt -l)
[ -z "$unformatted" ] || { echo "gofmt -w $unformatted" >&2; exit 1; }

step the contract is linted and breaks no caller
scripts/speclint.sh
scripts/breaking.sh

step linted
go vet ./...
go tool -modfile=scripts/tools/go.mod golangci-lint run

step no known vulnerability
scripts/vulncheck.sh

step every test
make test
(cd scripts/bench && go vet ./... && go test ./...)
(cd scripts/compat && go vet ./... && go mod tidy -diff)
(cd scripts/caddy && go vet ./... && go mod tidy -diff && go test ./...)

step kills lose nothing
scripts/torture.sh -quick

step each fuzz target for ${FUZZTIME:=5s}
export FUZZTIME
scripts/fuzz.sh
