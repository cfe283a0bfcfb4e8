#!/bin/sh
# Runs the tests that need only Go. With a C compiler it adds the race detector, and with PostgreSQL the tests on it.
# The last line says what was left out. With "long" as the first argument it runs the long tests instead: those in files
# with the build tag long, without the race detector. They repeat a rule many times; a short test of the same rule runs
# with it. Other arguments go to go test.
set -eu
cd "$(dirname "$0")/.."
long=false
if [ "${1:-}" = long ]; then
	long=true
	shift
fi
left_out=
leave_out() {
	if [ -n "${CI:-}" ]; then
		echo "CI must not leave out $1" >&2
		exit 1
	fi
	left_out="$left_out; left out: $1"
}
# SQLite is C translated to Go, and YAML and gzip have no goroutines. The race detector finds nothing in them and multiplies
# the time. A package that instantiates generic types of others must stay instrumented: if the linker chooses its
# instances, the detector misses the others' locks.
race='-race -gcflags=modernc.org/...=-race=false -gcflags=go.yaml.in/...=-race=false -gcflags=compress/...=-race=false'
if [ "$(go env CGO_ENABLED)" != 1 ] || ! command -v "$(go env CC)" >/dev/null 2>&1; then
	race=
	leave_out 'the race detector, which needs a C compiler'
fi
# The tests look in the same places and skip themselves.
if [ -z "${PFXR_TEST_POSTGRES:-}" ] && ! command -v initdb >/dev/null 2>&1 && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
	leave_out 'the tests on PostgreSQL, which need its programs or PFXR_TEST_POSTGRES'
fi
if $long && ! command -v nginx >/dev/null 2>&1 && ! [ -x /usr/sbin/nginx ]; then
	leave_out 'the test of the example for nginx, which needs nginx'
fi
if $long; then
	command -v promtool >/dev/null || leave_out 'the tests of dashboard and alerts, which need promtool (Debian: prometheus)'
	command -v python3 >/dev/null || leave_out "the test with the server of Python's standard library, which needs python3"
	command -v caddy >/dev/null || leave_out "the test with Caddy's file server, which needs caddy"
	if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
		leave_out 'the tests with Express, Prism and generators, which need node and npm'
	else
		scripts/npm-ci.sh scripts
	fi
fi
# With -trimpath a package is compiled only once for all checkouts, and for the programs that tests build.
export GOFLAGS="-trimpath ${GOFLAGS:-}"
# The programs that tests run are built once, without the race detector, before any test starts.
go build -o bin/ ./server/cmd/pfxrd ./client/cmd/pfxr
export PFXR_TEST_BIN="$PWD/bin"
# Twice as many packages in parallel as processors: tests mostly wait for a child process or a disk.
packages=-p=$((2 * $(getconf _NPROCESSORS_ONLN)))
case " ${GOFLAGS:-}" in *' -p='*) packages= ;; esac
# Four times as many tests in parallel as processors: tests mostly wait for a child process or a disk.
parallel=-parallel=$((4 * $(getconf _NPROCESSORS_ONLN)))
# CI vets every package before.
vet=${CI:+-vet=off}
if $long; then
	files=$(grep -rl --include='*_test.go' '^//go:build.*long' .)
	names=$(echo "$files" | xargs sed -n 's/^func \(Test[A-Za-z0-9_]*\)(t \*testing.T.*/\1/p' | paste -s -d '|' -)
	# shellcheck disable=SC2046 # a package's folder is a word
	go test $vet -tags long -run "^($names)\$" -shuffle=on -timeout 60m $packages $parallel "$@" $(echo "$files" | xargs -n 1 dirname | sort -u)
	echo "passed$left_out"
else
	# Both parts run together, each with one package for each processor: one works while the other waits. xargs fails if
	# one of them fails.
	packages=${packages:+-p=$(getconf _NPROCESSORS_ONLN)}
	export race vet packages parallel
	printf '%s\n' shared alone | xargs -P 2 -I {} scripts/test-part.sh {} "$@"
	echo "passed$left_out; make check adds the long tests (kills, PostgreSQL faults, 5,000 objects, contract mutations," \
		"the steps of CONTRIBUTING, new projects, Prism, generators, dashboard and alerts, nginx), Python, TypeScript, every client, Caddy, a release, the live view in a browser, torture, fuzzing, other platforms and lint"
fi
