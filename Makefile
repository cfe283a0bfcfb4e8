.DEFAULT_GOAL := help
SHELL := /bin/sh
.PHONY: help generate build run demo test fresh check bench bench-gateway bench-mock bench-store fuzz breaking changelog release release-notes licenses speclint mutation attack suite test-long torture torture-long torture-mutants

help:      ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-13s %s\n",$$1,$$2}' $(MAKEFILE_LIST)
generate:  ## regenerate gen/ from openapi/
	scripts/generate.sh
build:     ## build the server, into bin/
	go build -trimpath -o bin/pfxrd ./server/cmd/pfxrd
run: build ## serve http://127.0.0.1:8080/beta with a development issuer and the page's example
	bin/pfxrd serve --dev
demo:      ## send the page's request byte for byte and compare the response with the page's
	scripts/demo.sh
test:      ## run the tests that need only Go; names the tests that it skips
	scripts/test.sh
test-long: ## run the long tests and every client with the numbers of MEASURED.md, which CI lowers: hours
	export PFXR_TEST_OBJECTS=100000 PFXR_TEST_RELOADS=1000 PFXR_TEST_CALLS=2800 PFXR_TEST_DOCUMENTS=30 PFXR_TEST_PROJECTS=all PFXR_TEST_UPDATES=1000 PFXR_TEST_TIMES=100 PFXR_TEST_REQUESTS=20000; \
	scripts/test.sh long && scripts/compat.sh && PFXR_TEST_INPUTS=20000 PFXR_TEST_DOCUMENTS=300 PFXR_TEST_SEED=1000 \
	go test -run '^(TestDocumentIsTheGeneratedContract|TestOracle|TestRandomDocuments)$$' ./gen/pfxvalid ./openapi/spec && \
	go run ./scripts/mutation
fresh:     ## make run and make test in a clone with empty caches, while two cores are busy
	scripts/fresh.sh
check:     ## what CI runs: generated files current, tidy, formatted, linted, every test including long ones
	scripts/check.sh
bench:     ## run the benchmarks; prints one table of ratios
	scripts/bench.sh
bench-gateway: ## measure the gateway's cost, compared with httputil.ReverseProxy and nginx
	scripts/bench-gateway.sh
bench-mock: ## measure the mock's requests per second, compared with Prism
	scripts/bench-mock.sh
bench-store: ## measure durable updates over HTTP against the naive build, the cost of observation, and ten million objects: half an hour
	scripts/bench-store.sh
fuzz:      ## run each fuzz target for FUZZTIME (default 10m)
	scripts/fuzz.sh
breaking:  ## fail if the contract breaks clients of the last tag's contract
	scripts/breaking.sh
changelog: ## list what changed in the contract since the last tag
	scripts/changelog.sh
release:   ## build programs, packages, image, SBOM and provenance of the last commit in dist/
	scripts/release.sh
release-notes: ## write the section for VERSION in .github/CHANGELOG.md from the commits since the last tag
	go -C scripts/release run . notes "$(VERSION)"
licenses:  ## write the list of the dependencies' licences, .github/LICENSES.md
	go -C scripts/release run . licenses --write
speclint:  ## lint the contract
	scripts/speclint.sh
mutation:  ## change our document and three others one place at a time; a test must fail for every change
	go run ./scripts/mutation
attack:    ## run the tables of attacks and count their rows
	go run ./scripts/attack
suite:     ## run the JSON Schema Test Suite, from a copy in the folder JSON_SCHEMA_TEST_SUITE
	go run ./scripts/suite
torture:   ## kill, overload and starve a server, and check that nothing is lost: ten minutes
	scripts/torture.sh
torture-long: ## run the same for hours, one harness after the other
	scripts/torture.sh -long
torture-mutants: ## plant faults in the server; the harnesses must find them
	scripts/torture.sh -mutants
