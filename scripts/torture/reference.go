//go:build linux

package main

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// reference is the contract in short: the responses of a server with all objects in a map and a single client. It is
// written from the contract's words and shares no code with the server.
type reference struct {
	items map[string]map[string]*item // by tenant and key
	used  map[string][]string         // the entity tags that an address has had, by tenant + key
}

// item is an object. A value is a string, a bool, a json.Number or nil.
type item struct {
	values map[string]any
	tag    string // from a response; "" until then
}

// ask is a request.
type ask struct {
	method, tenant, key  string // without a key, the collection
	who                  string // the kind of token: "", reader, nobody, early, late, withdrawn
	ifMatch, ifNoneMatch string
	prefer               string
	accept, contentType  string
	query                []string // names and values
	body                 string
	after                string // the key before the page, which only the server can read from a token
	required             bool   // whether the server requires If-Match
}

// want is the expected response.
type want struct {
	status  int
	item    *item // its tag is in the response
	key     string
	made    bool     // the server generates the key
	fresh   bool     // the address must not have had the tag before
	content []any    // names and values of the object in the response
	page    *page    // of a list
	code    string   // of an error
	begins  string   // start of its message
	names   []string // one of them is in its message
	targets []string // of its details
	applied bool     // Preference-Applied: return=minimal
	or      *want    // an alternative
}

type page struct {
	rows  [][]any // each like content
	count int     // -1: not asked for
	more  string  // the last key of the page if there are more
	next  string  // the address of the next page, from the response
}

const typeName = "#microsoft.graph.pfxRecryptionRequest"

// members are in the order of every response.
var members = []struct{ name, kind string }{
	{"id", "String"}, {"tenantId", "Guid"}, {"userId", "Guid"}, {"deviceId", "Guid"}, {"profileId", "Guid"}, {"thumbprint", "String"},
	{"deviceKeyThumbprint", "String"}, {"status", "Int32"}, {"sourceType", "Int32"}, {"createdTime", "DateTimeOffset"},
	{"lastModifiedTime", "DateTimeOffset"}, {"isDeleted", "Boolean"}, {"eTag", "String"},
}

func kindOf(member string) string {
	for _, m := range members {
		if m.name == member {
			return m.kind
		}
	}
	return ""
}

func refuse(status int, code, begins string, targets ...string) *want {
	return &want{status: status, code: code, begins: begins, targets: targets}
}

// answer applies a request. It makes the checks in the contract's order; the first failure decides.
func (r *reference) answer(q ask) *want {
	writes := q.method != "GET" && q.method != "HEAD"
	sends := q.method == "PATCH" || q.method == "POST"
	if no := q.admitted(writes, sends); no != nil {
		return no
	}
	options, bad := q.options()
	if q.ifMatch != "" && writes && !tagList.MatchString(q.ifMatch) {
		bad = append(bad, "If-Match")
	}
	creates := strings.Contains(q.prefer, "create-if-missing")
	if q.ifNoneMatch != "" && (q.method == "PATCH" && (q.ifNoneMatch != "*" || !creates) || !writes && !tagList.MatchString(q.ifNoneMatch)) {
		bad = append(bad, "If-None-Match")
	}
	var sent map[string]any
	var no *want
	if sends {
		sent, no = q.read()
	}
	if len(bad) > 0 {
		no = &want{status: 400, code: "BadRequest", names: bad, or: no} // the contract calls this one check: any order
	}
	if no != nil {
		return no
	}
	if t, ok := sent["tenantId"]; ok && t != q.tenant {
		return refuse(403, "Forbidden", "", "/tenantId")
	}
	it := r.items[q.tenant][q.key]
	switch q.method {
	case "POST":
		return r.create(q, sent)
	case "PATCH":
		return r.patch(q, it, sent, creates)
	case "DELETE":
		if no := q.check(it); no != nil {
			return no
		}
		delete(r.items[q.tenant], q.key)
		return &want{status: 204}
	}
	if q.key == "" {
		return r.list(q, options)
	}
	if it == nil {
		return refuse(404, "ResourceNotFound", "")
	}
	if q.ifNoneMatch != "" && names(q.ifNoneMatch, it.tag) {
		return &want{status: 304, item: it, key: q.key}
	}
	return &want{status: 200, item: it, key: q.key, content: it.content(options["select"])}
}

// admitted returns the refusal because of the token or the media types.
func (q ask) admitted(writes, sends bool) *want {
	switch {
	case q.who == "nobody":
		return refuse(401, "InvalidAuthenticationToken", "Access token is empty.")
	case q.who == "late":
		return refuse(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
	case q.who == "early", q.who == "withdrawn":
		return refuse(401, "InvalidAuthenticationToken", "")
	case q.who == "reader" && writes:
		return refuse(403, "Forbidden", "Application must have one of the following scopes: ")
	case q.accept == "text/html":
		return refuse(406, "NotAcceptable", "")
	case sends && q.contentType == "text/plain":
		return refuse(415, "UnsupportedMediaType", "")
	}
	return nil
}

// check returns the refusal because of the object's state.
func (q ask) check(it *item) *want {
	switch {
	case q.required && q.ifMatch == "":
		return refuse(428, "PreconditionRequired", "")
	case it == nil:
		return refuse(404, "ResourceNotFound", "")
	case q.ifMatch != "" && !names(q.ifMatch, it.tag):
		return refuse(412, "PreconditionFailed", "")
	}
	return nil
}

func (r *reference) patch(q ask, it *item, sent map[string]any, creates bool) *want {
	insertOnly := q.ifNoneMatch == "*"
	creates = creates && q.ifMatch == ""
	if q.required && creates && !insertOnly {
		return refuse(428, "PreconditionRequired", "")
	}
	if creates && (it == nil || insertOnly) {
		if no := missing(sent); no != nil {
			return no
		}
		if it != nil {
			return refuse(412, "PreconditionFailed", "")
		}
		return r.create(q, sent)
	}
	if no := q.check(it); no != nil {
		return no
	}
	before := maps.Clone(it.values)
	maps.Copy(it.values, sent)
	w := &want{status: 200, item: it, key: q.key, content: it.content(""), fresh: !maps.Equal(before, it.values)}
	return w.minimal(q)
}

func (r *reference) create(q ask, sent map[string]any) *want {
	it := &item{values: sent}
	w := &want{status: 201, item: it, key: q.key, made: q.key == "", fresh: true}
	if !w.made {
		r.add(q.tenant, q.key, it)
	}
	w.content = it.content("")
	return w.minimal(q)
}

// add gives an object its permanent key.
func (r *reference) add(tenant, key string, it *item) {
	it.values["id"] = key
	r.items[tenant][key] = it
}

func (w *want) minimal(q ask) *want {
	if strings.Contains(q.prefer, "return=minimal") {
		w.content, w.applied = nil, true
	}
	return w
}

func (r *reference) list(q ask, options map[string]string) *want {
	top := 100
	if t := options["top"]; t != "" {
		top, _ = strconv.Atoi(t) // checked before
	}
	p := &page{count: -1}
	count := 0
	for _, key := range slices.Sorted(maps.Keys(r.items[q.tenant])) {
		it := r.items[q.tenant][key]
		if !it.passes(options["filter"]) {
			continue
		}
		count++
		switch {
		case key <= q.after:
		case len(p.rows) < top:
			p.rows = append(p.rows, it.content(options["select"]))
			q.after, p.more = key, ""
		default:
			p.more = q.after
			top = 0 // the rest is only counted
		}
	}
	if options["count"] == "true" {
		p.count = count
	}
	return &want{status: 200, page: p}
}

// content returns the selected members.
func (it *item) content(selected string) []any {
	out := []any{"@odata.type", typeName}
	for _, m := range members {
		if selected == "" || slices.Contains(strings.Split(selected, ","), m.name) || selected == "*" {
			out = append(out, m.name, it.values[m.name])
		}
	}
	return out
}

// options returns the query options by name without $, and those that the operation refuses.
func (q ask) options() (map[string]string, []string) {
	known, bad := map[string]string{}, []string(nil)
	for pair := range slices.Chunk(q.query, 2) {
		name, value := strings.ToLower(strings.TrimPrefix(pair[0], "$")), pair[1]
		_, twice := known[name]
		good := q.method == "GET" || q.method == "HEAD"
		switch name {
		case "select":
			for m := range strings.SplitSeq(value, ",") {
				good = good && (m == "*" || kindOf(m) != "")
			}
		case "top":
			n, err := strconv.Atoi(value)
			good = good && q.key == "" && err == nil && n >= 1 && n <= 1000
		case "count":
			good = good && q.key == "" && (value == "true" || value == "false")
		case "filter":
			good = good && q.key == "" && filterGood(value)
		default:
			good = false
		}
		if known[name] = value; twice || !good {
			bad = append(bad, name)
		}
	}
	return known, bad
}

func names(list, tag string) bool { return list == "*" || strings.Contains(list, tag) }

func filterGood(filter string) bool {
	for part := range strings.SplitSeq(filter, " and ") {
		c := comparison.FindStringSubmatch(part)
		if c == nil {
			return false
		}
		if _, ok := literal(kindOf(c[1]), c[2]); !ok {
			return false
		}
	}
	return true
}

func (it *item) passes(filter string) bool {
	if filter == "" {
		return true
	}
	for part := range strings.SplitSeq(filter, " and ") {
		c := comparison.FindStringSubmatch(part)
		v, _ := literal(kindOf(c[1]), c[2]) // checked before
		has := it.values[c[1]]
		if kindOf(c[1]) == "DateTimeOffset" {
			has, _ = instant(has.(string))
		}
		if has != v {
			return false
		}
	}
	return true
}

// read returns the members of a body, or what is wrong with it.
func (q ask) read() (map[string]any, *want) {
	if q.body == "" {
		return nil, refuse(400, "BadRequest", "Empty Payload. JSON content expected.")
	}
	pairs, ok := parse(q.body)
	if !ok {
		return nil, refuse(400, "BadRequest", "Unable to read JSON request payload.")
	}
	no := refuse(400, "ModelValidationFailure", "")
	sent := map[string]any{}
	other := false // whether it has another object's key, which is checked after the body itself
	for _, pair := range pairs {
		name, raw := pair[0], pair[1]
		v, ok := value(kindOf(name), raw)
		fault := ""
		switch {
		case name == "@odata.type":
			if text, good := value("String", raw); good && text == typeName {
				continue
			}
			fault = "The" // the contract does not define the message
			if raw[0] != '"' {
				fault = "Cannot convert"
			}
		case strings.Contains(name, "@"):
			continue
		case kindOf(name) == "":
			fault = "The property '" + name + "' does not exist on type 'microsoft.graph.pfxRecryptionRequest'."
		case !ok || name == "id" && v == nil:
			fault = "Cannot convert the value of '" + name + "' to the expected type 'Edm." + kindOf(name) + "'."
		case name != "id":
			sent[name] = v
		case q.method == "PATCH" && v != q.key:
			other = true
		}
		if fault != "" {
			no.targets = append(no.targets, "/"+name)
			if no.begins == "" {
				no.begins = fault
			}
		}
	}
	if q.method == "POST" {
		has := map[string]bool{}
		for _, pair := range pairs {
			has[pair[0]] = true
		}
		no.targets = append(no.targets, without(has)...)
	}
	if other && len(no.targets) == 0 {
		no = refuse(400, no.code, "The value of 'id' does not match", "/id")
	}
	if len(no.targets) == 0 {
		return sent, nil
	}
	return nil, no
}

// without returns the error targets of required members that the body lacks.
func without(has map[string]bool) []string {
	var targets []string
	for _, m := range members[1:] {
		if !has[m.name] {
			targets = append(targets, "/"+m.name)
		}
	}
	return targets
}

func missing(sent map[string]any) *want {
	has := map[string]bool{}
	for name := range sent {
		has[name] = true
	}
	if targets := without(has); len(targets) > 0 {
		return refuse(400, "ModelValidationFailure", "", targets...)
	}
	return nil
}
