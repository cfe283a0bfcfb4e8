#!/bin/sh
# Writes gen/ from openapi/: models and client, server stubs, validation. The output depends on the repository alone.
set -eu
cd "$(dirname "$0")/.."
go tool oapi-codegen -config openapi/pfxapi.yaml openapi/openapi.yaml
go tool oapi-codegen -config openapi/pfxserver.yaml openapi/openapi.yaml
go run ./scripts/validategen -spec openapi/openapi.yaml -models ./gen/pfxapi -package pfxvalid -o gen/pfxvalid
