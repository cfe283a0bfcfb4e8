package compat

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"

	"github.com/pfxrecryption/pfxrecryption/server/pfxtest"
)

// mutant is a server with a fault. Users of each client that has the row must find it violated, and none before it.
type mutant struct {
	name     string
	row      string
	harmless string // why users of our clients do not notice the fault; "" if they do
	fault    fault
}

// TestMutants: users of each client notice when a server does not do what the table says, and each row of the table finds a
// fault that no row before it finds.
func TestMutants(t *testing.T) {
	t.Parallel()
	found := map[string]map[string]string{} // the row, by client and mutant
	var mu sync.Mutex
	t.Run("clients", func(t *testing.T) {
		for name, connect := range clients {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				rows := judgeMutants(t, connect)
				mu.Lock()
				defer mu.Unlock()
				found[name] = rows
			})
		}
	})
	fmt.Print(matrix(found))
	for _, b := range behaviours {
		if !slices.ContainsFunc(mutants(), func(m mutant) bool { return m.row == b.name }) {
			t.Errorf("no mutant shows that the row %s finds anything", b.name)
		}
	}
}

// judgeMutants connects a client with each mutant and returns the rows that it finds violated.
func judgeMutants(t *testing.T, connect func(*testing.T, string, string) caller) map[string]string {
	keys := []string{"other"}
	for i := range mutants() {
		keys = append(keys, fmt.Sprintf("object-%d", i))
	}
	server := pfxtest.Start(t, pfxtest.Config{Seed: seed(t, keys...)})
	p := newProxy(t, server.URL)
	c := connect(t, p.URL+"/beta", server.Token(t, pfxtest.Grant{}))
	found := map[string]string{}
	for i, m := range mutants() {
		if isOfOurs(m.row) && !isOurs(c) {
			continue
		}
		want := m.row
		if m.harmless != "" && isOurs(c) {
			want = "harmless"
		}
		p.become(m.fault)
		row, wrong := "harmless", ""
		for row, wrong = range (&user{caller: c, proxy: p, key: keys[i+1]}).violations(t.Context()) {
			break
		}
		if found[m.name] = row; row != want {
			t.Errorf("a server that %s: %s %s, want %s", m.name, row, wrong, want)
		}
	}
	return found
}

// isOfOurs reports whether only our clients have a row.
func isOfOurs(row string) bool {
	return slices.ContainsFunc(behaviours, func(b behaviour) bool { return b.name == row && b.ours })
}

// matrix shows which row finds each mutant with each client; "-" means that the client lacks the operation.
func matrix(found map[string]map[string]string) string {
	var text strings.Builder
	names := slices.Sorted(maps.Keys(found))
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "a server that\t%s\n", strings.Join(names, "\t"))
	for _, m := range mutants() {
		fmt.Fprint(w, m.name)
		for _, name := range names {
			fmt.Fprint(w, "\t", cmp.Or(found[name][m.name], "-"))
		}
		if m.harmless != "" {
			fmt.Fprintf(w, "\tharmless: %s", m.harmless)
		}
		fmt.Fprintln(w)
	}
	if err := w.Flush(); err != nil {
		return err.Error()
	}
	return text.String()
}

// mutants returns the mutants, each with a state of its own.
func mutants() []mutant {
	return slices.Concat(wrongUpdates(), wrongConditions(), wrongErrors(), wrongCollections())
}

func wrongUpdates() []mutant {
	var cached, before response
	versions := 0
	return []mutant{
		{name: "responds to an update as if it applied it", row: "value", fault: func(q request, next func(request) response) response {
			if q.Method != http.MethodPatch {
				return next(q)
			}
			a := next(q.reading())
			return a.edit(func(object map[string]any) { maps.Copy(object, q.members()) })
		}},
		{name: "responds to an update with the object before it", row: "value", fault: func(q request, next func(request) response) response {
			a := next(q)
			switch {
			case q.Method == http.MethodGet && a.status == http.StatusOK:
				before = a
			case q.Method == http.MethodPatch && a.status == http.StatusOK:
				a.body = before.body
			}
			return a
		}},
		{name: "responds to every get of an object as to the first", row: "value", fault: func(q request, next func(request) response) response {
			if q.Method == http.MethodGet && cached.status == 0 {
				cached = next(q)
			}
			if q.Method == http.MethodGet {
				return cached
			}
			return next(q)
		}},
		{name: "takes a null for an absent member", row: "null", fault: func(q request, next func(request) response) response {
			if q.Method == http.MethodPatch {
				q = q.edit(func(update map[string]any) { maps.DeleteFunc(update, func(_ string, v any) bool { return v == nil }) })
			}
			return next(q)
		}},
		{name: "responds to an update with 204 and a body", row: "absent", harmless: "they read the object", fault: func(q request, next func(request) response) response {
			a := next(q)
			if q.Method == http.MethodPatch && a.status == http.StatusOK {
				a.status, a.body = http.StatusNoContent, []byte("{}")
			}
			return a
		}},
		{name: "has no ETag", row: "get", fault: func(q request, next func(request) response) response {
			a := next(q)
			a.header.Del("ETag")
			return a
		}},
		{name: "changes the ETag with each response", row: "absent", fault: func(q request, next func(request) response) response {
			a := next(q)
			versions++
			a.header.Set("ETag", fmt.Sprintf(`"%d"`, versions))
			return a
		}},
	}
}

func wrongConditions() []mutant {
	return []mutant{
		{name: "ignores If-Match", row: "412", fault: func(q request, next func(request) response) response {
			q.Header.Del("If-Match")
			return next(q)
		}},
		{name: "rejects an If-Match that holds", row: "ETag", fault: func(q request, next func(request) response) response {
			if q.Header.Get("If-Match") != "" {
				q.Header.Set("If-Match", `"none"`)
			}
			return next(q)
		}},
		{name: "applies what it rejects with 412", row: "412", fault: func(q request, next func(request) response) response {
			a := next(q)
			if a.status == http.StatusPreconditionFailed {
				q.Header.Del("If-Match")
				next(q)
			}
			return a
		}},
		{name: "says 409 for 412", row: "412", fault: func(q request, next func(request) response) response {
			a := next(q)
			if a.status == http.StatusPreconditionFailed {
				a.status = http.StatusConflict
			}
			return a
		}},
		{name: "applies what it throttles", row: "429", fault: func(q request, next func(request) response) response {
			a := next(q)
			if a.status == http.StatusTooManyRequests {
				next(q)
			}
			return a
		}},
		{name: "throttles without Retry-After", row: "wait", fault: func(q request, next func(request) response) response {
			a := next(q)
			if a.status == http.StatusTooManyRequests {
				a.header.Del("Retry-After")
			}
			return a
		}},
	}
}

func wrongErrors() []mutant {
	return []mutant{
		{name: "has errors that are plain text", row: "412", fault: func(q request, next func(request) response) response {
			a := next(q)
			if a.status >= http.StatusBadRequest {
				a.header.Set("Content-Type", "text/plain")
				a.body = []byte("wrong\n")
			}
			return a
		}},
		{name: "has errors without details", row: "details", fault: func(q request, next func(request) response) response {
			a := next(q)
			a.body = bytes.Replace(a.body, []byte(`"details"`), []byte(`"more"`), 1)
			return a
		}},
		{name: "has an object under every key", row: "404", fault: func(q request, next func(request) response) response {
			a := next(q)
			if q.Method == http.MethodGet && a.status == http.StatusNotFound {
				a.status, a.body = http.StatusOK, []byte(object)
			}
			return a
		}},
	}
}

func wrongCollections() []mutant {
	return []mutant{
		{name: "says of a new object that it is where another is", row: "create", fault: func(q request, next func(request) response) response {
			a := next(q)
			if a.status == http.StatusCreated {
				a.status, a.body = http.StatusNoContent, nil
				for _, name := range []string{"Location", "OData-EntityId"} {
					a.header.Set(name, "http://"+q.Host+"/beta/pfxRecryptionRequests/other")
				}
			}
			return a
		}},
		{name: "has a next page that is the same page", row: "list", fault: func(q request, next func(request) response) response {
			a := next(q)
			if q.Method == http.MethodGet && strings.HasSuffix(q.URL.Path, "/pfxRecryptionRequests") {
				return a.edit(func(page map[string]any) { page["@odata.nextLink"] = "http://" + q.Host + q.RequestURI })
			}
			return a
		}},
		{name: "has no next page", row: "list", fault: func(q request, next func(request) response) response {
			a := next(q)
			a.body = bytes.Replace(a.body, []byte("@odata.nextLink"), []byte("@odata.next"), 1)
			return a
		}},
		{name: "responds to a deletion as if it applied it", row: "delete", fault: func(q request, next func(request) response) response {
			if q.Method == http.MethodDelete && q.Header.Get("If-Match") == "" {
				a := next(q.reading())
				a.status, a.body = http.StatusNoContent, nil
				return a
			}
			return next(q)
		}},
	}
}

// reading returns the get of the object that a request is for.
func (q request) reading() request {
	r := q.Clone(q.Context())
	r.Method = http.MethodGet
	for _, name := range []string{"Content-Encoding", "Content-Type", "If-Match"} {
		r.Header.Del(name)
	}
	return request{r, nil}
}

// members returns the members in the body of a request. Graph's client for Go compresses it.
func (q request) members() map[string]any {
	body := io.Reader(bytes.NewReader(q.body))
	if q.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		body = unpacked
	}
	var members map[string]any
	if err := json.NewDecoder(body).Decode(&members); err != nil {
		panic(http.ErrAbortHandler)
	}
	return members
}

// edit returns a request whose body is changed.
func (q request) edit(change func(map[string]any)) request {
	members := q.members()
	change(members)
	q.Header.Del("Content-Encoding")
	return request{q.Request, encode(members)}
}

// edit returns a response whose body is changed.
func (a response) edit(change func(map[string]any)) response {
	var members map[string]any
	if err := json.Unmarshal(a.body, &members); err != nil {
		panic(http.ErrAbortHandler)
	}
	change(members)
	a.body = encode(members)
	return a
}

func encode(members map[string]any) []byte {
	text, err := json.Marshal(members)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return text
}
