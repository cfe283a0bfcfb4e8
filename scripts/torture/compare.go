//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// answered is a response of a server and its request.
type answered struct {
	method, origin, tenant string
	correlation            string // client-request-id of the request
	clock                  time.Time
	resp                   *http.Response
	body                   string
}

// differences between a response and the reference: for each, the aspect, which is the same in every run, and the actual
// value.
type differences [][2]string

func (d *differences) unless(ok bool, aspect string, got, want any) {
	if !ok {
		*d = append(*d, [2]string{aspect, fmt.Sprintf("%s is %v, want %v", aspect, got, want)})
	}
}

func (d *differences) equal(aspect string, got, want any) {
	d.unless(reflect.DeepEqual(got, want), aspect, got, want)
}

// compare compares the whole response, and learns from it what only the server knows: entity tags and generated keys.
func (r *reference) compare(a answered, w *want) differences {
	var d differences
	h := a.resp.Header
	d.equal("status", a.status(), w.statusOf())
	if len(d) > 0 {
		return d
	}
	id, correlation := a.compareCommon(&d)
	hasBody := w.code != "" || w.page != nil || w.content != nil
	mediaType, length := "", ""
	if hasBody {
		mediaType, length = "application/json", strconv.Itoa(len(a.body))
	}
	d.equal("Content-Type", h.Get("Content-Type"), mediaType)
	if a.method != http.MethodHead {
		d.equal("Content-Length", h.Get("Content-Length"), length)
	}
	if w.status != 403 { // a challenge may name the missing permission (RFC 6750 §3.1)
		d.equal("WWW-Authenticate", strings.HasPrefix(h.Get("WWW-Authenticate"), "Bearer "), w.status == 401)
	}
	d.equal("Accept-Patch", h.Get("Accept-Patch") != "", w.status == 415 && a.method == http.MethodPatch)
	d.equal("Preference-Applied", strings.Contains(h.Get("Preference-Applied"), "return=minimal"), w.applied)

	if w.made {
		w.key = h.Get("Location")[strings.LastIndex(h.Get("Location"), "/")+1:]
		d.unless(w.key != "" && r.items[a.tenant][w.key] == nil, "key that the server made", w.key, "a new one")
		r.add(a.tenant, w.key, w.item)
		if i := slices.Index(w.content, any("id")); i >= 0 {
			w.content[i+1] = w.key
		}
	}
	location := ""
	if w.status == 201 {
		location = a.origin + "/beta/pfxRecryptionRequests/" + w.key
	}
	d.equal("Location", h.Get("Location"), location)
	d.equal("OData-EntityId", h.Get("OData-EntityId"), location)
	r.tag(&d, w, a.tenant, h.Get("ETag"))

	if a.method == http.MethodHead || !hasBody {
		d.equal("body", a.body, "")
		return d
	}
	if w.code != "" {
		w.problem(&d, a, id, correlation)
		return d
	}
	tokens := content(a.body)
	if w.page == nil {
		d.equal("body", tokens, w.content)
		return d
	}
	w.page.compare(&d, a)
	return d
}

// compareCommon compares what every response has, and returns its request-id and the expected client-request-id.
func (a answered) compareCommon(d *differences) (string, string) {
	h := a.resp.Header
	for name, value := range map[string]string{"OData-Version": "4.0", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} {
		d.equal(name, h.Get(name), value)
	}
	id := h.Get("request-id")
	d.unless(guid.MatchString(id), "request-id", id, "a GUID")
	correlation := id
	if guid.MatchString(a.correlation) {
		correlation = strings.ToLower(a.correlation) // responses write every GUID in lower case
	}
	d.equal("client-request-id", h.Get("client-request-id"), correlation)
	date, err := http.ParseTime(h.Get("Date"))
	d.unless(err == nil && date.Sub(a.clock).Abs() < time.Minute, "Date", h.Get("Date"), a.clock)
	return id, correlation
}

func (a answered) status() int { return a.resp.StatusCode }

// statusOf returns 204 for a change whose client did not ask for a body.
func (w *want) statusOf() int {
	if w.applied {
		return http.StatusNoContent
	}
	return w.status
}

// tag compares the entity tag. It changes with every change of a member, and only then, and differs from those of earlier
// objects with the same key.
func (r *reference) tag(d *differences, w *want, tenant, got string) {
	if w.item == nil {
		d.equal("ETag", got, "")
		return
	}
	used := tenant + w.key
	if !w.fresh {
		d.equal("ETag", got, w.item.tag)
		return
	}
	d.unless(len(got) > 2 && got[0] == '"' && !slices.Contains(r.used[used], got), "ETag", got, "a new one")
	w.item.tag = got
	r.used[used] = append(r.used[used], got)
}

// problem compares the body of an error.
func (w *want) problem(d *differences, a answered, id, correlation string) {
	var got struct {
		Error struct {
			Code, Message string
			Details       []struct{ Code, Message, Target string }
			InnerError    struct {
				Date            string `json:"date"`
				RequestID       string `json:"request-id"`
				ClientRequestID string `json:"client-request-id"`
			} `json:"innerError"`
		} `json:"error"`
	}
	dec := json.NewDecoder(strings.NewReader(a.body))
	dec.DisallowUnknownFields()
	err := dec.Decode(&got)
	d.unless(err == nil, "error", a.body, "the contract's form")
	e := got.Error
	d.equal("error code", e.Code, w.code)
	var targets []string
	for _, detail := range e.Details {
		targets = append(targets, detail.Target)
		d.equal("error detail", detail.Code, w.code)
		d.unless(detail.Message != "", "error detail", "empty", "a message")
	}
	d.unless(e.Message != "" && strings.HasPrefix(e.Message, w.begins), "error message", e.Message, w.begins)
	named := len(w.names) == 0
	for _, name := range w.names {
		named = named || strings.Contains(e.Message, name)
	}
	d.unless(named, "error message", e.Message, w.names)
	date, err := time.Parse("2006-01-02T15:04:05", e.InnerError.Date)
	d.unless(err == nil && date.Sub(a.clock).Abs() < time.Minute, "error date", e.InnerError.Date, a.clock)
	d.equal("error request-id", e.InnerError.RequestID, id)
	d.equal("error client-request-id", e.InnerError.ClientRequestID, correlation)
	d.equal("error targets", targets, w.targets)
}

// compare compares a page.
func (p *page) compare(d *differences, a answered) {
	var got struct {
		Count *int              `json:"@odata.count"`
		Next  *string           `json:"@odata.nextLink"`
		Value []json.RawMessage `json:"value"`
	}
	dec := json.NewDecoder(strings.NewReader(a.body))
	dec.DisallowUnknownFields()
	err := dec.Decode(&got)
	d.unless(err == nil && got.Value != nil, "page", a.body, "the contract's form")
	var rows [][]any
	for _, row := range got.Value {
		rows = append(rows, content(string(row)))
	}
	d.equal("value", rows, p.rows)
	count := -1
	if got.Count != nil {
		count = *got.Count
	}
	d.equal("@odata.count", count, p.count)
	next := got.Next != nil
	d.equal("@odata.nextLink", next, p.more != "")
	if next {
		p.next = *got.Next
		d.unless(strings.HasPrefix(*got.Next, a.origin+"/beta/pfxRecryptionRequests?"), "@odata.nextLink", *got.Next, a.origin)
	}
}

// content returns the names and values of a flat JSON object in their order, or nil.
func content(body string) []any {
	pairs, ok := parse(body)
	if !ok {
		return nil
	}
	var out []any
	for _, pair := range pairs {
		dec := json.NewDecoder(strings.NewReader(pair[1]))
		dec.UseNumber()
		var v any
		if dec.Decode(&v) != nil {
			return nil
		}
		out = append(out, pair[0], v)
	}
	return out
}
