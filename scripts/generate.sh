#!/bin/sh
# Writes gen/ from openapi/: models and client, server stubs. The output depends on nothing but the repository.
set -eu
cd "$(dirname "$0")/.."
go tool oapi-codegen -config openapi/pfxapi.yaml openapi/openapi.yaml
go tool oapi-codegen -config openapi/pfxserver.yaml openapi/openapi.yaml
