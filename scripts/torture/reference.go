//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// reference is the contract in short: what a server answers that has all objects in a map and nobody else to serve. It is
// written from the contract's words and shares nothing with the server.
type reference struct {
	items map[string]map[string]*item // by tenant and key
	used  map[string][]string         // the entity tags that an address has had, by tenant + key
}

// item is an object. A value is a string, a bool, a json.Number or nil.
type item struct {
	values map[string]any
	tag    string // as the server has told it; "" until then
}

// ask is a request.
type ask struct {
	method, tenant, key  string // no key: the collection
	who                  string // whose token: "", reader, nobody, early, late, withdrawn
	ifMatch, ifNoneMatch string
	prefer               string
	accept, contentType  string
	query                []string // names and values
	body                 string
	after                string // where the page begins, which only the server can read off a token
	required             bool   // whether the server wants If-Match
}

// want is the answer to a request.
type want struct {
	status  int
	item    *item // whose tag the answer has
	key     string
	made    bool     // the server chooses the key
	fresh   bool     // the tag must be one that the address has not had
	content []any    // names and values of the object in the answer
	page    *page    // of a list
	code    string   // of an error
	begins  string   // its message
	names   []string // one of them is in its message
	targets []string // of its details
	applied bool     // Preference-Applied: return=minimal
	or      *want    // is as good
}

type page struct {
	rows  [][]any // like content
	count int     // -1: not asked for
	more  string  // the last key of the page if there are more
	next  string  // the address of the next page, as the server has told it
}

const typeName = "#microsoft.graph.pfxRecryptionRequest"

// members are in the order of every answer.
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

// answer does what is asked. The checks are in the contract's order, of which the first that fails decides.
func (r *reference) answer(q ask) *want {
	writes := q.method != "GET" && q.method != "HEAD"
	sends := q.method == "PATCH" || q.method == "POST"
	switch {
	case q.who == "nobody":
		return refuse(401, "InvalidAuthenticationToken", "Access token is empty.")
	case q.who == "late":
		return refuse(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
	case q.who == "early": // unless it was verified before the clock was set back
		no := refuse(401, "InvalidAuthenticationToken", "")
		q.who = ""
		no.or = r.answer(q)
		return no
	case q.who == "withdrawn":
		return refuse(401, "InvalidAuthenticationToken", "")
	case q.who == "reader" && writes:
		return refuse(403, "Forbidden", "Application must have one of the following scopes: ")
	case q.accept == "text/html":
		return refuse(406, "NotAcceptable", "")
	case sends && q.contentType == "text/plain":
		return refuse(415, "UnsupportedMediaType", "")
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
		no = &want{status: 400, code: "BadRequest", names: bad, or: no} // one check, says the contract: any order
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

// check returns the refusal that the state of the object calls for.
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

// add gives an object the key that it has from now on.
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
		top, _ = strconv.Atoi(t) // it was checked
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
			top = 0 // what comes now is only counted
		}
	}
	if options["count"] == "true" {
		p.count = count
	}
	return &want{status: 200, page: p}
}

// content returns the members that are selected.
func (it *item) content(selected string) []any {
	out := []any{"@odata.type", typeName}
	for _, m := range members {
		if selected == "" || slices.Contains(strings.Split(selected, ","), m.name) || selected == "*" {
			out = append(out, m.name, it.values[m.name])
		}
	}
	return out
}

// options returns the query options by their names without $, and which of them the operation refuses.
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

var (
	comparison = regexp.MustCompile(`^(\w+) eq ('(?:[^']|'')*'|[^ ']+)$`)
	tagList    = regexp.MustCompile(`^(\*|(W/)?"[^" ]*"( *, *((W/)?"[^" ]*")?)*)$`)
	guid       = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	integer    = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
	timestamp  = regexp.MustCompile(`^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,12}))?)?(?:[Zz]|([+-])(\d\d):(\d\d))$`)
)

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
		v, _ := literal(kindOf(c[1]), c[2]) // it was checked
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

// literal reads a literal of OData as a value to compare with.
func literal(kind, text string) (any, bool) {
	quoted := strings.HasPrefix(text, "'")
	if text == "null" {
		return nil, kind != ""
	}
	if quoted != (kind == "String") {
		return nil, false
	}
	switch kind {
	case "String":
		return strings.ReplaceAll(text[1:len(text)-1], "''", "'"), true
	case "Guid":
		return strings.ToLower(text), guid.MatchString(text)
	case "DateTimeOffset":
		return instant(text)
	}
	return value(kind, text)
}

// value reads a member of a body.
func value(kind, raw string) (any, bool) {
	dec := json.NewDecoder(strings.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil, false
	}
	text, isText := v.(string)
	switch kind {
	case "String":
		return v, v == nil || isText && len(text) <= 1024 && !strings.Contains(text, "\x00")
	case "Guid":
		return strings.ToLower(text), guid.MatchString(text)
	case "DateTimeOffset":
		_, ok := instant(text)
		return text, ok
	case "Int32":
		n, err := strconv.ParseInt(raw, 10, 32)
		return json.Number(strconv.FormatInt(n, 10)), err == nil && integer.MatchString(raw)
	case "Boolean":
		_, ok := v.(bool)
		return v, ok
	}
	return nil, false
}

// instant reads a time as a text that is the same for the same instant.
func instant(text string) (any, bool) {
	f := timestamp.FindStringSubmatch(text)
	if f == nil {
		return nil, false
	}
	n := func(i int) int { v, _ := strconv.Atoi(f[i]); return v } // digits, or nothing
	t := time.Date(n(1), time.Month(n(2)), n(3), n(4), n(5), n(6), 0, time.UTC)
	offset := n(9)*60 + n(10)
	if t.Day() != n(3) || n(2) > 12 || n(4) > 23 || n(5) > 59 || n(6) > 59 || n(10) > 59 || offset > 14*60 {
		return nil, false
	}
	if f[8] == "+" {
		offset = -offset
	}
	return fmt.Sprint(t.Unix()+int64(offset)*60, ".", strings.TrimRight(f[7], "0")), true
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
	for _, pair := range pairs {
		name, raw := pair[0], pair[1]
		v, ok := value(kindOf(name), raw)
		fault := ""
		switch {
		case name == "@odata.type":
			if text, good := value("String", raw); good && text == typeName {
				continue
			}
			fault = "The" // the contract has no words for it
			if raw[0] != '"' {
				fault = "Cannot convert"
			}
		case strings.Contains(name, "@"):
			continue
		case kindOf(name) == "":
			fault = "The property '" + name + "' does not exist on type 'microsoft.graph.pfxRecryptionRequest'."
		case !ok || name == "id" && v == nil:
			fault = "Cannot convert the value of '" + name + "' to the expected type 'Edm." + kindOf(name) + "'."
		case name == "id" && q.method == "PATCH" && v != q.key:
			fault = "The value of 'id' does not match"
		case name != "id":
			sent[name] = v
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
	if len(no.targets) == 0 {
		return sent, nil
	}
	return nil, no
}

// without returns the targets of the members that an object must have and the body has not.
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

// parse returns the members of a JSON object, each once, in their order, with their values as text.
func parse(body string) (pairs [][2]string, ok bool) {
	dec := json.NewDecoder(strings.NewReader(body))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') || !utf8.ValidString(body) {
		return nil, false
	}
	seen := map[any]bool{}
	for dec.More() {
		name, err := dec.Token()
		var raw json.RawMessage
		if err != nil || seen[name] || dec.Decode(&raw) != nil {
			return nil, false
		}
		seen[name] = true
		pairs = append(pairs, [2]string{name.(string), string(raw)})
	}
	_, err := dec.Token()
	_, end := dec.Token()
	return pairs, err == nil && end == io.EOF
}
