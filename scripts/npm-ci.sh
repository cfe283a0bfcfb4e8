#!/bin/sh
# Installs the npm packages of a folder's lock file, unless they are installed.
# usage: npm-ci.sh FOLDER
set -eu
cd "$1"
# npm writes its hidden lock file last. If that file is missing or older than our lock file, npm ci runs again.
[ -n "$(find node_modules/.package-lock.json -newer package-lock.json 2>/dev/null)" ] ||
	npm ci --prefer-offline --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000 \
		--ignore-scripts --no-audit --no-fund --loglevel=error >&2
