package checks_test

import (
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const (
	module = "github.com/pfxrecryption/pfxrecryption"
	echo   = "github.com/labstack/echo/v4"
	kin    = "github.com/getkin/kin-openapi/openapi3"
)

// list returns the output lines of go list, run at the top of the module.
func list(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %v: %v", args, err)
	}
	return strings.Fields(string(out))
}

func TestClientsPullInNeitherEchoNorKinOpenAPI(t *testing.T) {
	t.Parallel()
	for _, pkg := range []string{"./client/...", "./gen/pfxapi", "./gen/pfxvalid", "./openapi", "./openapi/edm", "./openapi/validate/..."} {
		deps := list(t, "-deps", pkg)
		if !slices.ContainsFunc(deps, func(d string) bool { return strings.HasPrefix(d, module) }) {
			t.Errorf("%s is not a package of this module", pkg)
		}
		for _, d := range deps {
			if strings.HasPrefix(d, path.Dir(echo)) || strings.HasPrefix(d, path.Dir(kin)) || strings.HasPrefix(d, module+"/server/internal") {
				t.Errorf("%s depends on %s", pkg, d)
			}
		}
	}
}

// TestOnlyTheReaderImportsKinOpenAPI: only package spec, which reads documents, imports it.
func TestOnlyTheReaderImportsKinOpenAPI(t *testing.T) {
	t.Parallel()
	var importers []string
	for _, line := range list(t, "-f", `{{$p := .ImportPath}}{{range .Imports}}{{$p}}={{.}} {{end}}`, "./server/...", "./openapi/...") {
		pkg, imported, _ := strings.Cut(line, "=")
		if strings.HasPrefix(imported, path.Dir(kin)) && !slices.Contains(importers, pkg) {
			importers = append(importers, pkg)
		}
	}
	if want := []string{module + "/openapi/spec"}; !slices.Equal(importers, want) {
		t.Errorf("kin-openapi is imported by %v, want %v", importers, want)
	}
	for _, d := range list(t, "-deps", "./gen/...", "./client/...", "./server/internal/api") {
		if strings.HasPrefix(d, path.Dir(kin)) {
			t.Errorf("the generated code, the client or the API depends on %s", d)
		}
	}
}

// TestOnlyTheLayerForEchoImportsEcho: the only other importer is oapi-codegen's code.
func TestOnlyTheLayerForEchoImportsEcho(t *testing.T) {
	t.Parallel()
	var importers []string
	for _, line := range list(t, "-f", `{{$p := .ImportPath}}{{range .Imports}}{{if eq . "`+echo+`"}}{{$p}} {{end}}{{end}}`, "./...") {
		importers = append(importers, strings.TrimPrefix(line, module+"/"))
	}
	if want := []string{"gen/pfxserver", "server/strict/strictecho"}; !slices.Equal(importers, want) {
		t.Errorf("echo is imported by %v, want %v", importers, want)
	}
}

// TestStrictIsForAnyAPI: package strict, which serves any document, does not depend on our API, kin-openapi or a
// router.
func TestStrictIsForAnyAPI(t *testing.T) {
	t.Parallel()
	var ours []string
	for _, d := range list(t, "-deps", "./server/strict") {
		if name, ok := strings.CutPrefix(d, module+"/"); ok {
			ours = append(ours, name)
		}
		if strings.HasPrefix(d, path.Dir(kin)) || strings.HasPrefix(d, path.Dir(echo)) || strings.Contains(d, "go-chi") {
			t.Errorf("package strict depends on %s", d)
		}
	}
	want := []string{"openapi/edm", "openapi/validate", "openapi/validate/ecma", "server/internal/authority", "server/internal/message", "server/strict"}
	if slices.Sort(ours); !slices.Equal(ours, want) {
		t.Errorf("package strict depends on %v, want %v", ours, want)
	}
}

// TestDependenciesPointOneWay: app → api, gateway, auth, store → pfx; api, gateway → graph → auth, strict → message → authority;
// api → odata → pfx. A package may import those to its right and no other.
func TestDependenciesPointOneWay(t *testing.T) {
	t.Parallel()
	const internal = module + "/server/internal/"
	allowed := map[string][]string{
		"app":              {"api", "auth", "conns", "cors", "gateway", "gateway/form", "gateway/policy", "gateway/traffic", "gateway/upstream", "gateway/view", "graph", "mock", "faultinject", "pace", "pfx", "store/audit", "store/copying", "store/postgres", "store/sqlite", "throttle"},
		"api":              {"auth", "batch", "graph", "message", "odata", "pace", "pfx", "throttle"},
		"auth":             {},
		"authority":        {},
		"batch":            {"graph", "message"},
		"conns":            {"peek"},
		"gateway":          {"auth", "batch", "cors", "gateway/form", "gateway/policy", "gateway/stream", "gateway/traffic", "graph", "message", "pace"},
		"cors":             {},
		"gateway/form":     {"graph"},
		"gateway/policy":   {},
		"gateway/stream":   {},
		"gateway/traffic":  {"gateway/policy"},
		"gateway/upstream": {"authority", "conns", "gateway/stream", "message", "pace", "peek"},
		"gateway/view":     {"gateway/policy", "gateway/traffic"},
		"graph":            {"auth", "message"},
		"message":          {"authority"},
		"mock":             {"gateway", "gateway/stream", "graph", "message", "mock/sample"},
		"mock/sample":      {},
		"odata":            {"pfx"},
		"pace":             {},
		"peek":             {},
		"faultinject":      {},
		"store":            {"pfx"},
		"store/audit":      {"pfx"},
		"store/copying":    {"pfx"},
		"store/postgres":   {"store", "store/audit", "store/queue", "pfx"},
		"store/queue":      {"store", "pfx"},
		"store/sqlite":     {"store", "store/audit", "store/queue", "pfx"},
		"store/storetest":  {"store/audit", "store/copying", "pfx"},
		"pfx":              {},
		"throttle":         {},

		"store/postgres/postgrestest": {},
	}
	for _, line := range list(t, "-f", `{{.ImportPath}}{{range .Imports}}={{.}}{{end}}`, internal+"...") {
		imports := strings.Split(line, "=")
		name := strings.TrimPrefix(imports[0], internal)
		may, known := allowed[name]
		if !known {
			t.Errorf("server/internal/%s is not in the layout", name)
		}
		for _, d := range imports[1:] {
			if other, ok := strings.CutPrefix(d, internal); ok && !slices.Contains(may, other) {
				t.Errorf("server/internal/%s imports %s", name, other)
			}
		}
	}
}

// TestNothingThatShipsDependsOnFaults: only scripts/torture injects network faults.
func TestNothingThatShipsDependsOnFaults(t *testing.T) {
	t.Parallel()
	for _, d := range list(t, "-deps", "./server/...", "./client/...", "./gen/...", "./openapi/...") {
		if strings.HasPrefix(d, "github.com/Shopify/toxiproxy") {
			t.Errorf("a program or a package of the public surface depends on %s", d)
		}
	}
}
