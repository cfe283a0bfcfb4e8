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
