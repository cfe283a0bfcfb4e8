package cases

import "strings"

// The operations.
const (
	list    = "listPfxRecryptionRequests"
	create  = "createPfxRecryptionRequest"
	get     = "getPfxRecryptionRequest"
	update  = "updatePfxRecryptionRequest"
	deleted = "deletePfxRecryptionRequest"
	batched = "sendBatch"
)

type header = map[string][]string

// parameters returns the cases of every operation. Shared rules are tested for each operation.
func parameters() []Case {
	var all []Case
	for _, o := range []struct {
		id  string
		key bool
		own []Case
	}{
		{list, false, append(options(), selects()...)},
		{create, false, append(prefers(), noOptions()...)},
		{get, true, append(selects(), tags("If-None-Match")...)},
		{update, true, append(append(prefers(), noOptions()...), append(tags("If-Match"), onlyAsterisk()...)...)},
		{deleted, true, append(noOptions(), tags("If-Match")...)},
		{batched, false, noOptions()},
	} {
		own := append(o.own, clientRequestIDs()...)
		for _, c := range own {
			if o.key {
				c.Key = "sample"
			}
			all = append(all, c.of(o.id))
		}
		if o.key {
			for _, c := range keys() {
				all = append(all, c.of(o.id))
			}
		}
	}
	return all
}

func (c Case) of(operation string) Case {
	c.Kind, c.OperationID, c.Name = Parameters, operation, operation+": "+c.Name
	return c
}

func keys() []Case {
	const key = "path pfxRecryptionRequestsId"
	return []Case{
		{Name: "no key", Want: "minLength " + key + "; pattern " + key},
		{Name: "a key", Key: "sample"},
		{Name: "a key of one character", Key: "s"},
		{Name: "a key of 128 characters", Key: strings.Repeat("k", 128)},
		{Name: "a key of 129 characters", Key: strings.Repeat("k", 129), Want: "maxLength " + key},
		{Name: "a key that cannot be decoded", Key: "%", Want: "encoding " + key},
		{Name: "a key that starts with a dot", Key: ".s", Want: "pattern " + key},
		{Name: "a key with a slash", Key: "a%2Fb", Want: "pattern " + key},
		{Name: "an escaped key", Key: "%73ample"},
		{Name: "a query option named like the key", Key: "sample", Query: "pfxRecryptionRequestsId=x", Want: "additionalProperties query pfxRecryptionRequestsId"},
	}
}

// noOptions returns the cases of an operation without query options.
func noOptions() []Case {
	return []Case{
		{Name: "a query option", Query: "$select=id", Want: "additionalProperties query $select"},
		{Name: "a query option named like a header", Query: "Prefer=x", Want: "additionalProperties query Prefer"},
	}
}

// options returns the query options of the list except $select.
func options() []Case {
	all := []Case{
		{Name: "no option"},
		{Name: "an unknown option", Query: "$orderby=id", Want: "additionalProperties query $orderby"},
		{Name: "all options in any letter case", Query: "$Top=1&$SKIPTOKEN=a&$coUNT=true&$Filter=x"},
		{Name: "all options without $", Query: "top=1&skipToken=a&COUNT=true&filter=x"},
		{Name: "$top in two spellings", Query: "$top=1&TOP=2", Want: "repeated query $top"},
	}
	for _, o := range []struct {
		option string
		values []string
		faults []string
	}{
		{"$top", []string{"1", "2", "999", "1000"}, nil},
		{"$top", []string{"0", "-0", "-1"}, []string{"minimum"}},
		{"$top", []string{"1001"}, []string{"maximum"}},
		{"$top", []string{"1.0", "1e0", "2147483648"}, []string{"format"}},
		{"$top", []string{"", "01", "+1", "x", "true"}, []string{"type"}},
		{"$skiptoken", []string{"a", "Z", "0-_9", "%61", strings.Repeat("s", 172)}, nil},
		{"$skiptoken", []string{""}, []string{"minLength"}},
		{"$skiptoken", []string{strings.Repeat("s", 173)}, []string{"maxLength"}},
		{"$skiptoken", []string{"=", "a=", "=a", "a%20b", "+", "%C3%A9"}, []string{"pattern"}},
		{"$count", []string{"true", "false"}, nil},
		{"$count", []string{"", "True", "1", "null"}, []string{"type"}},
		{"$filter", []string{"x", "status%20eq%206", "%C3%A9%00", strings.Repeat("f", 4096), strings.Repeat("%C3%A9", 4096)}, nil},
		{"$filter", []string{""}, []string{"minLength"}},
		{"$filter", []string{strings.Repeat("f", 4097)}, []string{"maxLength"}},
	} {
		for _, v := range o.values {
			all = append(all, option(o.option, v, o.faults...))
		}
	}
	return all
}

// option returns a case of one query option.
func option(name, v string, keywords ...string) Case {
	var faults []string
	for _, k := range keywords {
		faults = append(faults, k+" query "+name)
	}
	return Case{Name: name + "=" + v, Query: name + "=" + v, Want: strings.Join(faults, "; ")}
}

func selects() []Case {
	const most = 1024
	long := strings.Repeat("id,", most/3) // ends with a comma
	all := []Case{
		{Name: "$select without $, in another letter case", Query: "SELECT=id"},
		{Name: "$select in two spellings", Query: "$select=id&Select=id", Want: "repeated query $select"},
		{Name: "an option that is none", Query: "$expand=id", Want: "additionalProperties query $expand"},
		option("$select", long+"*"),
		option("$select", long+"id", "maxLength"),
		option("$select", long+"+*", "maxLength"),
	}
	selected := append([]string{"*"}, names()[1:]...)
	for _, name := range selected {
		all = append(all, option("$select", name), option("$select", "*,"+name), option("$select", name+",id,"+name), option("$select", name+"x", "pattern"))
	}
	for _, v := range []string{
		strings.Join(selected, ","), "+id", "++id", "id+", "id++", "id+,status", "id++,status", "id,+status", "id,++status", "id,status+", "id,status++",
		"id,%20status", "id%2Cstatus",
	} {
		all = append(all, option("$select", v))
	}
	for _, v := range []string{
		"", "+", ",", "id,", ",id", "id,,id", "id;status", "id+status", "id,id+status", "ID", "Status", "@odata.type", "x", "xid", "id,x", "x,id", "id/x", "**",
		"id%09", "%00id", "etag", "id,Status",
	} {
		all = append(all, option("$select", v, "pattern"))
	}
	return all
}

func clientRequestIDs() []Case {
	return []Case{
		{Name: "anything as client-request-id", Header: header{"Client-Request-Id": {"not a GUID"}}},
		{Name: "an empty client-request-id", Header: header{"Client-Request-Id": {""}}},
		{Name: "client-request-id twice", Header: header{"Client-Request-Id": {"a", "b"}}, Want: "repeated header client-request-id"},
	}
}

func prefers() []Case {
	return []Case{
		{Name: "anything as Prefer", Header: header{"Prefer": {"return=minimal", "x"}}},
		{Name: "an empty Prefer", Header: header{"Prefer": {""}}},
		{Name: "Prefer that is not UTF-8", Header: header{"Prefer": {"\xff"}}, Want: "encoding header Prefer"},
	}
}

// onlyAsterisk returns the cases of the If-None-Match of an update.
func onlyAsterisk() []Case {
	all := []Case{
		{Name: "If-None-Match with an asterisk", Header: header{"If-None-Match": {"*"}}},
		{Name: "If-None-Match twice", Header: header{"If-None-Match": {"*", "*"}}, Want: "repeated header If-None-Match"},
	}
	for _, v := range []string{"", `"a"`, "*x", "x*", "**"} {
		all = append(all, Case{Name: "If-None-Match " + v, Header: header{"If-None-Match": {v}}, Want: "pattern header If-None-Match"})
	}
	return all
}

// tags returns the cases of a header field with entity tags.
func tags(field string) []Case {
	all := []Case{{Name: field + " twice", Header: header{field: {`"a"`, `"b"`}}, Want: "repeated header " + field}}
	for _, v := range []string{
		`*`, `""`, `"a"`, `"ab"`, `W/"a"`, `"a","b"`, `"a","b","c"`, "\"a\" \t,\t W/\"b\"", `"a",`, `"a", `, `"a",,"b"`, `"a" ,, ,"b"`, `,"a"`,
		`,,"a"`, "\t ,\t ,\t \"a\"", ` "a"`, `  "a"`, `"a" `, `"a"  `, `"a",   "bc"`, `"a",""`, `"a",W/"b"`, `"é"`,
	} {
		all = append(all, Case{Name: field + " " + v, Header: header{field: {v}}})
	}
	for _, v := range []string{
		``, `a`, `*x`, `x*`, `"a`, `a"`, `"a" "b"`, `"a""b"`, `"a","b""c"`, `"a",W/W/"b"`, `"a b"`, `w/"a"`, `W"a"`, `,`, `*,"a"`, `"a",*`, `x"a"`, `"a"x`, "\"\x7f\"", `W/W/"a"`,
		`W/`, `"a",W/`, `"a",b`, `**`,
	} {
		all = append(all, Case{Name: field + " " + v, Header: header{field: {v}}, Want: "pattern header " + field})
	}
	return all
}

// operations returns what a server knows of each operation before it reads a request.
func operations() []Case {
	const (
		readers = "[[{delegated [DeviceManagementConfiguration.Read.All]}] [{delegated [DeviceManagementConfiguration.ReadWrite.All]}] " +
			"[{application [DeviceManagementConfiguration.Read.All]}] [{application [DeviceManagementConfiguration.ReadWrite.All]}]] "
		writers = "[[{delegated [DeviceManagementConfiguration.ReadWrite.All]}] [{application [DeviceManagementConfiguration.ReadWrite.All]}]] "
		all     = "/pfxRecryptionRequests "
		one     = "/pfxRecryptionRequests/{pfxRecryptionRequestsId} "
	)
	return []Case{
		{Kind: Operation, OperationID: list, Name: list, Want: "GET " + all + readers + "[] false " +
			"[200 400 401 403 405 406 429 431 500 503]"},
		{Kind: Operation, OperationID: create, Name: create, Want: "POST " + all + writers + "[application/json] true " +
			"[201 204 400 401 403 405 406 413 415 429 431 500 503] create"},
		{Kind: Operation, OperationID: get, Name: get, Want: "GET " + one + readers + "[] false " +
			"[200 304 400 401 403 404 405 406 429 431 500 503]"},
		{Kind: Operation, OperationID: update, Name: update, Want: "PATCH " + one + writers + "[application/json application/merge-patch+json] true " +
			"[200 201 204 400 401 403 404 405 406 412 413 415 428 429 431 500 503] update"},
		{Kind: Operation, OperationID: deleted, Name: deleted, Want: "DELETE " + one + writers + "[] false " +
			"[204 400 401 403 404 405 406 412 428 429 431 500 503]"},
		{Kind: Operation, OperationID: batched, Name: batched, Want: "POST /$batch " + readers + "[application/json] true " +
			"[200 400 401 403 405 406 413 415 429 431 500 503] batch"},
	}
}
