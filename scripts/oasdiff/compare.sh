#!/bin/sh
# Runs an oasdiff command on two versions of the contract. An empty BASE means the document of the last tag that has one.
# OASDIFF may name a built binary.
# usage: compare.sh BASE REVISION COMMAND [FLAG]...
set -eu
cd "$(dirname "$0")/../.."
document=openapi/openapi.yaml
base=$1 revision=${2:-$document}
shift 2

if [ -z "$base" ]; then
	# A pre-release comes before its release; a tag that is not on this branch is not an earlier version of this document.
	for tag in $(git -c versionsort.suffix=- tag --list 'v*' --merged HEAD --sort=-version:refname); do
		if git cat-file -e "$tag:$document" 2>/dev/null; then
			base=$tag:$document
			break
		fi
	done
fi
if [ -z "$base" ]; then
	if [ "$(git rev-parse --is-shallow-repository)" = true ]; then
		echo 'the contract cannot be compared: this clone is shallow; fetch its tags (git fetch --unshallow --tags)' >&2
		exit 1
	fi
	echo "nothing to compare with: no tag v* has $document yet"
	exit 0
fi
command=$1
shift
# Without --flatten-params oasdiff does not compare the parameters of a path. severity.txt raises changes that are mild
# elsewhere: here an unknown member or option is refused, and clients read the members and header fields of a response.
exec ${OASDIFF:-go tool -modfile=scripts/oasdiff/go.mod oasdiff} "$command" "$base" "$revision" \
	--flatten-params --severity-levels scripts/oasdiff/severity.txt "$@"
