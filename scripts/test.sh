#!/bin/sh
# Runs the tests that need nothing but Go; the race detector joins in where a C compiler is found, the tests on PostgreSQL
# where that is. Arguments go to go test: -tags long adds the long tests, as make check does. The last line says what else
# there is.
set -eu
cd "$(dirname "$0")/.."
case " $* " in *' -tags long '*) long=true ;; *) long=false ;; esac
left_out=
leave_out() {
	if [ -n "${CI:-}" ]; then
		echo "CI must not leave out $1" >&2
		exit 1
	fi
	left_out="$left_out; left out: $1"
}
race=-race
if [ "$(go env CGO_ENABLED)" != 1 ] || ! command -v "$(go env CC)" >/dev/null 2>&1; then
	race=
	leave_out 'the race detector, which needs a C compiler'
fi
# The tests look in the same places, and skip.
if [ -z "${PFXR_TEST_POSTGRES:-}" ] && ! command -v initdb >/dev/null 2>&1 && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
	leave_out 'the tests on PostgreSQL, which need its programs or PFXR_TEST_POSTGRES'
fi
if $long && ! command -v nginx >/dev/null 2>&1 && ! [ -x /usr/sbin/nginx ]; then
	leave_out 'the test of the example for nginx, which needs nginx'
fi
# What tests run is built once, without the race detector, before any of them looks at a clock.
go build -trimpath -o bin/ ./server/cmd/pfxrd ./client/cmd/pfxr
export PFXR_TEST_BIN="$PWD/bin"
# Twice as many packages at once as there are processors: much of a test is waiting, for a child or a disk.
packages=-p=$((2 * $(getconf _NPROCESSORS_ONLN)))
case " ${GOFLAGS:-}" in *' -p='*) packages= ;; esac
go test $race -shuffle=on -timeout 60m $packages "$@" ./...
if $long; then
	echo "passed$left_out"
else
	echo "passed$left_out; make check adds the long tests (kills, PostgreSQL faults, 100,000 objects, contract mutations," \
		"the steps of CONTRIBUTING, nginx), TypeScript, Microsoft's clients, Caddy, torture, fuzzing and lint"
fi
