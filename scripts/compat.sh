#!/bin/sh
# Runs Microsoft's clients, curl and ours against the server, and logs users in with Microsoft's libraries and a foreign
# provider's. Needs what typescript.sh, python.sh and browser.sh need, and curl.
set -eu
cd "$(dirname "$0")"
package=../gen/typescript
[ -e $package/dist/index.js ] && [ -z "$(find $package/src $package/*.json -newer $package/dist/index.js)" ] || ./typescript.sh build
PFXR_TEST_PYTHON=$(./python.sh)
PFXR_TEST_CHROMIUM=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
go build -trimpath -o ../bin/ ../server/cmd/pfxrd ../client/cmd/pfxr
PFXR_TEST_BIN=$(cd ../bin && pwd)
export PFXR_TEST_BIN PFXR_TEST_PYTHON PFXR_TEST_CHROMIUM
./npm-ci.sh .
cd compat
tests=$(mktemp -d)
trap 'rm -rf "$tests"' EXIT
go test -c -ldflags='-s -w' -o "$tests/compat.test"
# These need the processors; the others mostly wait for Retry-After, so many of them run in parallel. They print which row of
# the table of behaviours finds which fault of a server.
busy='^(TestProvider|TestUpdatesLoseNone)$'
"$tests/compat.test" -test.timeout 30m -test.run "$busy"
"$tests/compat.test" -test.timeout 30m -test.skip "$busy" -test.parallel 16
