package validate

import "testing"

func TestResponseOfAStatus(t *testing.T) {
	t.Parallel()
	o := Operation{Responses: []*Response{
		{Status: "default", Bodies: []*Body{{Type: "rest"}}},
		{Status: "4XX", Bodies: []*Body{{Type: "class"}}},
		{Status: "404", Bodies: []*Body{{Type: "itself"}}},
	}}
	for status, want := range map[int]string{404: "itself", 400: "class", 200: "rest", 500: "rest"} {
		if r := o.Response(status); r == nil || r.Bodies[0].Type != want {
			t.Errorf("Response(%d): %v, want %s", status, r, want)
		}
	}
}

// TestCheckHeader: header fields of responses are read like those of requests.
func TestCheckHeader(t *testing.T) {
	t.Parallel()
	field := func(name string, required bool, schema string) *Parameter {
		return &Parameter{In: "header", Name: name, Required: required, Style: "simple", Schema: compile(t, write(t, schema).schema())}
	}
	r := &Response{Headers: []*Parameter{
		field("X-Left", true, "{type: integer, minimum: 0}"), field("x-ids", false, "{type: array, maxItems: 2, items: {type: integer}}"),
		field("Set-Cookie", false, "{type: string, pattern: '^a='}"), field("Vary", false, "{type: string, maxLength: 4}"),
		field("ETag", false, "{type: string}"),
	}}
	for name, tt := range map[string]struct {
		header map[string][]string
		want   string
	}{
		"all":                {map[string][]string{"X-Left": {"3"}, "X-Ids": {"1,2"}, "Set-Cookie": {"a=1", "a=2"}, "Vary": {"a", "b"}, "Etag": {"x"}, "Other": {"y"}}, ""},
		"names in any case":  {map[string][]string{"x-LEFT": {"3"}, "ETag": {"x"}}, ""},
		"two spellings":      {map[string][]string{"x-left": {"3"}, "X-Left": {"3"}}, "repeated X-Left"},
		"missing":            {nil, "required X-Left"},
		"wrong":              {map[string][]string{"X-Left": {"-1"}}, "minimum X-Left"},
		"not a number":       {map[string][]string{"X-Left": {"a"}}, "type X-Left"},
		"two lines":          {map[string][]string{"X-Left": {"1", "2"}}, "repeated X-Left"},
		"a list in lines":    {map[string][]string{"X-Left": {"1"}, "X-Ids": {"1", "2,3"}}, "maxItems x-ids"},
		"an item":            {map[string][]string{"X-Left": {"1"}, "X-Ids": {"1,b"}}, "type x-ids"},
		"one of two cookies": {map[string][]string{"X-Left": {"1"}, "Set-Cookie": {"a=1", "b=2"}}, "pattern Set-Cookie"},
		"lines are joined":   {map[string][]string{"X-Left": {"1"}, "Vary": {"ab", "c"}}, "maxLength Vary"},
		"two tags":           {map[string][]string{"X-Left": {"1"}, "Etag": {"x", "y"}}, "repeated ETag"},
	} {
		got := ""
		if f := r.CheckHeader(t.Context(), tt.header); f != nil {
			got = f.List[0].Keyword + " " + f.List[0].Name
			if f.List[0].In != "header" {
				t.Errorf("%s: got the place %s", name, f.List[0].In)
			}
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
	if f := (&Response{}).CheckHeader(t.Context(), map[string][]string{"A": {"b"}}); f != nil {
		t.Errorf("without described fields: %v", f)
	}
}

func TestCheckJSON(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{
		`{"a":[1]}`: true, `{"a":[[1]]}`: false, ` 1 `: true, `{"a":1,"\u0061":2}`: false, `1 2`: false, "\"\xff\"": false, ``: false,
	} {
		if f := CheckJSON([]byte(text), 2); (f == nil) != ok {
			t.Errorf("%q: %+v", text, f)
		}
	}
}
