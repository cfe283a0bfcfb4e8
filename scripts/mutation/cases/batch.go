package cases

import (
	"fmt"
	"strings"
)

// A request of a batch, and the response to it.
const (
	part     = `{"id":"1","method":"GET","url":"pfxRecryptionRequests"}`
	response = `{"id":"1","status":200,"headers":{}}`
)

// many returns n values, separated by commas.
func many(value string, n int) string {
	return strings.TrimSuffix(strings.Repeat(value+",", n), ",")
}

// fields returns n header fields.
func fields(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`"x-%d":"v"`, i)
	}
	return "{" + strings.Join(list, ",") + "}"
}

var batchIDValues = []value{
	{"one character", text("x"), nil},
	{"two characters", text("xy"), nil},
	{"128 characters", text(strings.Repeat("é", 128)), nil},
	{"129 characters", text(strings.Repeat("x", 129)), []string{"maxLength"}},
	{"no character", text(""), []string{"minLength"}},
	{"null", `null`, []string{"type"}},
	{"a number", `1`, []string{"type"}},
}

func batches() []Case {
	all := []Case{
		{Name: "a request", Body: `{"requests":[` + part + `]}`},
		{Name: "20 requests", Body: `{"requests":[` + many(part, 20) + `]}`},
		{Name: "21 requests", Body: `{"requests":[` + many(part, 21) + `]}`, Want: "maxItems /requests"},
		{Name: "no requests", Body: `{"requests":[]}`, Want: "minItems /requests"},
		{Name: "null as body", Body: `null`, Want: "type "},
		{Name: "array as body", Body: `[]`, Want: "type "},
		{Name: "nothing", Body: `{}`, Want: "required /requests"},
		{Name: "null for the requests", Body: `{"requests":null}`, Want: "type /requests"},
		{Name: "an object for the requests", Body: `{"requests":{}}`, Want: "type /requests"},
		{Name: "another member", Body: `{"requests":[` + part + `],"x":1}`, Want: "additionalProperties /x"},
		{Name: "null for a request", Body: `{"requests":[null]}`, Want: "type /requests/0"},
		{Name: "array for a request", Body: `{"requests":[[]]}`, Want: "type /requests/0"},
		{Name: "an empty request", Body: `{"requests":[{}]}`, Want: "required /requests/0/id; required /requests/0/method; required /requests/0/url"},
		{Name: "another member of a request", Body: withMember("x", `1`), Want: "additionalProperties /requests/0/x"},
	}
	for i := range all {
		all[i].Kind = Batch
	}
	member := func(name string, values []value) {
		all = append(all, each(Batch, "/requests/0/"+name, values, func(v string) string { return withMember(name, v) })...)
	}
	member("id", batchIDValues)
	member("method", methodValues())
	member("url", urlValues)
	member("dependsOn", []value{
		{"nothing", `[]`, nil},
		{"20 requests", `[` + many(`"1"`, 20) + `]`, nil},
		{"21 requests", `[` + many(`"1"`, 21) + `]`, []string{"maxItems"}},
		{"null", `null`, []string{"type"}},
		{"an object", `{}`, []string{"type"}},
	})
	for _, v := range batchIDValues {
		c := each(Batch, "/requests/0/dependsOn/0", []value{v}, func(v string) string { return withMember("dependsOn", `[`+v+`]`) })
		all = append(all, c...)
	}
	member("headers", []value{
		{"no fields", `{}`, nil},
		{"64 fields", fields(64), nil},
		{"65 fields", fields(65), []string{"maxProperties"}},
		{"null", `null`, []string{"type"}},
		{"a list", `[]`, []string{"type"}},
	})
	all = append(all, each(Batch, "/requests/0/headers/x", headerValues, func(v string) string { return withMember("headers", `{"x":`+v+`}`) })...)
	member("body", anything)
	return all
}

// withMember is a batch whose request has a member with a value.
func withMember(name, v string) string {
	rest := strings.Trim(part, "{}")
	for member := range strings.SplitSeq(rest, ",") {
		if strings.HasPrefix(member, `"`+name+`":`) {
			return `{"requests":[{` + strings.Replace(rest, member, `"`+name+`":`+v, 1) + `}]}`
		}
	}
	return `{"requests":[{` + rest + `,"` + name + `":` + v + `}]}`
}

func methodValues() []value {
	var all []value
	for _, m := range []string{"DELETE", "GET", "PATCH", "POST", "PUT"} {
		for _, m := range []string{m, strings.ToLower(m)} {
			all = append(all, value{m, text(m), nil}, value{m + "x", text(m + "x"), []string{"enum"}})
		}
	}
	return append(all,
		value{"a method in mixed case", text("Get"), []string{"enum"}},
		value{"no method", text(""), []string{"enum"}},
		value{"null for a method", `null`, []string{"type"}},
		value{"a number for a method", `7`, []string{"type"}},
	)
}

var urlValues = []value{
	{"one character", text("a"), nil},
	{"a slash before it", text("/a"), nil},
	{"two segments", text("/a/b"), nil},
	{"a query", text("a?$filter=status eq 6"), nil},
	{"an empty query", text("a?"), nil},
	{"a query with what a path cannot have", text(`a?b:c?d\\`), nil},
	{"a blank in the path", text("a b"), nil},
	{"characters beyond ASCII", text("é/ü?ö"), nil},
	{"8192 characters", text(strings.Repeat("a", 8192)), nil},
	{"8193 characters", text(strings.Repeat("a", 8193)), []string{"maxLength"}},
	{"no character", text(""), []string{"minLength", "pattern"}},
	{"a slash alone", text("/"), []string{"pattern"}},
	{"two slashes before it", text("//a"), []string{"pattern"}},
	{"a blank before it", text(" a"), []string{"pattern"}},
	{"a query alone", text("?a"), []string{"pattern"}},
	{"a fragment alone", text("#a"), []string{"pattern"}},
	{"a fragment", text("a#b"), []string{"pattern"}},
	{"a fragment after a query", text("a?b#c"), []string{"pattern"}},
	{"a scheme", text("https://a.example/b"), []string{"pattern"}},
	{"a backslash", text(`\\a`), []string{"pattern"}},
	{"a backslash in the path", text(`a\\b`), []string{"pattern"}},
	{"U+0000", text(`\u0000`), []string{"pattern"}},
	{"U+0000 in the path", text(`a\u0000b`), []string{"pattern"}},
	{"U+0000 in the query", text(`a?\u0000b`), []string{"pattern"}},
	{"a tabulator in the path", text(`a\tb`), []string{"pattern"}},
	{"U+007F", text(`\u007f`), []string{"pattern"}},
	{"U+007F in the path", text(`a\u007f`), []string{"pattern"}},
	{"U+007F in the query", text(`a?\u007f`), []string{"pattern"}},
	{"null", `null`, []string{"type"}},
	{"a number", `7`, []string{"type"}},
}

var headerValues = []value{
	{"a value", text("v"), nil},
	{"an empty value", text(""), nil},
	{"two characters", text("vw"), nil},
	{"a tabulator and a blank", text(`\t `), nil},
	{"characters beyond ASCII", text("é"), nil},
	{"8192 characters", text(strings.Repeat("v", 8192)), nil},
	{"8193 characters", text(strings.Repeat("v", 8193)), []string{"maxLength"}},
	{"two lines", text(`a\nb`), []string{"pattern"}},
	{"a line end before it", text(`\na`), []string{"pattern"}},
	{"a line end after it", text(`a\n`), []string{"pattern"}},
	{"U+0008", text(`\u0008`), []string{"pattern"}},
	{"U+001F", text(`\u001f`), []string{"pattern"}},
	{"U+007F", text(`\u007f`), []string{"pattern"}},
	{"null", `null`, []string{"type"}},
	{"a number", `7`, []string{"type"}},
}

// anything are values of a member without a type.
var anything = []value{
	{"null", `null`, nil}, {"true", `true`, nil}, {"a number", `7`, nil}, {"a string", text("x"), nil},
	{"a list", `[]`, nil}, {"an object", `{"a":1}`, nil},
}

func results() []Case {
	all := []Case{
		{Name: "a response", Body: `{"responses":[` + response + `]}`},
		{Name: "no responses", Body: `{"responses":[]}`},
		{Name: "20 responses", Body: `{"responses":[` + many(response, 20) + `]}`},
		{Name: "21 responses", Body: `{"responses":[` + many(response, 21) + `]}`, Want: "maxItems /responses"},
		{Name: "members that we do not know", Body: `{"x":1,"responses":[{"y":1,` + response[1:] + `]}`},
		{Name: "null as body", Body: `null`, Want: "type "},
		{Name: "array as body", Body: `[]`, Want: "type "},
		{Name: "nothing", Body: `{}`, Want: "required /responses"},
		{Name: "null for the responses", Body: `{"responses":null}`, Want: "type /responses"},
		{Name: "an object for the responses", Body: `{"responses":{}}`, Want: "type /responses"},
		{Name: "null for a response", Body: `{"responses":[null]}`, Want: "type /responses/0"},
		{Name: "array for a response", Body: `{"responses":[[]]}`, Want: "type /responses/0"},
		{Name: "an empty response", Body: `{"responses":[{}]}`, Want: "required /responses/0/id; required /responses/0/status; required /responses/0/headers"},
	}
	for i := range all {
		all[i].Kind = Result
	}
	member := func(name, old string, values []value) {
		all = append(all, each(Result, "/responses/0/"+name, values, func(v string) string {
			return `{"responses":[` + strings.Replace(response, old, fmt.Sprintf("%q:%s", name, v), 1) + `]}`
		})...)
	}
	member("id", `"id":"1"`, batchIDValues)
	member("status", `"status":200`, []value{
		{"the least", `100`, nil},
		{"one below the least", `99`, []string{"minimum"}},
		{"the greatest", `599`, nil},
		{"one above the greatest", `600`, []string{"maximum"}},
		{"a number between integers", `200.5`, []string{"type"}},
		{"beyond 32 bits", `4294967496`, []string{"format"}},
		{"null", `null`, []string{"type"}},
		{"a string", `"200"`, []string{"type"}},
	})
	member("headers", `"headers":{}`, []value{
		{"fields", fields(65), nil},
		{"null", `null`, []string{"type"}},
		{"a list", `[]`, []string{"type"}},
	})
	for _, v := range []value{{"an empty value", text(""), nil}, {"a value of many", text(`\n` + strings.Repeat("v", 8193)), nil}, {"null", `null`, []string{"type"}}, {"a number", `7`, []string{"type"}}} {
		all = append(all, each(Result, "/responses/0/headers/x", []value{v}, func(v string) string {
			return `{"responses":[` + strings.Replace(response, "{}", `{"x":`+v+`}`, 1) + `]}`
		})...)
	}
	for _, v := range anything {
		all = append(all, each(Result, "/responses/0/body", []value{v}, func(v string) string {
			return `{"responses":[` + strings.Replace(response, "{}", `{},"body":`+v, 1) + `]}`
		})...)
	}
	return all
}
