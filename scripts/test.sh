#!/bin/sh
# Runs every test. The race detector joins in where a C compiler is found, the tests on PostgreSQL where that is, the
# TypeScript package where node is; what is left out is said in the last line.
set -eu
cd "$(dirname "$0")/.."
left_out=
leave_out() {
	if [ -n "${CI:-}" ]; then
		echo "CI must not leave out $1" >&2
		exit 1
	fi
	left_out="${left_out:+$left_out; }$1"
}
race=-race
if [ "$(go env CGO_ENABLED)" != 1 ] || ! command -v "$(go env CC)" >/dev/null 2>&1; then
	race=
	leave_out 'the race detector: it needs a C compiler'
fi
# postgrestest looks in the same places, and skips.
if [ -z "${PFXR_TEST_POSTGRES:-}" ] && ! command -v initdb >/dev/null 2>&1 && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
	leave_out 'the tests on PostgreSQL: they need its programs, or PFXR_TEST_POSTGRES'
fi
typescript=true
if ! command -v curl >/dev/null 2>&1 || ! scripts/typescript.sh; then
	typescript=false
	leave_out "the TypeScript tests and those with Microsoft's clients: they need node 20, npm with its registry, and curl"
fi
if ! command -v nginx >/dev/null 2>&1 && ! [ -x /usr/sbin/nginx ]; then
	leave_out 'the test of the example for nginx: it needs nginx'
fi
# Twice as many packages at once as there are processors: much of a test is waiting, for a child, a disk, a Retry-After.
go test $race -shuffle=on -timeout 30m -p $((2 * $(getconf _NPROCESSORS_ONLN))) "$@" ./...
if $typescript; then
	scripts/typescript.sh test
	scripts/compat.sh
fi
echo "left out: ${left_out:-nothing}"
