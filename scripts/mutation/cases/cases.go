// Package cases has bodies and parameters of our contract with their verdicts, written by hand from the document: at every
// bound the last valid value and the first invalid one. The mutation test and the comparisons of gen/pfxvalid with other
// validators share them.
package cases

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi"
)

// Kind is what a case is checked as.
type Kind string

// The kinds of cases.
const (
	Update     Kind = "update"     // the body of the PATCH
	Create     Kind = "create"     // the body of the POST
	Entity     Kind = "entity"     // the body of a 201, and of the PATCH's 200
	Selection  Kind = "selection"  // the body of the 200 of one object's GET
	Collection Kind = "collection" // the body of the 200 of the list's GET
	Error      Kind = "error"      // the body of every error
	Batch      Kind = "batch"      // the body of a batch
	Result     Kind = "result"     // the body of a batch's 200
	Parameters Kind = "parameters" // key, query and header
	Operation  Kind = "operation"  // what a server must know before it reads a request
	Body       Kind = "body"       // a body of OperationID
)

// Malformed is the verdict on bytes that are not I-JSON or nest too deep.
const Malformed = "malformed"

// Case is an input and its verdict.
type Case struct {
	Kind Kind
	Name string
	Body string // not for Parameters and Operation

	// OperationID is the operation of a Body, Parameters or Operation.
	OperationID string

	// For Body. Status is "" for the request, otherwise the key of the response.
	Status, Type string

	// For Parameters, as sent. Operations on all objects have no key.
	Key, Query string
	Header     map[string][]string

	// Want is "" for a valid input. Otherwise it is Malformed, or the faults in order, joined by "; ", each with its keyword
	// and its place: a JSON Pointer, or the in and name of a parameter. What a fault expects is omitted on purpose: it
	// repeats the document, and so would reveal every mutant even without a value at the bound.
	Want string
}

// All returns every case.
func All() []Case {
	var all []Case
	for _, list := range []func() []Case{updates, creates, entities, selections, collections, errors, batches, results, parameters, operations} {
		all = append(all, list()...)
	}
	return all
}

// Of returns the cases of a kind.
func Of(kind Kind) []Case {
	var some []Case
	for _, c := range All() {
		if c.Kind == kind {
			some = append(some, c)
		}
	}
	return some
}

const (
	guid = "6de0af45-af45-6de0-45af-e06d45afe06d"
	time = "2017-01-01T00:03:18.9597073-08:00"
)

// The members by type.
var (
	guids    = []string{"tenantId", "userId", "deviceId", "profileId"}
	texts    = []string{"thumbprint", "deviceKeyThumbprint", "eTag"}
	integers = []string{"status", "sourceType"}
	times    = []string{"createdTime", "lastModifiedTime"}
)

// value is a value of a type and the keywords that reject it, none if it is valid.
type value struct {
	name, json string
	keywords   []string
}

func text(s string) string { return `"` + s + `"` }

func nested(n int) string { return strings.Repeat("[", n) + "1" + strings.Repeat("]", n) }

var guidValues = []value{
	{"a GUID", text(guid), nil},
	{"a GUID in capitals", text(strings.ToUpper(guid)), nil},
	{"a GUID of no version", text("ffffffff-ffff-ffff-ffff-ffffffffffff"), nil},
	{"a GUID with an escape", text(`\u0036` + guid[1:]), nil},
	{"a GUID of 35 characters", text(guid[:35]), []string{"format"}},
	{"a GUID of 37 characters", text(guid + "0"), []string{"format"}},
	{"a GUID with a blank before", text(" " + guid), []string{"format"}},
	{"a GUID without hyphens", text(strings.ReplaceAll(guid, "-", "")), []string{"format"}},
	{"a GUID in braces", text("{" + guid + "}"), []string{"format"}},
	{"a GUID with a g", text("g" + guid[1:]), []string{"format"}},
	{"an empty string for a GUID", text(""), []string{"format"}},
	{"null for a GUID", `null`, []string{"type"}},
	{"a number for a GUID", `6`, []string{"type"}},
}

var textValues = []value{
	{"a text", text("x"), nil},
	{"an empty text", text(""), nil},
	{"null for a text", `null`, nil},
	{"text of 1024 characters", text(strings.Repeat("x", 1024)), nil},
	{"text of 1025 characters", text(strings.Repeat("x", 1025)), []string{"maxLength", "x-maxBytes"}},
	{"text of 1024 bytes", text(strings.Repeat("é", 512)), nil},
	{"text of 1025 bytes", text(strings.Repeat("é", 512) + "x"), []string{"x-maxBytes"}},
	{"text of 1024 characters in more bytes", text(strings.Repeat("é", 1024)), []string{"x-maxBytes"}},
	{"text with U+0000", text(`a\u0000b`), []string{"pattern"}},
	{"text that starts with U+0000", text(`\u0000b`), []string{"pattern"}},
	{"text that ends with U+0000", text(`a\u0000`), []string{"pattern"}},
	{"text of two lines", text(`a\nb\u0001`), nil},
	{"text beyond the basic plane", text(`\ud83d\ude00`), nil},
	{"a number for a text", `1`, []string{"type"}},
}

var integerValues = []value{
	{"an integer", `7`, nil},
	{"the least integer", `-2147483648`, nil},
	{"the greatest integer", `2147483647`, nil},
	{"one below the least integer", `-2147483649`, []string{"format"}},
	{"one above the greatest integer", `2147483648`, []string{"format"}},
	{"minus zero", `-0`, nil},
	{"an integer with a fraction", `7.0`, []string{"format"}},
	{"an integer with an exponent", `7e0`, []string{"format"}},
	{"a number between integers", `7.5`, []string{"format"}},
	{"null for an integer", `null`, []string{"type"}},
	{"a string for an integer", `"7"`, []string{"type"}},
}

var timeValues = []value{
	{"a time", text(time), nil},
	{"a time without seconds", text("2017-01-01T00:03Z"), nil},
	{"a time without fraction", text("2017-01-01T00:03:18Z"), nil},
	{"a time with one fraction digit", text("2017-01-01T00:03:18.5+00:00"), nil},
	{"a time with two fraction digits", text("2017-01-01T00:03:18.50Z"), nil},
	{"a time with twelve fraction digits", text("2017-01-01T00:03:18.123456789012Z"), nil},
	{"a time with thirteen fraction digits", text("2017-01-01T00:03:18.1234567890123Z"), []string{"format"}},
	{"a time with a point and no fraction digit", text("2017-01-01T00:03:18.Z"), []string{"format"}},
	{"a time in lower case", text("2017-01-01t00:03:18z"), nil},
	{"a day from 10 to 29", text("2017-12-19T19:59:59Z"), nil},
	{"the last day of October", text("2017-10-31T23:59Z"), nil},
	{"the last day of September", text("2017-09-30T09:00Z"), nil},
	{"a day that September lacks", text("2017-09-31T09:00Z"), []string{"format"}},
	{"a leap day", text("2024-02-29T20:00Z"), nil},
	{"a leap day of another year", text("2023-02-29T20:00Z"), []string{"format"}},
	{"a leap second", text("2016-12-31T23:59:60Z"), []string{"format"}},
	{"hour 24", text("2017-01-01T24:00Z"), []string{"format"}},
	{"month 13", text("2017-13-01T00:00Z"), []string{"format"}},
	{"an offset of 13:59", text("2017-01-01T00:03+13:59"), nil},
	{"an offset of 14:00", text("2017-01-01T00:03-14:00"), nil},
	{"an offset of 14:01", text("2017-01-01T00:03-14:01"), []string{"format"}},
	{"a time without offset", text("2017-01-01T00:03:18"), []string{"format"}},
	{"a year of three digits", text("217-01-01T00:03Z"), []string{"format"}},
	{"a year of five digits", text("12017-01-01T00:03Z"), []string{"format"}},
	{"null for a time", `null`, []string{"type"}},
	{"a number for a time", `1483257798`, []string{"type"}},
}

var booleanValues = []value{
	{"true", `true`, nil},
	{"false", `false`, nil},
	{"null for a boolean", `null`, []string{"type"}},
	{"a number for a boolean", `1`, []string{"type"}},
	{"a string for a boolean", `"true"`, []string{"type"}},
}

var keyValues = []value{
	{"a key", text("sample-.~_0"), nil},
	{"a key of one character", text("s"), nil},
	{"a key of two characters", text("sa"), nil},
	{"a key of 128 characters", text(strings.Repeat("k", 128)), nil},
	{"a key of 129 characters", text(strings.Repeat("k", 129)), []string{"maxLength"}},
	{"an empty key", text(""), []string{"minLength", "pattern"}},
	{"a key that starts with a dot", text(".s"), []string{"pattern"}},
	{"a key with a slash", text("a/b"), []string{"pattern"}},
	{"a key that starts with a slash", text("/a"), []string{"pattern"}},
	{"a key that ends with a slash", text("a/"), []string{"pattern"}},
	{"null for a key", `null`, []string{"type"}},
	{"a number for a key", `7`, []string{"type"}},
}

var freeValues = []value{
	{"a string", text("x/.y"), nil},
	{"an empty string", text(""), nil},
	{"a string of 2000 characters", text(strings.Repeat("é", 2000)), nil},
	{"null for a string", `null`, []string{"type"}},
	{"a number for a string", `7`, []string{"type"}},
}

var odataTypeValues = []value{
	{"the type", text("#microsoft.graph.pfxRecryptionRequest"), nil},
	{"another type", text("#microsoft.graph.pfxRecryptionRequestx"), []string{"enum"}},
	{"the type in another case", text("#microsoft.graph.pfxrecryptionrequest"), []string{"enum"}},
	{"no type", text(""), []string{"enum"}},
	{"null for the type", `null`, []string{"type"}},
	{"a number for the type", `7`, []string{"type"}},
}

// typed returns the members of an object with the values of their types, except id, which differs.
func typed() map[string][]value {
	all := map[string][]value{"@odata.type": odataTypeValues, "isDeleted": booleanValues}
	for _, group := range []struct {
		names  []string
		values []value
	}{{guids, guidValues}, {texts, textValues}, {integers, integerValues}, {times, timeValues}} {
		for _, name := range group.names {
			all[name] = group.values
		}
	}
	return all
}

// each returns a case for every value of a member.
func each(kind Kind, pointer string, values []value, body func(v string) string) []Case {
	var all []Case
	for _, v := range values {
		var faults []string
		for _, keyword := range v.keywords {
			faults = append(faults, keyword+" "+pointer)
		}
		all = append(all, Case{Kind: kind, Name: pointer + ": " + v.name, Body: body(v.json), Want: strings.Join(faults, "; ")})
	}
	return all
}

// members are the members of an object in the document's order, each with a value.
var members = []struct{ name, value string }{
	{"@odata.type", text("#microsoft.graph.pfxRecryptionRequest")}, {"id", text("sample")},
	{"tenantId", text(guid)}, {"userId", text(guid)}, {"deviceId", text(guid)}, {"profileId", text(guid)},
	{"thumbprint", text("t")}, {"deviceKeyThumbprint", `null`}, {"status", `6`}, {"sourceType", `10`},
	{"createdTime", text(time)}, {"lastModifiedTime", text(time)}, {"isDeleted", `true`}, {"eTag", text("e")},
}

// names returns the names of members; the first two are not on Microsoft's page.
func names() []string {
	var all []string
	for _, m := range members {
		all = append(all, m.name)
	}
	return all
}

// object returns an object in which one member has another value; "" omits the member.
func object(member, value string) string {
	var b strings.Builder
	b.WriteByte('{')
	for _, m := range members {
		if m.name == member {
			m.value = value
		}
		if m.value == "" {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%s", m.name, m.value)
	}
	return b.String() + "}"
}

// objects returns the cases of a body that is an object, with each value of each member, and without it.
func objects(kind Kind, required []string, id []value) []Case {
	all := []Case{
		{Kind: kind, Name: "the page's", Body: string(openapi.UpdateResponseExample)},
		{Kind: kind, Name: "null as body", Body: `null`, Want: "type "},
		{Kind: kind, Name: "array as body", Body: `[]`, Want: "type "},
	}
	values := typed()
	values["id"] = id
	for name, values := range values {
		without := Case{Kind: kind, Name: "without " + name, Body: object(name, "")}
		if slices.Contains(required, name) {
			without.Want = "required /" + name
		}
		all = append(all, without)
		all = append(all, each(kind, "/"+name, values, func(v string) string { return object(name, v) })...)
	}
	return all
}

// closed returns the cases of a body that allows only its members and annotations. more is its other content.
func closed(kind Kind, more string) []Case {
	var all []Case
	for _, c := range []struct{ name, members, want string }{
		{"unknown member", `"x":1`, "additionalProperties /x"},
		{"letter case of names", `"Status":1`, "additionalProperties /Status"},
		{"empty name", `"":1`, "additionalProperties /"},
		{"annotation of the object", `"@odata.context":{"a":[null,{}]}`, ""},
		{"annotation of a member", `"status@odata.type":7,"x@y":1e999`, ""},
		{"annotation with a trailing sign", `"x@":7`, ""},
		{"annotation of depth 7", `"@x":` + nested(7), ""},
		{"annotation of depth 8", `"@x":` + nested(8), ""},
		{"annotation of depth 9", `"@x":` + nested(9), Malformed},
		{"annotation twice", `"@x":1,"@x":1`, Malformed},
	} {
		all = append(all, Case{Kind: kind, Name: c.name, Body: "{" + c.members + more + "}", Want: c.want})
	}
	return all
}

func updates() []Case {
	all := []Case{
		{Name: "nothing to change", Body: `{}`},
		{Name: "the page's", Body: string(openapi.UpdateRequestExample)},
		{Name: "null as body", Body: `null`, Want: "type "},
		{Name: "array as body", Body: `[]`, Want: "type "},
		{Name: "member twice", Body: `{"status":1,"status":1}`, Want: Malformed},
		{Name: "trailing data", Body: `{} {}`, Want: Malformed},
		{Name: "bad UTF-8", Body: "{\"eTag\":\"\xff\"}", Want: Malformed},
		{Name: "lone surrogate", Body: `{"eTag":"\ud800"}`, Want: Malformed},
		{Name: "byte order mark", Body: "\xef\xbb\xbf{}", Want: Malformed},
		{Name: "nothing", Body: ``, Want: Malformed},
		{Name: "two faults", Body: `{"x":1,"status":"7"}`, Want: "additionalProperties /x; type /status"},
	}
	for i := range all {
		all[i].Kind = Update
	}
	for name, values := range typed() {
		all = append(all, each(Update, "/"+name, values, func(v string) string { return fmt.Sprintf(`{%q:%s}`, name, v) })...)
	}
	all = append(all, each(Update, "/id", freeValues, func(v string) string { return fmt.Sprintf(`{"id":%s}`, v) })...)
	return append(all, closed(Update, "")...)
}

func creates() []Case {
	twelve := names()[2:]
	all := append(objects(Create, twelve, freeValues), closed(Create, ","+strings.Trim(object("", ""), "{}"))...)
	return append(all,
		Case{Kind: Create, Name: "the page's request", Body: string(openapi.UpdateRequestExample)},
		Case{Kind: Create, Name: "nothing", Body: `{}`, Want: "required /" + strings.Join(twelve, "; required /")},
	)
}

func entities() []Case {
	return append(objects(Entity, names(), keyValues),
		Case{Kind: Entity, Name: "a member that we do not know", Body: `{"more":[{}],` + object("", "")[1:]})
}

const bare = `{"@odata.type":"#microsoft.graph.pfxRecryptionRequest"}`

func selections() []Case {
	return append(objects(Selection, []string{"@odata.type"}, keyValues),
		Case{Kind: Selection, Name: "nothing selected", Body: bare},
		Case{Kind: Selection, Name: "nothing", Body: `{}`, Want: "required /@odata.type"},
		Case{Kind: Selection, Name: "a member that we do not know", Body: `{"more":[{}],` + bare[1:]})
}

func collections() []Case {
	list := func(n int) string { return `{"value":[` + strings.TrimSuffix(strings.Repeat(bare+",", n), ",") + `]}` }
	all := []Case{
		{Name: "an empty page", Body: `{"value":[]}`},
		{Name: "an object", Body: `{"value":[` + object("", "") + `]}`},
		{Name: "all members", Body: `{"@odata.count":1,"@odata.nextLink":"https://a.example/b","value":[` + bare + `]}`},
		{Name: "a member that we do not know", Body: `{"@odata.context":"x","value":[]}`},
		{Name: "1000 objects", Body: list(1000)},
		{Name: "1001 objects", Body: list(1001), Want: "maxItems /value"},
		{Name: "null as body", Body: `null`, Want: "type "},
		{Name: "array as body", Body: `[]`, Want: "type "},
		{Name: "without value", Body: `{}`, Want: "required /value"},
		{Name: "null for the value", Body: `{"value":null}`, Want: "type /value"},
		{Name: "an object for the value", Body: `{"value":{}}`, Want: "type /value"},
		{Name: "null for an object", Body: `{"value":[` + bare + `,null]}`, Want: "type /value/1"},
		{Name: "an object without type", Body: `{"value":[{}]}`, Want: "required /value/0/@odata.type"},
	}
	for i := range all {
		all[i].Kind = Collection
	}
	all = append(all, each(Collection, "/@odata.count", []value{
		{"none", `0`, nil},
		{"the greatest", `9223372036854775807`, nil},
		{"one above the greatest", `9223372036854775808`, []string{"format"}},
		{"one below none", `-1`, []string{"minimum"}},
		{"a number between integers", `0.5`, []string{"type"}},
		{"null", `null`, []string{"type"}},
		{"a string", `"0"`, []string{"type"}},
	}, func(v string) string { return `{"@odata.count":` + v + `,"value":[]}` })...)
	return append(all, each(Collection, "/@odata.nextLink", []value{
		{"an address", text("https://a.example/beta/pfxRecryptionRequests?$skiptoken=c2FtcGxl"), nil},
		{"a relative address", text("pfxRecryptionRequests"), []string{"format"}},
		{"an empty address", text(""), []string{"format"}},
		{"null", `null`, []string{"type"}},
		{"a number", `7`, []string{"type"}},
	}, func(v string) string { return `{"@odata.nextLink":` + v + `,"value":[]}` })...)
}

// The parts of an error's body.
const (
	inner     = `{"date":"2026-01-02T03:04:05","request-id":"` + guid + `","client-request-id":"` + guid + `"}`
	detail    = `{"code":"c","message":"m","target":"/t"}`
	errorBody = `{"code":"c","message":"m","innerError":` + inner + `}`
)

func errors() []Case {
	all := []Case{
		{Name: "an error", Body: `{"error":` + errorBody + `}`},
		{Name: "null as body", Body: `null`, Want: "type "},
		{Name: "a string as body", Body: `"x"`, Want: "type "},
		{Name: "nothing in it", Body: `{}`, Want: "required /error"},
		{Name: "null for the error", Body: `{"error":null}`, Want: "type /error"},
		{Name: "an array for the error", Body: `{"error":[]}`, Want: "type /error"},
		{Name: "members that we do not know", Body: `{"x":1,"error":{"y":1,"details":[{"z":1,` + detail[1:] + `],"code":"c","message":"m","innerError":{"w":1,` + inner[1:] + `}}`},
		{Name: "an empty error", Body: `{"error":{}}`, Want: "required /error/code; required /error/message; required /error/innerError"},
		{Name: "null for the details", Body: withDetails(`null`), Want: "type /error/details"},
		{Name: "an object for the details", Body: withDetails(`{}`), Want: "type /error/details"},
		{Name: "no details in the list", Body: withDetails(`[]`)},
		{Name: "32 details", Body: withDetails(`[` + strings.Repeat(detail+`,`, 31) + detail + `]`)},
		{Name: "33 details", Body: withDetails(`[` + strings.Repeat(detail+`,`, 32) + detail + `]`), Want: "maxItems /error/details"},
		{Name: "null for a detail", Body: withDetails(`[null]`), Want: "type /error/details/0"},
		{Name: "an empty detail", Body: withDetails(`[{}]`), Want: "required /error/details/0/code; required /error/details/0/message; required /error/details/0/target"},
		{Name: "null for the inner error", Body: withInner(`null`), Want: "type /error/innerError"},
		{Name: "an empty inner error", Body: withInner(`{}`), Want: "required /error/innerError/date; required /error/innerError/request-id; required /error/innerError/client-request-id"},
	}
	for i := range all {
		all[i].Kind = Error
	}
	for _, name := range []string{"code", "message"} {
		all = append(all, each(Error, "/error/"+name, []value{
			{"one character", text("x"), nil},
			{"many characters", text(strings.Repeat("x", 2000)), nil},
			{"no character", text(""), []string{"minLength"}},
			{"null", `null`, []string{"type"}},
			{"a number", `7`, []string{"type"}},
		}, func(v string) string {
			return `{"error":` + strings.Replace(errorBody, fmt.Sprintf(`%q:%q`, name, name[:1]), fmt.Sprintf(`%q:%s`, name, v), 1) + `}`
		})...)
	}
	for name, good := range map[string]string{"code": "c", "message": "m", "target": "/t"} {
		all = append(all, each(Error, "/error/details/0/"+name, freeValues, func(v string) string {
			return withDetails(`[` + strings.Replace(detail, fmt.Sprintf(`%q:%q`, name, good), fmt.Sprintf(`%q:%s`, name, v), 1) + `]`)
		})...)
	}
	for _, name := range []string{"request-id", "client-request-id"} {
		all = append(all, each(Error, "/error/innerError/"+name, guidValues, func(v string) string {
			return withInner(strings.Replace(inner, fmt.Sprintf(`%q:%q`, name, guid), fmt.Sprintf(`%q:%s`, name, v), 1))
		})...)
	}
	return append(all, each(Error, "/error/innerError/date", []value{
		{"a date", text("2026-01-02T03:04:05"), nil},
		{"a date that does not exist", text("9999-99-99T99:99:99"), nil},
		{"with an offset", text("2026-01-02T03:04:05Z"), []string{"pattern"}},
		{"with something before", text("x2026-01-02T03:04:05"), []string{"pattern"}},
		{"without seconds", text("2026-01-02T03:04"), []string{"pattern"}},
		{"empty", text(""), []string{"pattern"}},
		{"null", `null`, []string{"type"}},
		{"a number", `7`, []string{"type"}},
	}, func(v string) string {
		return withInner(strings.Replace(inner, text("2026-01-02T03:04:05"), v, 1))
	})...)
}

func withDetails(details string) string {
	return `{"error":{"details":` + details + `,` + errorBody[1:] + `}`
}

func withInner(v string) string { return `{"error":` + strings.Replace(errorBody, inner, v, 1) + `}` }
