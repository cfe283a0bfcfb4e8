package app

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/batch"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// limit is a row of LIMITS.md.
type limit struct{ name, flag, fallback string }

// documentedLimits returns the rows for each command.
func documentedLimits(t *testing.T) map[string][]limit {
	t.Helper()
	text, err := os.ReadFile("../../LIMITS.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := make(map[string][]limit)
	for section := range strings.SplitSeq(string(text), "\n## `pfxrd ") {
		command, body, _ := strings.Cut(section, "`")
		for _, m := range regexp.MustCompile("(?m)^\\| (.+?) \\| (`--.+?`|fixed) \\| `(.*?)`.* \\| .+ \\|$").FindAllStringSubmatch(body, -1) {
			rows[command] = append(rows[command], limit{m[1], strings.Trim(m[2], "`"), m[3]})
		}
		if all := strings.Count(body, "\n| ") - 1; all > 0 && all != len(rows[command]) {
			t.Errorf("%s: %d of %d rows can be read", command, len(rows[command]), all)
		}
	}
	if len(rows["serve"]) < 15 || len(rows["gateway"]) < 10 {
		t.Fatalf("the tables have %d and %d rows", len(rows["serve"]), len(rows["gateway"]))
	}
	return rows
}

// fixedLimits are the limits without a flag, by the first words of their rows.
var fixedLimits = map[string]any{
	"header fields of a request":        graph.MaxHeader,
	"head of a request in all":          maxHeaderBytes,
	"body of a request":                 graph.MaxBody,
	"requests of a batch":               20, // openapi.yaml
	"responses of a batch together":     batch.MaxResponses,
	"bearer token":                      auth.MaxToken,
	"time for the head of a request":    readHeaderTimeout,
	"time for the whole request":        readTimeout,
	"time for the response":             writeTimeout,
	"time without a byte":               writeTimeout,
	"time that a connection waits":      idleTimeout,
	"the same, and a response that the": stallTimeout,
	"time for requests in flight":       drainTimeout,
	"average rate":                      minBodyRate,
	"time for each piece of a request":  readTimeout,
	"depth of arrays and objects in an": 8,  // TestLimitsOfBodies
	"violations that a response lists":  32, // the constants of package validate
	"depth of arrays and objects":       64,
}

// TestLimitsAreDocumented: each limit in the tables matches the code, and each flag that sets a limit is listed.
func TestLimitsAreDocumented(t *testing.T) {
	t.Parallel()
	parser, err := kong.New(&commands{}, kong.Vars{"version": ""})
	if err != nil {
		t.Fatal(err)
	}
	rows := documentedLimits(t)
	for _, command := range parser.Model.Children {
		documented := make(map[string]bool)
		flags := make(map[string]*kong.Flag)
		for _, f := range command.Flags {
			flags["--"+f.Name] = f
		}
		for _, row := range rows[command.Name] {
			documented[row.flag] = true
			if row.flag == "fixed" {
				if want := fixedLimit(row.name); fmt.Sprint(want) != row.fallback {
					t.Errorf("%s, %s: the table has %s, the code %v", command.Name, row.name, row.fallback, want)
				}
				continue
			}
			f := flags[row.flag]
			if f == nil {
				t.Errorf("%s has no flag %s", command.Name, row.flag)
				continue
			}
			if got := f.Default; got != row.fallback && (got != "" || row.fallback != "0") {
				t.Errorf("%s %s: the table has %s, the flag %q", command.Name, row.flag, row.fallback, got)
			}
		}
		for name := range flags {
			if len(rows[command.Name]) > 0 && regexp.MustCompile(`^--max-|timeout$|^--throttle$`).MatchString(name) && !documented[name] {
				t.Errorf("%s: LIMITS.md lacks %s", command.Name, name)
			}
		}
	}
}

// fixedLimit returns the limit whose name is the longest prefix of a row.
func fixedLimit(row string) any {
	best := ""
	for name := range fixedLimits {
		if strings.HasPrefix(row, name) && len(name) > len(best) {
			best = name
		}
	}
	return fixedLimits[best]
}

// TestLimitsOfBodies: limits without a constant here hold on the wire, at their bounds.
func TestLimitsOfBodies(t *testing.T) {
	t.Parallel()
	s := startServer(t, &lines{}, nil)
	token := s.token(t, auth.Grant{})
	patch := func(body string, fields ...string) int {
		return s.send(t, "PATCH /beta/pfxRecryptionRequests/sample HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer "+token+
			"\r\nContent-Type: application/json\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n"+strings.Join(fields, "")+"\r\n"+body)
	}
	nested := func(n int) string { return `{"@a.b":` + strings.Repeat("[", n) + strings.Repeat("]", n) + "}" }
	sized := func(n int) string { return `{"@a.b":"` + strings.Repeat("x", n-len(`{"@a.b":""}`)) + `"}` }
	for name, tt := range map[string]struct{ got, want int }{
		"depth":           {patch(nested(8)), 200},
		"above depth":     {patch(nested(9)), 400},
		"body":            {patch(sized(graph.MaxBody)), 200},
		"above body":      {patch(sized(graph.MaxBody + 1)), 413},
		"header fields":   {patch("{}", "X: "+strings.Repeat("x", 14<<10)+"\r\n"), 200},
		"above them":      {patch("{}", "X: "+strings.Repeat("x", 16<<10)+"\r\n"), 431},
		"above net/http":  {patch("{}", "X: "+strings.Repeat("x", 80<<10)+"\r\n"), 431},
		"unknown members": {patch(`{"a":1}`), 400},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %d, want %d", name, tt.got, tt.want)
		}
	}
}
