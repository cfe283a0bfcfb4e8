package graph

import "testing"

func TestAcceptsJSON(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		accept []string
		want   bool
	}{
		{nil, true},
		{[]string{"*/*"}, true},
		{[]string{"application/*"}, true},
		{[]string{"application/json"}, true},
		{[]string{"APPLICATION/JSON"}, true},
		{[]string{"application/json;odata.metadata=none;IEEE754Compatible=false"}, true},
		{[]string{"text/html, application/json;q=0.5"}, true},
		{[]string{"text/html", "application/json"}, true},
		{[]string{"*/*;q=0.1"}, true},
		{[]string{`text/plain;x="a,b", */*`}, true},
		{[]string{""}, false},
		{[]string{"text/*"}, false},
		{[]string{"application/xml"}, false},
		{[]string{"application/json;q=0"}, false},
		{[]string{"application/json;q=0, */*"}, false},
		{[]string{"*/*;q=0"}, false},
		{[]string{"*/*;q=2"}, false},
		{[]string{"*/*;q=x"}, false},
		{[]string{"application/json;version=1"}, false},
		{[]string{"application/json;charset=latin1"}, false},
	} {
		if got := acceptsJSON(tt.accept); got != tt.want {
			t.Errorf("acceptsJSON(%q) = %t, want %t", tt.accept, got, tt.want)
		}
	}
}
