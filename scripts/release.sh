#!/bin/sh
# Writes the files of a release into dist/, or another empty folder, from the last commit, without uncommitted changes. The
# same commit gives the same bytes with the same Go and npm.
# usage: release.sh [FOLDER [FLAG]...]; release.sh dist --help lists the flags
set -eu
umask 022 # npm packs files with the modes that they have
cd "$(dirname "$0")/.."
out=${1:-dist}
[ $# -eq 0 ] || shift
[ "$out" != dist ] || rm -rf dist
case $out in /*) ;; *) out=$PWD/$out ;; esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Go records the commit only if .git is a folder, as in a clone.
git clone --quiet . "$work/source"
go -C "$work/source/scripts/release" run . build --out "$out" "$@"
