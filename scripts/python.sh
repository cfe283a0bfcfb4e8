#!/bin/sh
# Prints the path of a Python 3.11 or later with httpx, preferably Debian's. If there is none, it exits with 69.
# usage: python.sh [test]; with test it runs the tests of gen/python instead
set -eu
cd "$(dirname "$0")/.."
python=
for candidate in /usr/bin/python3 python3; do
	if "$candidate" -c 'import sys, httpx; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
		python=$candidate
		break
	fi
done
[ -n "$python" ] || exit 69
case "${1:-}" in
'') echo "$python" ;;
test)
	cd gen/python
	if command -v mypy >/dev/null; then
		MYPYPATH=src:tests mypy --cache-dir "${XDG_CACHE_HOME:-$HOME/.cache}/pfxrecryption/mypy" --python-executable "$python" --strict src tests
	else
		echo "left out: the types of gen/python, which need mypy" >&2
		[ -z "${CI:-}" ] || exit 1
	fi
	PYTHONPATH=src:tests exec "$python" -m unittest discover -s tests
	;;
*) exit 2 ;;
esac
