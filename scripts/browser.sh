#!/bin/sh
# Opens the pages in headless Chromium, light and dark, on a wide and a narrow screen, with and without JavaScript: the pages
# of a server, from which it sends requests, and the gateway's live view with traffic. If a folder is given, pictures go to it.
# Without node 20, npm with its registry or Chromium it exits with 69.
# usage: browser.sh [FOLDER]
set -eu
cd "$(dirname "$0")/.."
pictures=${1:-}
case "$pictures" in '' | /*) ;; *) pictures=$(pwd)/$pictures ;; esac
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || exit 69
if ! command -v npm >/dev/null 2>&1 || ! node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null; then
	exit 69
fi
go build -trimpath -o bin/pfxrd ./server/cmd/pfxrd
cd scripts/browser
../npm-ci.sh .. || exit 69
node docs.js ../../bin/pfxrd "$chromium" "$pictures"
exec node look.js ../../bin/pfxrd "$chromium" "$pictures"
