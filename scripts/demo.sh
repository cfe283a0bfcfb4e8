#!/bin/sh
# Starts the server on a free port with a temporary store, sends the example request of Microsoft's page byte for byte in its
# CRLF form, and compares the response with the page's example response, member by member.
# usage: demo.sh [EXPECTED-RESPONSE]
set -eu
cd "$(dirname "$0")/.."
expected=${1:-openapi/examples/update-response.json}
request=openapi/examples/update-request.json

work=$(mktemp -d)
server=
stop() {
	[ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server" || true; }
	rm -rf "$work"
}
trap stop EXIT
trap 'exit 1' INT TERM

go build -trimpath -o "$work/pfxrd" ./server/cmd/pfxrd
"$work/pfxrd" serve --dev --listen 127.0.0.1:0 --admin-listen '' --store "sqlite:$work/demo.db" >"$work/out" 2>"$work/log" &
server=$!
url=
for _ in $(seq 100); do
	url=$(sed -n 's/.*"msg":"serving","url":"\([^"]*\)".*/\1/p' "$work/log")
	[ -z "$url" ] || break
	kill -0 "$server" 2>/dev/null || break
	sleep 0.1
done
[ -n "$url" ] || { cat "$work/log" >&2; exit 1; }

token=$("$work/pfxrd" token --server "${url%/beta}")
length=$(wc -c <"$request" | tr -d ' ')
printf '> PATCH %s/pfxRecryptionRequests/sample\n> Content-type: application/json\n> Content-length: %s\n\n' "$url" "$length"
cat "$request"
printf '\n\n'
curl -sS --max-time 20 -X PATCH "$url/pfxRecryptionRequests/sample" -D "$work/head" -o "$work/body" \
	-H "Authorization: Bearer $token" -H 'Content-Type: application/json' --data-binary "@$request"
sed 's/^/< /' "$work/head"
cat "$work/body"
printf '\n\n'
grep -q '^HTTP/1.1 200 ' "$work/head" || { echo 'demo: the response is not 200' >&2; exit 1; }
[ "$length" = 574 ] || { echo "demo: the page's request has 574 bytes, not $length" >&2; exit 1; }
go run -trimpath ./scripts/sameentity "$expected" "$work/body"
