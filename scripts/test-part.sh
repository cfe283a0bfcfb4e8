#!/bin/sh
# Runs one part of the tests for scripts/test.sh, with its settings; further arguments go to go test. "shared" is the packages
# of server and client whose goroutines share data, with the race detector. "alone" is the rest, where the detector multiplies
# the time: these packages share no data, and pfxtest only what the tests of the server run with it. The longest packages
# start first, to shorten the total time.
set -eu
alone='authority|batch|cors|gateway/(form|policy|view)|graph|mock/sample|odata|pfx|pfxtest|strict/stricttest'
both=$(go list ./server/... ./client/...)
part=$1
shift
# shellcheck disable=SC2046,SC2086 # split into packages
case $part in
shared)
	exec go test $race $vet -shuffle=on -timeout 60m $packages $parallel "$@" ./server/internal/store/... ./server/internal/app \
		$(echo "$both" | grep -vE "/server/(internal/)?($alone)\$")
	;;
alone)
	exec go test $vet -shuffle=on -timeout 60m $packages $parallel "$@" ./server/pfxtest ./openapi/validategen ./openapi/... \
		$(echo "$both" | grep -E "/server/(internal/)?($alone)\$") ./gen/... ./scripts/...
	;;
esac
