package app

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

const environmentPrefix = "PFXR_"

// clientVariables are the variables of pfxr alone: one shell may hold the variables of both programs.
var clientVariables = []string{
	"PFXR_CA", "PFXR_CLIENT_ID", "PFXR_CLIENT_SECRET", "PFXR_COLOR", "PFXR_CONCURRENCY", "PFXR_CONFIG", "PFXR_DRY_RUN", "PFXR_OUTPUT", "PFXR_PAGE_SIZE",
	"PFXR_SCOPE", "PFXR_TOKEN", "PFXR_TOKEN_URL", "PFXR_TRIES",
}

// foreignVariables are those of the tests, and those that Kubernetes sets for a service named pfxr.
var foreignVariables = regexp.MustCompile(`^PFXR_(TEST_.*|(.*_)?SERVICE_HOST|(.*_)?SERVICE_PORT(_.*)?|(.*_)?PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// checkEnvironment returns an error for a variable PFXR_… that no flag reads, so that a misspelled setting is not ignored.
func checkEnvironment(model *kong.Application, environment []string) error {
	known := make(map[string]bool)
	for _, name := range clientVariables {
		known[name] = true
	}
	err := kong.Visit(model, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			for _, name := range flag.Envs {
				known[name] = true
			}
		}
		return next(nil)
	})
	if err != nil {
		return err
	}
	for _, variable := range environment {
		name, _, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, environmentPrefix) && !known[name] && !foreignVariables.MatchString(name) {
			return fmt.Errorf("unknown variable %s in the environment: did you mean %s?", name, nearest(name, known))
		}
	}
	return nil
}

// nearest returns the known name with the smallest edit distance.
func nearest(name string, known map[string]bool) string {
	names := slices.Sorted(maps.Keys(known))
	return slices.MinFunc(names, func(a, b string) int { return distance(name, a) - distance(name, b) })
}

// distance returns the Levenshtein distance.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
