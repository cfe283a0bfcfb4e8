#!/bin/sh
# Builds every program for each supported platform, and checks that the tests of the clients compile there. It does not run
# the Windows programs: Debian 12's Wine 8 lacks bcryptprimitives.dll, without which no program of Go 1.26 starts, and takes two
# minutes to install.
set -eu
cd "$(dirname "$0")/.."
for os in linux darwin windows; do
	for arch in amd64 arm64; do
		echo "$os/$arch"
		CGO_ENABLED=0 GOOS=$os GOARCH=$arch go build -trimpath -o /dev/null ./server/cmd/pfxrd ./client/cmd/pfxr
	done
	CGO_ENABLED=0 GOOS=$os go vet ./client/... ./openapi/edm ./openapi/validate/...
done
