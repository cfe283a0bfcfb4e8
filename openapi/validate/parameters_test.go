package validate

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
)

// sent checks the parameters in text: a query, a header field, or the values of a path, which starts with a slash.
func sent(t *testing.T, o *Operation, text string) *Faults {
	t.Helper()
	if path, ok := strings.CutPrefix(text, "/"); ok {
		return o.CheckParameters(t.Context(), strings.Split(path, "/"), "", nil)
	}
	header := map[string][]string{}
	query := ""
	for _, part := range strings.Split(text, "\n") {
		if name, value, ok := strings.Cut(part, ": "); ok {
			header[name] = append(header[name], value)
		} else {
			query = part
		}
	}
	return o.CheckParameters(t.Context(), nil, query, header)
}

// TestStyles covers each style with each type. A case is the text and, after =>, the faults.
func TestStyles(t *testing.T) {
	t.Parallel()
	const (
		id    = "{type: integer, minimum: 1}"
		ids   = "{type: array, maxItems: 3, items: {type: integer}}"
		rgb   = "{type: object, required: [R], properties: {R: {type: integer}, G: {type: integer}}, additionalProperties: false}"
		words = "{type: array, maxItems: 2, items: {type: string, maxLength: 3}}"
	)
	for name, tt := range map[string]struct {
		parameter string
		cases     []string
	}{
		"simple":                        {"{in: path, name: v, schema: " + id + "}", []string{"/7 => ", "/%37 => ", "/0 => path minimum v", "/x => path type v", "/%zz => path encoding v", "/%ff => path encoding v", "/1,2 => path type v"}},
		"simple string":                 {"{in: path, name: v, schema: {type: string, maxLength: 3}}", []string{"/a+b => ", "/a%2Cb => ", "/a%2520 => path maxLength v"}},
		"simple list":                   {"{in: path, name: v, schema: " + ids + "}", []string{"/1,2 => ", "/1%2C2 => path type v/0", "/1,,2 => path type v/1", "/1,2,3,4 => path maxItems v"}},
		"simple object":                 {"{in: path, name: v, schema: " + rgb + "}", []string{"/R,1,G,2 => ", "/R,1,G => path type v", "/G,2 => path required v/R", "/R,1,R,2 => path repeated v/R", "/R,x => path type v/R", "/R,1,%zz,2 => path type v"}},
		"simple exploded object":        {"{in: path, name: v, explode: true, schema: " + rgb + "}", []string{"/R=1,G=2 => ", "/R,1 => path type v", "/R=1,B=2 => path additionalProperties v/B"}},
		"label":                         {"{in: path, name: v, style: label, schema: " + id + "}", []string{"/.5 => ", "/5 => path type v", "/.x => path type v", "/. => path type v"}},
		"label list":                    {"{in: path, name: v, style: label, schema: " + ids + "}", []string{"/.3,4 => ", "/.3.4 => ", "/.3.x => path type v/0", "/.3,x => path type v/1", "/.3%2C4 => path type v/0"}},
		"label list of fractions":       {"{in: path, name: v, style: label, schema: {type: array, items: {type: number, maximum: 2}}}", []string{"/.1.5 => ", "/.1.5,1.5 => ", "/.2.5 => path maximum v/0"}},
		"label exploded list":           {"{in: path, name: v, style: label, explode: true, schema: " + ids + "}", []string{"/.3.4 => ", "/.3,4 => path type v/0"}},
		"label object":                  {"{in: path, name: v, style: label, schema: " + rgb + "}", []string{"/.R,1,G,2 => ", "/.R.1.G.2 => ", "/.R.x => path type v"}},
		"label exploded object":         {"{in: path, name: v, style: label, explode: true, schema: " + rgb + "}", []string{"/.R=1.G=2 => ", "/.R=x => path type v/R"}},
		"matrix":                        {"{in: path, name: v, style: matrix, schema: " + id + "}", []string{"/;v=5 => ", "/;w=5 => path type v", "/v=5 => path type v", "/;v=x => path type v", "/;v => path type v", "/;v=5;w=6 => path type v"}},
		"matrix string":                 {"{in: path, name: v, style: matrix, schema: {type: string}}", []string{"/;v => ", "/;v= => ", "/;v=a%3Bb => ", "/;v=a;b => path type v"}},
		"matrix list":                   {"{in: path, name: v, style: matrix, schema: " + ids + "}", []string{"/;v=3,4 => ", "/;v=3;v=4 => path type v", "/;v=3,x => path type v/1"}},
		"matrix exploded list":          {"{in: path, name: v, style: matrix, explode: true, schema: " + ids + "}", []string{"/;v=3;v=4 => ", "/;v=3 => ", "/;v=3;w=4 => path type v", "/;v=3,4 => path type v/0", "/;v=%zz => path encoding v"}},
		"matrix object":                 {"{in: path, name: v, style: matrix, schema: " + rgb + "}", []string{"/;v=R,1,G,2 => ", "/;v=R,x => path type v/R"}},
		"matrix exploded object":        {"{in: path, name: v, style: matrix, explode: true, schema: " + rgb + "}", []string{"/;R=1;G=2 => ", "/;R=1;R=2 => path repeated v/R", "/;R => path type v/R"}},
		"form":                          {"{in: query, name: v, schema: " + id + "}", []string{" => ", "v=5 => ", "%76=%35 => ", "&&v=5& => ", "v= => query type v", "v => query type v", "v=5&v=6 => query repeated v", "v=%2535 => query type v", "w=5 => query additionalProperties w", "%zz=1 => query encoding %zz", "V=5 => query additionalProperties V", "=5 => query additionalProperties"}},
		"form string":                   {"{in: query, name: v, schema: {type: string, maxLength: 3}}", []string{"v=a+b => ", "v=a%2Bb => ", "v=/?: => ", "v=a=b => ", "v=a%20bc => query maxLength v", "v= => ", "v=%ed%a0%80 => query encoding v"}},
		"form list":                     {"{in: query, name: v, explode: false, schema: " + words + "}", []string{"v=a,b => ", "v=a%2C => ", "v=a%2Cb,c => ", "v=a,b,c => query maxItems v", "v=abcd => query maxLength v/0", "v=a&v=b => query repeated v", "v=a,%zz => query encoding v"}},
		"form exploded list":            {"{in: query, name: v, schema: " + words + "}", []string{"v=a&v=b => ", "v=a,b => ", "v=a,bc => query maxLength v/0", "v=a&v=b&v=c => query maxItems v", "v=a&v=%zz => query encoding v", "v= => "}},
		"form object":                   {"{in: query, name: v, explode: false, schema: " + rgb + "}", []string{"v=R,1,G,2 => ", "v=R => query type v", "v=R,1%2CG%2C2 => query type v/R", "v= => query required v/R", "R=1 => query additionalProperties R"}},
		"form exploded object":          {"{in: query, name: v, schema: " + rgb + "}", []string{" => ", "R=1&G=2 => ", "G=2 => query required v/R", "R=1&R=2 => query repeated v/R", "R=%zz => query encoding v/R", "R=1&B=2 => query additionalProperties B", "v=1 => query additionalProperties v"}},
		"form exploded object of lists": {"{in: query, name: v, schema: {type: object, properties: {l: " + words + ", n: {type: integer}}}}", []string{"l=a&n=1&l=b => ", "l=a&l=b&l=c => query maxItems v/l"}},
		"spaceDelimited list":           {"{in: query, name: v, style: spaceDelimited, schema: " + words + "}", []string{"v=a%20b => ", "v=a+b => ", "v=a%2Bb => ", "v=a%20b+c => query maxItems v"}},
		"spaceDelimited object":         {"{in: query, name: v, style: spaceDelimited, schema: " + rgb + "}", []string{"v=R%201%20G%202 => ", "v=R%20x => query type v/R"}},
		"spaceDelimited exploded list":  {"{in: query, name: v, style: spaceDelimited, explode: true, schema: " + words + "}", []string{"v=a&v=b => ", "v=a&v=b&v=c => query maxItems v"}},
		"pipeDelimited list":            {"{in: query, name: v, style: pipeDelimited, schema: " + words + "}", []string{"v=a|b => ", "v=a%7Cb => ", "v=a%7cb|c => query maxItems v"}},
		"pipeDelimited object":          {"{in: query, name: v, style: pipeDelimited, schema: " + rgb + "}", []string{"v=R|1|G|2 => ", "v=R|x => query type v/R"}},
		"header":                        {"{in: header, name: x-v, schema: " + id + "}", []string{" => ", "X-V: 5 => ", "X-V: x => header type x-v", "X-V: 5\nX-V: 6 => header repeated x-v", "X-V: 5, 6 => header type x-v", "X-V: \xff => header encoding x-v"}},
		"header with underscore":        {"{in: header, name: tenant_id, required: true, schema: " + id + "}", []string{"Tenant_id: 5 => ", "Tenant-Id: 5 => header required tenant_id"}},
		"header that OpenAPI ignores":   {"{in: header, name: accept, required: true, schema: " + id + "}", []string{" => ", "Accept: x => "}},
		"header list":                   {"{in: header, name: X-V, schema: " + ids + "}", []string{"X-V: 1, 2 => ", "X-V: 1,2\nX-V: 3 => ", "X-V: 1,2\nX-V: 3,4 => header maxItems X-V", "X-V: 1 ,x => header type X-V/1"}},
		"header object":                 {"{in: header, name: X-V, schema: " + rgb + "}", []string{"X-V: R, 1 => ", "X-V: R,1\nX-V: G,2 => ", "X-V: R,x => header type X-V/R"}},
		"header exploded object":        {"{in: header, name: X-V, explode: true, schema: " + rgb + "}", []string{"X-V: R=1,G=2 => ", "X-V: R=1\nX-V: G=x => header type X-V/G", "X-V: R => header type X-V"}},
		"cookie":                        {"{in: cookie, name: v, required: true, schema: " + id + "}", []string{"Cookie: v=5 => ", "Cookie: a=b; v=5; c=d => ", "Cookie: a=b\nCookie: v=5 => ", " => header required Cookie/v", "Cookie: V=5 => header required Cookie/v", "Cookie: v=\"5\" => header type Cookie/v", "Cookie: v=5; v=6 => header repeated Cookie/v", "Cookie: v=5\nCookie: v=5 => header repeated Cookie/v"}},
		"cookie with white space":       {"{in: cookie, name: v, schema: " + id + "}", []string{"Cookie: v =5 => header malformed Cookie", "Cookie: a\tb=5 => header malformed Cookie", "Cookie: v => header malformed Cookie", "Cookie: v= 5 => header type Cookie/v", "Cookie:  v=5 => "}},
		"cookie in quotes":              {"{in: cookie, name: v, schema: " + id + "}", []string{"Cookie: a=\"x\"; v=5 => ", "Cookie: a={\"x\":1}; v=5 => ", "Cookie: a=\"; v=5; b=\" => header malformed Cookie", "Cookie: a=\"x; v=5 => header malformed Cookie", "Cookie: =v=5 => header malformed Cookie", "Cookie: %76=5 => header malformed Cookie", "Cookie: %77=5; v=5; => "}},
		"cookie string":                 {"{in: cookie, name: v, schema: {type: string, pattern: '^[a-z ]+$'}}", []string{"Cookie: v=a%20b => ", "Cookie: v=a+b => header pattern Cookie/v", "Cookie: v=%zz => header encoding Cookie/v"}},
		"cookie list":                   {"{in: cookie, name: v, explode: false, schema: " + ids + "}", []string{"Cookie: v=1,2 => ", "Cookie: v=1,x => header type Cookie/v/1", "Cookie: v=1%2C2 => header type Cookie/v/0"}},
		"cookie exploded list":          {"{in: cookie, name: v, schema: " + ids + "}", []string{"Cookie: v=1 => ", "Cookie: v=1,2 => header type Cookie/v/0"}},
		"cookie object":                 {"{in: cookie, name: v, explode: false, schema: " + rgb + "}", []string{"Cookie: v=R,1 => ", "Cookie: v=R,x => header type Cookie/v/R"}},
		"empty value":                   {"{in: query, name: v, allowEmptyValue: true, schema: " + id + "}", []string{"v => ", "v= => ", "v=0 => query minimum v", "v=&v= => query repeated v"}},
		"JSON":                          {"{in: query, name: v, content: {application/json: {schema: " + rgb + "}}}", []string{`v={"R":1} => `, "v=%7B%22R%22%3A1%7D => ", `v={"R":"1"} => query type v/R`, `v={"R":1,"R":2} => query malformed v`, "v= => query malformed v", `v={"R":1}&v={"R":1} => query repeated v`}},
		"JSON in a header":              {"{in: header, name: X-V, content: {application/json: {schema: " + ids + "}}}", []string{"X-V: [1,2] => ", "X-V: [1]\nX-V: [2] => header repeated X-V"}},
		"text":                          {"{in: header, name: If-None-Match, content: {text/plain: {schema: {type: string, pattern: '^\"[^\"]*\"$'}}}}", []string{"If-None-Match: \"a,b\" => ", "If-None-Match: a => header pattern If-None-Match"}},
		"spot":                          {"{in: query, name: v, required: true, spot: why, schema: " + id + "}", []string{"v=x => ", " => query required v"}},
		"brackets in the name":          {"{in: query, name: 'v[]', schema: " + ids + "}", []string{"v[]=1&v%5B%5D=2 => ", "v[]=x => query type v[]/0", "v=1 => query additionalProperties v"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := operation(t, "/a/{v}", tt.parameter)
			for _, line := range tt.cases {
				text, want, _ := strings.Cut(line, " => ")
				if got := said(sent(t, o, text)); got != want {
					t.Errorf("%q: got %q, want %q", text, got, want)
				}
			}
		})
	}
}

func TestDeepObjects(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		schema string
		cases  []string
	}{
		"members": {"{type: object, properties: {n: {type: integer}, on: {type: boolean}}, additionalProperties: false}", []string{
			"f[n]=1&f[on]=true => ", "f%5Bn%5D=1 => ", "f[n]=x => query type f/n", "f[n]=1&f[n]=2 => query repeated f/n", "f[x]=1 => query additionalProperties f/x",
			"f[on]=1 => query type f/on", "f=1 => query additionalProperties f", "f[n=1 => query additionalProperties f[n", "f[n]x=1 => query additionalProperties f[n]x",
			"f%255Bn%255D=1 => query additionalProperties f%5Bn%5D", "f[[n]]=1 => query additionalProperties f[[n]]", "f[]=1 => query additionalProperties f[]",
			"f[n][x]=1 => query type f/n", "f[n]=%zz => query encoding f/n", "g[n]=1 => query additionalProperties g[n]",
		}},
		"lists": {"{type: object, properties: {id: {type: array, maxItems: 3, items: {type: integer}}}}", []string{
			"f[id]=1 => ", "f[id]=1&f[id]=2 => ", "f[id][]=1&f[id][]=2 => ", "f[id][0]=1&f[id][1]=2 => ", "f[id]=a => query type f/id/0", "f[id][]=1&f[id][]=a => query type f/id/1",
			"f[id][1]=1 => query type f/id", "f[id][0]=1&f[id][0]=2 => query repeated f/id/0", "f[id][00]=1 => query type f/id", "f[id][a]=1 => query type f/id",
			"f[id]=1&f[id]=2&f[id]=3&f[id]=4 => query maxItems f/id", "f[id]=1,2 => query type f/id/0",
		}},
		"nested": {"{type: object, properties: {labels: {type: object, additionalProperties: {type: string, maxLength: 3}}, own: {type: array, items: {type: object, required: [a], properties: {a: {type: integer}, b: {type: integer}}}}}}", []string{
			"f[labels][foo]=bar => ", "f[labels][foo]=bars => query maxLength f/labels/foo", "f[labels]=x => query type f/labels", "f[labels][a]=b&f[labels]=c => query repeated f/labels",
			"f[own][0][a]=1&f[own][0][b]=2&f[own][1][a]=3 => ", "f[own][0][b]=2 => query required f/own/0/a", "f[own][][a]=1 => query type f/own", "f[own][0][a]=x => query type f/own/0/a",
			"f[labels][a]=1&f[labels][b]=2&f[labels][a]=3 => query repeated f/labels/a",
		}},
		"anything":  {"{type: object}", []string{"f[a][b][]=1&f[a][c]=2 => ", "f[a]=1&f[a]=2 => query repeated f/a"}},
		"ranges":    {"{anyOf: [{type: object, properties: {gt: {type: integer}}, additionalProperties: false}, {type: integer}]}", []string{"f=5 => ", "f[gt]=5 => ", "f=x => query type f", "f[gt]=x => query anyOf f", "f=5&f[gt]=5 => query repeated f"}},
		"a list":    {"{type: array, items: {type: string, maxLength: 3}}", []string{"f[]=a&f[]=b => ", "f[0]=a&f[1]=b => ", "f=a => ", "f[0]=abcd => query maxLength f/0", "f=a&f[]=b => query repeated f"}},
		"recursive": {"{type: object, additionalProperties: {type: object}}", []string{"f" + strings.Repeat("[a]", 40) + "=1 => ", "f[a]=1 => query type f/a"}},
		"too deep":  {"{type: object}", []string{"f" + strings.Repeat("[a]", 80) + "=1 => query type f" + strings.Repeat("/a", 63)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := operation(t, "/a", "{in: query, name: f, style: deepObject, explode: true, schema: "+tt.schema+"}")
			for _, line := range tt.cases {
				text, want, _ := strings.Cut(line, " => ")
				if got := said(sent(t, o, text)); got != want {
					t.Errorf("%q: got %q, want %q", text, got, want)
				}
			}
		})
	}
}

// TestTypesOfTexts covers schemas that allow no type or several types for a text.
func TestTypesOfTexts(t *testing.T) {
	t.Parallel()
	for schema, cases := range map[string][]string{
		"{}":                                     {"v=1 => ", "v=a&v=b => query repeated v"},
		"{minimum: 5}":                           {"v=7 => ", "v=3 => query minimum v"},
		"{allOf: [{minimum: 5}, {maximum: 9}]}":  {"v=7 => ", "v=3 => query minimum v", "v=10 => query maximum v"},
		"{maxLength: 1}":                         {"v=7 => ", "v=77 => query maxLength v"},
		"{items: {type: integer}, maxItems: 2}":  {"v=1&v=2 => ", "v=a => query type v/0", "v=1&v=2&v=3 => query maxItems v"},
		"{enum: [1, a, true]}":                   {"v=1 => ", "v=a => ", "v=true => ", "v=2 => query enum v"},
		"{enum: ['1', '2']}":                     {"v=1 => ", "v=3 => query enum v"},
		"{type: [string, integer], enum: ['1']}": {"v=1 => ", "v=2 => query enum v"},
		"{anyOf: [{type: integer, minimum: 1}, {type: string, minLength: 36}]}":                     {"v=5 => ", "v=0 => query anyOf v", "v=f81d4fae-7dec-11d0-a765-00a0c91e6bf6 => ", "v=abc => query anyOf v"},
		"{oneOf: [{type: integer}, {type: boolean}, {type: string, enum: [all]}]}":                  {"v=3 => ", "v=true => ", "v=all => ", "v=some => query oneOf v"},
		"{anyOf: [{type: string, enum: [all]}, {type: array, minItems: 2, items: {type: string}}]}": {"v=all => ", "v=a&v=b => ", "v=a => query anyOf v"},
		"{type: [integer, 'null']}":                                             {"v=3 => ", "v= => query type v", "v=null => query type v"},
		"{type: [array, string], items: {type: integer}, maxLength: 3}":         {"v=1 => ", "v=1&v=2 => ", "v=abc => ", "v=abcd => query type v/0"},
		"{allOf: [{type: array}, {items: {type: boolean}}]}":                    {"v=true => ", "v=1 => query type v/0"},
		"{type: array, prefixItems: [{type: integer}], items: {type: boolean}}": {"v=1&v=true => ", "v=1&v=2 => query type v/1"},
		// each text on its own: one is a number, another a string that looks like a number
		"{type: array, items: {anyOf: [{type: integer, maximum: 9}, {type: string, enum: ['100']}]}}":                              {"v=5&v=100 => ", "v=5&v=11 => query anyOf v/1", "v=100 => "},
		"{type: object, properties: {v: {type: [integer, string], enum: [1, 2]}, w: {type: [integer, string], enum: ['1', '2']}}}": {"v=1&w=1 => ", "v=1&w=3 => query enum v/w"},
		"{type: string}":  {"v=1 => ", "v=true => "},
		"{type: number}":  {"v=1e1 => ", "v=01 => query type v", "v=+1 => query type v", "v=0x1 => query type v", "v=NaN => query type v"},
		"{type: boolean}": {"v=true => ", "v=True => query type v", "v=1 => query type v"},
	} {
		o := operation(t, "/a", "{in: query, name: v, schema: "+schema+"}")
		for _, line := range cases {
			text, want, _ := strings.Cut(line, " => ")
			if got := said(sent(t, o, text)); got != want {
				t.Errorf("%s %q: got %q, want %q", schema, text, got, want)
			}
		}
	}
}

// TestOptionsBelongTogether has operations of several parameters.
func TestOptionsBelongTogether(t *testing.T) {
	t.Parallel()
	same := operation(t, "/x/{id}", "{in: path, name: id, schema: {type: integer}}", "{in: query, name: id, schema: {type: boolean}}", "{in: header, name: id, schema: {type: string, maxLength: 2}}", "{in: cookie, name: id, schema: {type: integer}}")
	got := said(same.CheckParameters(t.Context(), []string{"x"}, "id=1", map[string][]string{"Id": {"abc"}, "Cookie": {"id=x"}}))
	if want := "path type id; query type id; header maxLength id; header type Cookie/id"; got != want {
		t.Errorf("the same name in each place: got %q, want %q", got, want)
	}
	for name, tt := range map[string]struct {
		parameters []string
		cases      []string
	}{
		"a shared member name belongs to the first": {[]string{
			"{in: query, name: a, schema: {type: object, properties: {n: {type: integer}}}}", "{in: query, name: b, schema: {type: object, properties: {n: {type: boolean}, m: {type: integer}}}}",
		}, []string{"n=1&m=2 => ", "n=true => query type a/n"}},
		"a parameter precedes a member": {[]string{
			"{in: query, name: a, schema: {type: object, properties: {n: {type: integer}}}}", "{in: query, name: n, schema: {type: boolean}}",
		}, []string{"n=true => ", "n=1 => query type n"}},
		"other members belong to the first that allows them": {[]string{
			"{in: query, name: n, schema: {type: integer}}", "{in: query, name: a, schema: {type: object, additionalProperties: {type: integer}}}", "{in: query, name: b, schema: {type: object}}",
		}, []string{"x=1&n=2 => ", "x=a => query type a/x", "n=a => query type n"}},
		"members by pattern": {[]string{"{in: query, name: a, schema: {type: object, properties: {n: {type: integer}}, patternProperties: {'^x-': {type: integer}}}}"},
			[]string{"x-a=1 => ", "x-a=b => query type a/x-a", "y=1 => query additionalProperties y"}},
		"other members are forbidden unless the schema allows them": {[]string{"{in: query, name: a, schema: {type: object, properties: {n: {type: integer}}}}"},
			[]string{"m=1 => query additionalProperties m"}},
		"an object or a text": {[]string{"{in: query, name: a, schema: {anyOf: [{type: integer}, {type: object, properties: {n: {type: integer}}}]}}"},
			[]string{"a=1 => ", "n=1 => ", "n=x => query anyOf a", "a=1&n=1 => query repeated a", "n=1&a=1 => query repeated a"}},
		"options of OData": {[]string{"{in: query, name: $top, system: true, schema: {type: integer}}", "{in: query, name: plain, schema: {type: integer}}"},
			[]string{"$top=1 => ", "TOP=1 => ", "%24Top=x => query type $top", "$top=1&top=2 => query repeated $top", "Plain=1 => query additionalProperties Plain"}},
	} {
		o := operation(t, "/a", tt.parameters...)
		for _, line := range tt.cases {
			text, want, _ := strings.Cut(line, " => ")
			if got := said(sent(t, o, text)); got != want {
				t.Errorf("%s: %q: got %q, want %q", name, text, got, want)
			}
		}
	}
}

// TestKeys: the keys of security schemes are known and must not be repeated. Their values are not checked.
func TestKeys(t *testing.T) {
	t.Parallel()
	o := operation(t, "/a", "{in: query, name: declared, schema: {type: integer}}")
	key := func(in, name string) Requirement { return Requirement{Type: "apiKey", In: in, Name: name} }
	o.Security = []Alternative{{key("query", "key"), key("header", "x-key")}, {key("cookie", "key"), key("query", "declared")}, {{Type: "http", Name: "bearer"}}}
	for _, line := range []string{
		" => ", "key=%zz => ", "key=1&key=1 => query repeated key", "other=1 => query additionalProperties other", "declared=x => query type declared",
		"X-Key: a\nX-Key: a => header repeated x-key", "Cookie: key=a; key=a => header repeated Cookie/key", "Cookie: key =a => header malformed Cookie",
	} {
		text, want, _ := strings.Cut(line, " => ")
		if got := said(sent(t, o, text)); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if got, want := o.Headers(), []string{"X-Key", "Cookie"}; !slices.Equal(got, want) {
		t.Errorf("Headers: got %v, want %v", got, want)
	}
	for name, want := range map[string]string{"key": "key", "declared": "declared", "other": "", "x-key": ""} {
		if got := o.QueryOption(name); got != want {
			t.Errorf("QueryOption(%s): got %q, want %q", name, got, want)
		}
	}
}

func TestQueryOption(t *testing.T) {
	t.Parallel()
	o := operation(t, "/a", "{in: query, name: $top, system: true, schema: {type: integer}}", "{in: query, name: f, style: deepObject, schema: {type: object}}", "{in: query, name: o, schema: {type: object, properties: {n: {type: integer}}}}")
	for name, want := range map[string]string{"$top": "$top", "Top": "$top", "f[a][b]": "f[a][b]", "f": "", "n": "n", "o": "", "m": ""} {
		if got := o.QueryOption(name); got != want {
			t.Errorf("QueryOption(%s): got %q, want %q", name, got, want)
		}
	}
}

func TestSegmentsOfATemplate(t *testing.T) {
	t.Parallel()
	o := operation(t, "/range/{from}-{to}/{id}.json", "{in: path, name: id, schema: {type: integer}}", "{in: path, name: to, schema: {type: integer}}", "{in: path, name: from, schema: {type: integer}}", "{in: path, name: gone, schema: {type: integer}}")
	if got, want := said(sent(t, o, "/a/2/c")), "path type from; path type id; path required gone"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := said(sent(t, o, "/1")), "path required to; path required id; path required gone"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestExpectedOfParameters(t *testing.T) {
	t.Parallel()
	o := operation(t, "/a", "{in: query, name: v, required: true, schema: {type: integer, format: int32, minimum: 5}}")
	for query, want := range map[string]Fault{
		"":        {In: "query", Name: "v", Keyword: "required", Expected: Expected{Type: "integer", Format: "int32"}},
		"v=1":     {In: "query", Name: "v", Keyword: "minimum", Expected: Expected{Type: "integer", Format: "int32", Value: "5"}},
		"v=1&v=2": {In: "query", Name: "v", Keyword: "repeated", Expected: Expected{Type: "integer", Format: "int32"}},
	} {
		if f := sent(t, o, query); f == nil || len(f.List) != 1 || f.List[0] != want {
			t.Errorf("%q: got %+v, want %+v", query, f, want)
		}
	}
}

func TestGeneratedChecksComeFirst(t *testing.T) {
	t.Parallel()
	want := &Faults{}
	o := operation(t, "/a", "{in: query, name: v, schema: {type: integer}}")
	o.CheckParams = func([]string, string, map[string][]string) *Faults { return want }
	if got := o.CheckParameters(t.Context(), nil, "v=x", nil); got != want {
		t.Errorf("got %v, want the faults of the generated code", got)
	}
}

func TestParameterFaultsAreBounded(t *testing.T) {
	t.Parallel()
	o := operation(t, "/a", "{in: query, name: f, style: deepObject, schema: {type: object, additionalProperties: {type: integer}}}", "{in: query, name: l, schema: {type: array, items: {type: integer}}}")
	for _, query := range []string{strings.Repeat("x=1&", 1000), strings.Repeat("f[a]=1&", 1000), strings.Repeat("l=x&", 1000), strings.Repeat("%zz=1&", 1000), strings.Repeat("f[b]=%zz&l=x&", 40)} {
		if f := sent(t, o, query); f == nil || len(f.List) != maxFaults {
			t.Errorf("%.20s…: got %v, want %d faults", query, said(f), maxFaults)
		}
	}
}

func TestParametersEndWithTheirContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o := operation(t, "/a", "{in: query, name: l, schema: {type: array, items: {type: integer, minimum: 0}}}")
	if got := said(o.CheckParameters(ctx, nil, strings.Repeat("l=1&", 100_000), nil)); got != "interrupted" {
		t.Errorf("got %.50q, want interrupted", got)
	}
}

// late is a context that ends after some calls of Err.
type late struct {
	context.Context
	left int
}

func (l *late) Err() error {
	if l.left--; l.left < 0 {
		return context.Canceled
	}
	return nil
}

func (*late) Done() <-chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}

// TestParametersAreInterrupted: an interrupted check does not accept the parameters.
func TestParametersAreInterrupted(t *testing.T) {
	t.Parallel()
	o := operation(t, "/a", "{in: query, name: l, schema: {type: array, items: {allOf: [{type: integer}, {anyOf: [{minimum: 0}, {maximum: 5}]}]}}}")
	if got := said(o.CheckParameters(&late{t.Context(), 1}, nil, strings.Repeat("l=1&", 9_000), nil)); got != "interrupted" {
		t.Errorf("got %.50q, want interrupted", got)
	}
}

// TestParametersAreCheckedConcurrently runs concurrent checks before the operation has a plan.
func TestParametersAreCheckedConcurrently(t *testing.T) {
	t.Parallel()
	o := operation(t, "/a", "{in: query, name: f, style: deepObject, schema: {type: object, additionalProperties: {type: object, properties: {n: {type: integer}}}}}")
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 100 {
				if got := said(sent(t, o, "f[a][n]=1&f[b][n]=x")); got != "query type f/b/n" {
					t.Errorf("got %q", got)
				}
			}
		})
	}
	wait.Wait()
}

// BenchmarkParameters checks a request with four valid parameters.
func BenchmarkParameters(b *testing.B) {
	o := &Operation{Path: "/a/{id}"}
	for _, p := range []*Parameter{
		{In: "path", Name: "id", Style: "simple", Schema: of(Integer)},
		{In: "query", Name: "limit", Style: "form", Explode: true, Schema: of(Integer, func(s *Schema) { s.Maximum = &Bound{Literal: "100"} })},
		{In: "query", Name: "q", Style: "form", Explode: true, Schema: of(String, func(s *Schema) { s.MaxLength = count(20) })},
		{In: "header", Name: "X-Trace", Style: "simple", Schema: of(String, func(s *Schema) { s.MinLength = count(1) })},
	} {
		if err := Compile(p.Schema); err != nil {
			b.Fatal(err)
		}
		o.Parameters = append(o.Parameters, p)
	}
	path, header := []string{"17"}, map[string][]string{"X-Trace": {"6de0af45"}}
	for name, query := range map[string]string{"four": "limit=20&q=cats", "escaped": "limit=20&q=cats%20and+dogs"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if f := o.CheckParameters(b.Context(), path, query, header); f != nil {
					b.Fatal(said(f))
				}
			}
		})
	}
}
