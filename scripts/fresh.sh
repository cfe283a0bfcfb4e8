#!/bin/sh
# Runs the README's first steps, make run and make test, in a clone of the last commit with empty module and build caches,
# next to two busy loops. Tests and loops have the same low priority and share two cores evenly. Prints the time of each
# step, and fails unless both pass.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
started=
stop() {
	trap - EXIT
	for pid in $started; do kill "$pid" 2>/dev/null || true; done
	wait
	chmod -R u+w "$work" # Go's module cache is read-only
	rm -rf "$work"
}
trap stop EXIT
trap 'exit 1' INT TERM
begin() {
	step=$1
	since=$(date +%s)
	echo "== $step"
}
end() { echo "== $step: $(($(date +%s) - since)) s"; }

begin clone
git clone -q . "$work/clone"
cd "$work/clone"
unset CI PFXR_TEST_BIN
export GOCACHE="$work/cache" GOMODCACHE="$work/modules"
end

for _ in 1 2; do
	nice sh -c "while kill -0 $$ 2>/dev/null; do :; done" & # it ends with this script, however that ends
	started="$started $!"
done

begin 'make run, until the printed line works'
PFXR_LISTEN=127.0.0.1:0 PFXR_ADMIN_LISTEN=127.0.0.1:0 nice make run >"$work/run" 2>&1 &
run=$!
started="$started $run"
line=
while [ -z "$line" ]; do
	kill -0 "$run" 2>/dev/null || { cat "$work/run"; exit 1; }
	sleep 1
	line=$(grep '^curl ' "$work/run" || true)
done
sh -c "$line" >"$work/response"
grep -q '^HTTP/1.1 200 OK' "$work/response" || { cat "$work/response"; exit 1; }
kill "$run" # make passes it on
wait "$run" || true
grep -q '"msg":"drained"' "$work/run" || { cat "$work/run"; exit 1; }
end

begin 'make test'
nice make test &
started="$started $!"
wait $!
end
