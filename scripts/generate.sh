#!/bin/sh
# Writes gen/ from openapi/: models and client, server stubs, validation, the types of the TypeScript
# and Python packages. The
# output depends on the repository alone.
set -eu
cd "$(dirname "$0")/.."
go tool oapi-codegen -config openapi/pfxapi.yaml openapi/openapi.yaml
go tool oapi-codegen -config openapi/pfxserver.yaml openapi/openapi.yaml
go run ./openapi/validategen -spec openapi/openapi.yaml -models ./gen/pfxapi -package pfxvalid -o gen/pfxvalid
go run ./scripts/pythonmodels openapi/openapi.yaml >gen/python/src/pfxrecryption/models_gen.py
if scripts/typescript.sh; then
	scripts/typescript.sh generate
else
	echo 'left out: gen/typescript/src/schema.gen.ts needs node 20 and npm with its registry' >&2
	[ -z "${CI:-}" ] || exit 1
fi

# The foreign documents that the generator is tested with.
for name in deck probe shop styles tree zoo; do
	dir=openapi/validategen/testdata/$name
	(cd "$dir" && go tool oapi-codegen -config models.yaml openapi.yaml)
	go run ./openapi/validategen -spec "$dir/openapi.yaml" -models "./$dir" -package "${name}valid" -o "$dir/${name}valid"
done
for server in chi echo stdhttp; do
	(cd openapi/validategen/testdata/deck && go tool oapi-codegen -config "$server.yaml" openapi.yaml)
done
