//go:build linux

package main

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

// step is one action on servers with a store. Names stand for values that are unknown when the sequence is drawn: $own and
// $other are the tenants, $key the address's key, $tag the object's entity tag, $old an earlier one, $theirs that of the
// other tenant's object with the same key.
type step struct {
	do             string // get, head, list, next, patch, create, delete, or a disturbance
	server, tenant int
	key, form      int // the object, and the form of its address
	ask
	correlation string
	gzip        bool
	pages       int // how many more pages of a list to read at once
}

// String describes the step in a report.
func (s step) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s server %d", s.do, s.server)
	if s.method == "" {
		return b.String()
	}
	fmt.Fprintf(&b, " tenant %d", s.tenant)
	if s.pages > 0 {
		fmt.Fprintf(&b, " and %d pages more", s.pages)
	}
	if s.method != "POST" && s.do != "list" && s.do != "next" {
		fmt.Fprintf(&b, " key %d", s.key)
	}
	for _, f := range [][2]string{
		{"token", s.who}, {"client-request-id", s.correlation}, {"Accept", s.accept}, {"Content-Type", s.contentType},
		{"If-Match", s.ifMatch}, {"If-None-Match", s.ifNoneMatch}, {"Prefer", s.prefer}, {"query", strings.Join(s.query, " ")}, {"body", s.body},
	} {
		if f[1] != "" {
			fmt.Fprintf(&b, ", %s: %.400s", f[0], f[1])
		}
	}
	return b.String()
}

// sequences draws initial objects and a slice of slices of steps, because the slices of rapid are short: at most 50 steps,
// 14 on average.
var sequences = rapid.Custom(func(t *rapid.T) []step {
	first := rapid.SliceOfN(rapid.Custom(drawFirst), 1, 5).Draw(t, "")
	steps := rapid.SliceOfN(rapid.SliceOfN(rapid.Custom(drawStep), 1, 5), 1, 9).Draw(t, "")
	return slices.Concat(first, slices.Concat(steps...))
})

// disturbances are the actions on a server between requests.
var disturbances = []string{"clock +2m", "clock -2m", "day +24h", "day -24h", "clock 0", "kill", "stop", "require", "require", "rotate"}

var stepKinds = slices.Concat(slices.Repeat([]string{"patch"}, 20), slices.Repeat([]string{"get", "list"}, 9),
	slices.Repeat([]string{"upsert", "delete"}, 6), slices.Repeat([]string{"create", "next"}, 5), []string{"head", "head", "disturb", "disturb"})

// drawFirst draws the creation of an object.
func drawFirst(t *rapid.T) step {
	return step{do: "patch", server: one(t, 0, 1), tenant: one(t, 0, 0, 0, 1), key: one(t, 0, 1, 2, 3), ask: ask{
		method: "PATCH", contentType: "application/json", prefer: "create-if-missing", body: "{" + strings.Join(drawMembers(t, members[1:]), ",") + "}",
	}}
}

func drawStep(t *rapid.T) step {
	s := step{do: one(t, stepKinds...), server: one(t, 0, 1), tenant: one(t, 0, 0, 1)}
	s.key, s.form = one(t, 0, 0, 1, 4, 0, 1, 0, 5), one(t, 0, 0, 1, 2)
	s.who = seldom(t, 16, "", "reader", "nobody")
	s.accept = seldom(t, 16, "", "application/json;odata.metadata=minimal", "*/*", "text/html")
	s.correlation = seldom(t, 4, "", "7D0B7F9A-1b2c-4d5e-8f90-a1b2c3d4e5f6", "mine")
	tags := []string{"$tag", "$tag", "*", "$old", "$theirs", "W/$tag", `"x", $tag`, `$old , W/"y",`}
	switch s.do {
	case "disturb":
		return step{do: one(t, disturbances...), server: s.server}
	case "get", "head":
		s.method = strings.ToUpper(s.do)
		s.query = append(drawSelect(t), drawStray(t)...)
		s.ifNoneMatch = seldom(t, 2, "", append(tags, "x")...)
	case "list", "next":
		s.method = "GET"
		s.query = append(drawList(t), drawStray(t)...)
		s.pages = one(t, 0, 3)
	case "create":
		s.method, s.contentType = "POST", seldom(t, 8, "application/json", "application/json; charset=utf-8", "text/plain")
		s.prefer = seldom(t, 4, "", "return=minimal", "return=representation", "respond-async")
		s.body = drawBody(t, true)
	case "patch", "upsert":
		s.method, s.contentType = "PATCH", seldom(t, 8, "application/json", "application/merge-patch+json", "Application/JSON;odata.metadata=full", "text/plain")
		s.prefer = seldom(t, 4, "", "return=minimal", "return=representation", "create-if-missing")
		if s.do == "upsert" {
			s.prefer = one(t, "create-if-missing", "create-if-missing", "return=minimal, create-if-missing")
			s.ifNoneMatch = seldom(t, 4, "", "*", "*", "*", "$tag")
		}
		if s.ifNoneMatch == "" {
			s.ifMatch = seldom(t, 2, "", append(tags, tags...)...)
		}
		if s.ifMatch == "" && s.ifNoneMatch == "" {
			s.ifNoneMatch, s.ifMatch = seldom(t, 16, "", "*"), seldom(t, 16, "", "x", "$tag $old")
		}
		s.gzip = rarely(t, 8)
		s.body = drawBody(t, s.do == "upsert")
		s.query = drawStray(t)
		s.do = "patch"
	case "delete":
		s.method = "DELETE"
		s.ifMatch = seldom(t, 2, "", append(tags, "x")...)
		s.query = drawStray(t)
	}
	return s
}

// one draws one value uniformly: rapid's own choice strongly prefers the first.
func one[T any](t *rapid.T, of ...T) T {
	i := 0
	for bit := 1; bit < len(of); bit <<= 1 {
		i <<= 1
		if rapid.Bool().Draw(t, "") {
			i++
		}
	}
	return of[i%len(of)]
}

// rarely is true in one of n cases, a power of two.
func rarely(t *rapid.T, n int) bool {
	return one(t, append(make([]bool, n-1), true)...)
}

// seldom draws one of the others in one of n cases.
func seldom(t *rapid.T, n int, common string, others ...string) string {
	if rarely(t, n) {
		return one(t, others...)
	}
	return common
}

// values are valid values for members of a kind: so few that objects become equal and filters match.
var values = map[string][]string{
	"String": {`"a"`, `null`, `"it's"`, `""`, `"Ä\u00e4 \ud83d\ude00"`, `"A"`, `"null"`, `"` + strings.Repeat("é", 512) + `"`},
	"Guid":   {`"a991071c-071c-a991-1c07-91a91c0791a9"`, `"00000000-0000-0000-0000-000000000000"`, `"A991071C-071C-A991-1C07-91A91C0791A9"`},
	"Int32":  {`6`, `7`, `-0`, `0`, `-2147483648`, `2147483647`},
	"DateTimeOffset": {`"2017-01-01T00:03:18.9597073-08:00"`, `"2017-01-01T08:03:18.95970730Z"`, `"2017-01-01t00:03z"`, `"2017-01-01T14:03:00.000+14:00"`,
		`"2016-02-29T23:59:59.123456789012Z"`, `"2016-02-29T23:59:59.123456789013Z"`},
	"Boolean": {`true`, `false`},
}

// faulty are invalid values.
var faulty = map[string][]string{
	"String":         {`7`, `"` + strings.Repeat("é", 512) + `a"`, `"\u0000"`, `["a"]`, `false`},
	"Guid":           {`null`, `"a991071c"`, `7`, `"{a991071c-071c-a991-1c07-91a91c0791a9}"`, `""`},
	"Int32":          {`null`, `"7"`, `7.0`, `7e0`, `2147483648`, `-2147483649`, `true`, `{"a":7}`},
	"DateTimeOffset": {`null`, `"2017-02-29T00:00:00Z"`, `"2017-01-01T00:03:60Z"`, `"2017-01-01T00:03:18"`, `"2017-01-01T00:03:18+14:01"`, `"2017-01-01T24:00:00Z"`, `1`, `"2017-01-01 00:03:18Z"`},
	"Boolean":        {`null`, `0`, `"true"`},
}

// drawMembers draws values for the members.
func drawMembers(t *rapid.T, of []struct{ name, kind string }) []string {
	var pairs []string
	for _, m := range of {
		v := one(t, values[m.kind]...)
		if m.name == "tenantId" {
			v = one(t, `"$own"`, `"$own"`, `"$OWN"`)
		}
		pairs = append(pairs, `"`+m.name+`":`+v)
	}
	return pairs
}

// drawBody draws a body with all twelve members, or with some. A few have a fault.
func drawBody(t *rapid.T, all bool) string {
	rest := slices.Clone(members[1:])
	if !all {
		rest = rapid.SliceOfNDistinct(rapid.SampledFrom(rest), 0, 5, func(m struct{ name, kind string }) string { return m.name }).Draw(t, "")
	} else if rarely(t, 2) {
		slices.Reverse(rest)
	}
	pairs := drawMembers(t, rest)
	at := rapid.IntRange(0, len(pairs)).Draw(t, "")
	put := func(pair string) { pairs = slices.Insert(pairs, at, pair) }
	drop := func(i int) { pairs = slices.Delete(pairs, i, min(i+1, len(pairs))) }
	tampers := seldom(t, 4, "", "id", "type", "annotation", "fault", "unknown", "faults", "id faults", "tenant", "drop", "text")
	for tamper := range strings.FieldsSeq(tampers) {
		switch tamper {
		case "id":
			put(`"id":` + one(t, `"$key"`, `"other"`, `7`))
		case "type":
			put(`"@odata.type":` + one(t, `"#microsoft.graph.pfxRecryptionRequest"`, `"#microsoft.graph.user"`, `7`))
		case "annotation":
			put(one(t, `"status@odata.type":"#Int32"`, `"@odata.context":{"a":[null]}`))
		case "unknown":
			put(`"` + one(t, "Status", "colour", "etag", "odata.type") + `":1`)
		case "tenant":
			pairs = slices.DeleteFunc(pairs, func(pair string) bool { return strings.HasPrefix(pair, `"tenantId"`) })
			at = min(at, len(pairs))
			put(`"tenantId":"$other"`)
		case "drop":
			drop(at)
		case "fault", "faults":
			for _, m := range rest[:min(len(rest), 1+strings.Count(tamper, "s"))] {
				i := slices.IndexFunc(pairs, func(pair string) bool { return strings.HasPrefix(pair, `"`+m.name+`"`) })
				pairs[i] = `"` + m.name + `":` + one(t, faulty[m.kind]...)
			}
		}
	}
	text := "{" + strings.Join(pairs, ",") + "}"
	if tampers == "text" {
		text = one(t, "", text+"}", text[:len(text)-1], "\ufeff"+text, `{"status":1,"status":1}`, `{"status":01}`, "{\"eTag\":\"\xff\"}", "{'status':1}", " "+text+"\r\n")
	}
	return text
}

// drawSelect draws $select in some spelling, or nothing.
func drawSelect(t *rapid.T) []string {
	if !rarely(t, 4) {
		return nil
	}
	return []string{one(t, "$select", "select", "$SELECT"), one(t, "id", "status,id", "eTag,thumbprint,createdTime", seldom(t, 2, "*", "Status", "colour"))}
}

// drawStray seldom draws a query option that no operation has.
func drawStray(t *rapid.T) []string {
	if name := seldom(t, 32, "", "$expand", "api-version"); name != "" {
		return []string{name, "x"}
	}
	return nil
}

func drawList(t *rapid.T) []string {
	query := drawSelect(t)
	if !rarely(t, 4) {
		query = append(query, one(t, "$top", "top", "$TOP"), one(t, "1", "2", "1", "1", "1", "2", "1000", seldom(t, 2, "3", "0", "1001", "x", "1.0")))
	}
	if rarely(t, 4) {
		query = append(query, one(t, "$count", "$Count"), one(t, "true", "true", "false", seldom(t, 2, "true", "yes")))
	}
	if !rarely(t, 4) {
		filter := drawComparison(t)
		if rarely(t, 4) {
			filter += " and " + drawComparison(t)
		}
		query = append(query, one(t, "$filter", "filter"), filter)
	}
	return query
}

// drawComparison draws a comparison of a member with a value of its kind, seldom of another.
func drawComparison(t *rapid.T) string {
	m := one(t, members...)
	if rarely(t, 2) {
		m = members[11] // isDeleted matches half of the objects, so results have several pages
	}
	name, text := m.name, one(t, values[m.kind]...)
	switch {
	case name == "id":
		text = `"` + one(t, keys...) + `"`
	case name == "tenantId":
		text = one(t, `"$own"`, `"$OWN"`, `"$other"`)
	case strings.Contains(text, `\`) || text == "-0":
		text = "null"
	}
	if text != "null" {
		text = strings.Trim(text, `"`)
		if m.kind == "String" {
			text = "'" + strings.ReplaceAll(text, "'", "''") + "'"
		}
	}
	switch seldom(t, 8, "", "name", "literal", "operator") {
	case "name":
		name = one(t, "Status", "colour")
	case "literal":
		text = one(t, "'a'", "7", "true", "2017-01-01T00:03Z")
	case "operator":
		return name + " ne " + text
	}
	return name + " eq " + text
}
