#!/bin/sh
# Links a folder's node_modules to the npm packages of its lock file. They are installed once for all checkouts, in the user's
# cache: npm needs half a minute of CPU for those of scripts.
# usage: npm-ci.sh FOLDER
set -eu
cd "$1"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pfxrecryption/npm
installed=$cache/$(git hash-object package-lock.json)/node_modules
[ "$(readlink node_modules)" != "$installed" ] || [ ! -e "$installed" ] || exit 0
if [ ! -e "$installed" ]; then
	mkdir -p "$cache"
	work=$(mktemp -d "$cache/XXXXXX")
	trap 'rm -rf "$work"' EXIT
	cp package.json package-lock.json "$work"
	npm ci --prefix "$work" --prefer-offline --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000 \
		--ignore-scripts --no-audit --no-fund --loglevel=error >&2
	[ -e "$installed" ] || mv "$work" "${installed%/*}" # another process may have been faster
fi
rm -rf node_modules
ln -s "$installed" node_modules
