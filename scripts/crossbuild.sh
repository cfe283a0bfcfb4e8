#!/bin/sh
# Builds every program for each platform that people run it on, and checks that the tests of the clients compile there.
# usage: crossbuild.sh [FOLDER]; with a folder the programs are left there
set -eu
cd "$(dirname "$0")/.."
out=${1:-}
for os in linux darwin windows; do
	for arch in amd64 arm64; do
		echo "$os/$arch"
		if [ -n "$out" ]; then
			mkdir -p "$out/$os-$arch"
			CGO_ENABLED=0 GOOS=$os GOARCH=$arch go build -trimpath -o "$out/$os-$arch/" ./server/cmd/pfxrd ./client/cmd/pfxr
		else
			CGO_ENABLED=0 GOOS=$os GOARCH=$arch go build -o /dev/null ./server/cmd/pfxrd ./client/cmd/pfxr
		fi
	done
	CGO_ENABLED=0 GOOS=$os go vet ./client/... ./openapi/edm ./openapi/validate/...
done
