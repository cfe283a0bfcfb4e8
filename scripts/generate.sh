#!/bin/sh
# Writes gen/ from openapi/: models and client, server stubs, validation, handler, the types of the TypeScript and
# Python packages. The output depends only on the repository.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work/" ./openapi/validategen github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen
"$work/oapi-codegen" -config openapi/pfxapi.yaml openapi/openapi.yaml
"$work/oapi-codegen" -config openapi/pfxserver.yaml openapi/openapi.yaml
"$work/validategen" -spec openapi/openapi.yaml -models ./gen/pfxapi -package pfxvalid -o gen/pfxvalid \
	-interface ./gen/pfxserver -server gen/pfxhandler
go run ./scripts/members >server/internal/pfx/members.gen.go
go run ./scripts/pythonmodels openapi/openapi.yaml >gen/python/src/pfxrecryption/models_gen.py
if scripts/typescript.sh; then
	scripts/typescript.sh generate
else
	echo 'left out: gen/typescript/src/schema.gen.ts needs node 20 and npm with its registry' >&2
	[ -z "${CI:-}" ] || exit 1
fi

go run ./scripts/pictures document

# The foreign documents for testing the generator.
for name in deck probe shop styles tree zoo; do
	dir=openapi/validategen/testdata/$name
	(cd "$dir" && "$work/oapi-codegen" -config models.yaml openapi.yaml)
	"$work/validategen" -spec "$dir/openapi.yaml" -models "./$dir" -package "${name}valid" -o "$dir/${name}valid"
done
deck=openapi/validategen/testdata/deck
for server in chi echo stdhttp; do
	(cd "$deck" && "$work/oapi-codegen" -config "$server.yaml" openapi.yaml)
	"$work/validategen" -spec "$deck/openapi.yaml" -models "./$deck" -package deckvalid -o "$deck/deckvalid" \
		-interface "./$deck/${server}deck" -server "$deck/${server}handler"
done

# The document for testing package strict.
todo=server/strict/testdata/todo
(cd "$todo" && "$work/oapi-codegen" -config api.yaml openapi.yaml)
"$work/validategen" -spec "$todo/openapi.yaml" -models "./$todo" -package todovalid -o "$todo/todovalid" -server "$todo/todohandler"
