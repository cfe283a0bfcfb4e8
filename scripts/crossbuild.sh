#!/bin/sh
# Compiles every program for each supported platform, links them for each foreign system, and checks that the tests of the
# clients compile there. The release links all of them. It does not run the Windows programs: Debian 12's Wine 8 lacks
# bcryptprimitives.dll, without which no program of Go 1.26 starts, and takes two minutes to install.
set -eu
cd "$(dirname "$0")/.."
export CGO_ENABLED=0
programs='./server/cmd/pfxrd ./client/cmd/pfxr'
echo 'linux/amd64, linux/arm64'
for arch in amd64 arm64; do
	# shellcheck disable=SC2086 # a program is a word
	GOOS=linux GOARCH=$arch go list -trimpath -export $programs >/dev/null
done
for os in darwin windows; do
	echo "$os/amd64, $os/arm64"
	# shellcheck disable=SC2086 # a program is a word
	GOOS=$os GOARCH=arm64 go build -trimpath -ldflags='-s -w' -o /dev/null $programs
	# shellcheck disable=SC2086 # a program is a word
	GOOS=$os GOARCH=amd64 go list -trimpath -export $programs >/dev/null
	GOOS=$os GOARCH=amd64 go vet ./client/... ./openapi/edm ./openapi/validate/...
done
