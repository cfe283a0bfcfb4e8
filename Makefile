.DEFAULT_GOAL := help
SHELL := /bin/sh
.PHONY: help generate build run demo test fresh check bench bench-gateway bench-mock bench-store fuzz breaking changelog release release-notes licenses speclint mutation attack suite torture torture-long torture-mutants

help:      ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-13s %s\n",$$1,$$2}' $(MAKEFILE_LIST)
generate:  ## write gen/ anew from openapi/
	scripts/generate.sh
build:     ## the server, into bin/
	go build -trimpath -o bin/pfxrd ./server/cmd/pfxrd
run: build ## serve http://127.0.0.1:8080/beta with a development issuer and the page's example
	bin/pfxrd serve --dev
demo:      ## send the page's request byte for byte and compare the answer with the page's
	scripts/demo.sh
test:      ## the tests that need nothing but Go; says what else there is
	scripts/test.sh
fresh:     ## make run and make test in a clone with empty caches, beside two busy cores
	scripts/fresh.sh
check:     ## what CI runs: generated files fresh, tidy, formatted, linted, every test, the long ones too
	scripts/check.sh
bench:     ## benchmarks, as one table of ratios
	scripts/bench.sh
bench-gateway: ## what the gateway costs, next to httputil.ReverseProxy and nginx
	scripts/bench-gateway.sh
bench-mock: ## requests a second of the mock, next to Prism
	scripts/bench-mock.sh
bench-store: ## durable updates over HTTP next to the naive build, what observation costs, ten million objects: half an hour
	scripts/bench-store.sh
fuzz:      ## each fuzz target for FUZZTIME (default 10m)
	scripts/fuzz.sh
breaking:  ## fail if the contract breaks a caller of the last tag's
	scripts/breaking.sh
changelog: ## what changed in the contract since the last tag
	scripts/changelog.sh
release:   ## programs, packages, image, SBOM and provenance of the last commit, into dist/
	scripts/release.sh
release-notes: ## the section of VERSION in .github/CHANGELOG.md, from the commits since the last tag
	go -C scripts/release run . notes "$(VERSION)"
licenses:  ## the list of the dependencies' licences, .github/LICENSES.md
	go -C scripts/release run . licenses --write
speclint:  ## lint the contract
	scripts/speclint.sh
mutation:  ## change our document and three foreign ones one place at a time; every change must be noticed
	go run ./scripts/mutation
attack:    ## the tables of attacks: how many rows there are, and that each is held
	go run ./scripts/attack
suite:     ## hold validation to the folder JSON_SCHEMA_TEST_SUITE, a copy of json-schema-org's
	go run ./scripts/suite
torture:   ## kill, overload and starve a server, and lose nothing: ten minutes
	scripts/torture.sh
torture-long: ## the same for hours, harness by harness
	scripts/torture.sh -long
torture-mutants: ## plant faults in the server that the harnesses must find
	scripts/torture.sh -mutants
