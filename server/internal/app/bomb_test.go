package app

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi"
)

// bombs are small files that expand to much memory.
var bombs = map[string]struct{ spec, policy string }{
	"aliases to a long text": {spec: "openapi: 3.0.3\na: &a " + strings.Repeat("x", 20_000) + "\nb: [" + strings.Repeat("*a, ", 1000) + "]\n"},
	"aliases of aliases":     {spec: "a: &a [x,x,x,x,x,x,x,x]\n" + laughs("bcdefgh")},
	"nothing but values":     {spec: "a: {" + strings.Repeat("[1,1,1,1,1,1,1,1]: 1,", 1<<17) + "}\n"},
	"a long list":            {spec: "a: [" + strings.Repeat("1,", 1<<16) + "]\n"},
	"deep":                   {spec: "a: " + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000) + "\n"},
	"servers and operations": {spec: multiplied()},
	"a long policy":          {policy: "# " + strings.Repeat("x", 1<<20)},
	"a policy of aliases":    {policy: "requests: &a {mode: *b}\n"},
}

// laughs returns one list for each letter, with eight aliases of the previous list.
func laughs(letters string) string {
	text, before := "", "a"
	for letter := range strings.SplitSeq(letters, "") {
		text += letter + ": &" + letter + " [" + strings.Repeat("*"+before+",", 8) + "]\n"
		before = letter
	}
	return text
}

func multiplied() string {
	text := "openapi: 3.0.3\ninfo: {title: t, version: '1'}\nservers: [{url: '/{a}', variables: {a: {default: x}}}"
	for i := range 250 {
		text += ", {url: /" + strings.Repeat("y", i+1) + "}"
	}
	text += "]\npaths:\n"
	for i := range 600 {
		text += "  /" + strings.Repeat("z", i+1) + ": {get: {responses: {default: {description: x}}}}\n"
	}
	return text
}

// TestReloadOfABomb: the reload fails and the gateway keeps serving.
func TestReloadOfABomb(t *testing.T) {
	t.Parallel()
	r := startReloadable(t)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for name, bomb := range bombs {
		if bomb.spec != "" {
			replace(t, r.spec, bomb.spec)
		} else {
			replace(t, r.policy, bomb.policy)
		}
		r.reload(t.Context(), true)
		if got := r.metric(t, "pfxr_gateway_last_reload_successful"); got != "0" {
			t.Errorf("%s: successful = %s", name, got)
		}
		if got, err := r.statusOf(client, `{"strange":1}`); err != nil || got != http.StatusBadRequest {
			t.Errorf("%s: got %d, %v", name, got, err)
		}
		replace(t, r.spec, string(openapi.Document))
		replace(t, r.policy, refusing)
	}
}
