#!/usr/bin/env bash
# What CI runs: generated files are fresh, modules tidy, code formatted and linted, and all tests pass, including the long
# ones.
set -eu
cd "$(dirname "$0")/.."

# As in scripts/test.sh: each step reuses what earlier steps have compiled.
export GOFLAGS="-trimpath ${GOFLAGS:-}"
began=$(date +%s)
step() { echo "== $* ($(($(date +%s) - began)) s)"; }

step generated files are fresh
before=$(mktemp -d)
parallel=
stop() {
	[ -z "$parallel" ] || kill -- "-$parallel" 2>/dev/null || true
	rm -rf "$before"
}
trap stop EXIT
cp -R openapi/validategen/testdata "$before"
cp -R server/strict/testdata "$before/strict"
cp server/internal/pfx/members.gen.go "$before"
tar -cf - --exclude node_modules --exclude dist --exclude build gen | tar -xf - -C "$before"
scripts/generate.sh
diff -r -x node_modules -x dist -x build -x __pycache__ -x .mypy_cache "$before/gen" gen
diff -r "$before/testdata" openapi/validategen/testdata
diff -r "$before/strict" server/strict/testdata
diff "$before/members.gen.go" server/internal/pfx/members.gen.go

# These steps mostly wait or use one processor, so they run in parallel with the tests.
parallel() {
	step modules are verified
	go mod verify

	step the contract is linted and breaks no caller
	scripts/speclint.sh
	scripts/breaking.sh

	step "the pages and the gateway's live view in a browser"
	scripts/browser.sh || {
		[ $? -eq 69 ] || exit 1
		echo "left out: the check of the pages needs node 20, npm with its registry, and chromium" >&2
		[ -z "${CI:-}" ] || exit 1
	}

	step "the Python package"
	scripts/python.sh test || {
		[ $? -eq 69 ] || exit 1
		echo "left out: the Python tests need python 3.11 with httpx" >&2
		[ -z "${CI:-}" ] || exit 1
	}

	step "the TypeScript package"
	if scripts/typescript.sh; then
		scripts/typescript.sh test
	else
		echo "left out: the TypeScript tests need node 20 and npm with its registry" >&2
		[ -z "${CI:-}" ] || exit 1
	fi

	step "the modules below scripts"
	(cd scripts/bench && ./generate.sh && go vet ./... && go mod tidy -diff && go test -vet=off ./...)
	(cd scripts/compat && go vet ./... && go mod tidy -diff)
	(cd scripts/caddy && go vet ./... && go mod tidy -diff && go test -vet=off ./...)
	(cd scripts/deploy && go vet ./... && go mod tidy -diff && go test -vet=off ./...)
	(cd scripts/release && go vet ./... && go mod tidy -diff && go test -vet=off ./...)

	step "a release, twice: the licences are listed, package and image run"
	scripts/release-proof.sh || {
		[ $? -eq 69 ] || exit 1
		echo "left out: the proof of the release needs root on Debian, python3 and curl" >&2
		[ -z "${CI:-}" ] || exit 1
		go -C scripts/release run . licenses
	}

	step "every client"
	chromium() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
	if command -v curl >/dev/null 2>&1 && chromium >/dev/null 2>&1 && scripts/python.sh >/dev/null && scripts/typescript.sh; then
		scripts/compat.sh
	else
		echo "left out: the tests with every client need node 20, npm with its registry, python 3.11 with httpx, chromium and curl" >&2
		[ -z "${CI:-}" ] || exit 1
	fi

	step kills lose nothing
	scripts/torture.sh -quick
}
# The programs are built before, so that no step replaces them while another one runs them.
go build -o bin/ ./server/cmd/pfxrd ./client/cmd/pfxr
export PFXR_TEST_BIN="$PWD/bin"
# With set -m these steps are a process group, which ends as a whole if another step fails.
set -m
parallel >"$before/parallel.log" 2>&1 </dev/null &
parallel=$!
set +m

step modules are tidy
go mod tidy -diff

step formatted
unformatted=$(git ls-files '*.go' ':!gen/*' | xargs gofmt -l)
[ -z "$unformatted" ] || { echo "gofmt -w $unformatted" >&2; exit 1; }

step linted
# The linter has all checks of go vet, but leaves out generated code.
go vet -tags long ./gen/... ./server/internal/pfx
go tool -modfile=scripts/tools/go.mod golangci-lint run --allow-parallel-runners --build-tags long

step "every program on every platform"
scripts/crossbuild.sh

step no known vulnerability
scripts/vulncheck.sh

step every test
scripts/test.sh

step "the long tests"
scripts/test.sh long
PFXR_TEST_INPUTS=5000 PFXR_TEST_DOCUMENTS=100 PFXR_TEST_SEED=1000 go test -vet=off -run '^(TestDocumentIsTheGeneratedContract|TestOracle|TestRandomDocuments)$' ./gen/pfxvalid ./openapi/spec

export FUZZTIME="${FUZZTIME:-1s}"
step "each fuzz target for $FUZZTIME"
scripts/fuzz.sh

step the end of the parallel steps
wait "$parallel" || { cat "$before/parallel.log" >&2; exit 1; }
parallel=
cat "$before/parallel.log"

step all green
