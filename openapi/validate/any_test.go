package validate

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestAny(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want any
	}{
		{"null", nil},
		{"1.50", 1.5},
		{"0.1", 0.1},
		{"1e2", 100.0},
		{"1e400", json.Number("1e400")},
		{"-9007199254740992", -9007199254740992.0},
		{"9007199254740993", json.Number("9007199254740993")},
		{"3.14159265358979323846", json.Number("3.14159265358979323846")},
		{`{"a":[1,"9007199254740993",9007199254740993]}`, map[string]any{"a": []any{1.0, "9007199254740993", json.Number("9007199254740993")}}},
	} {
		r := Open([]byte(tt.text))
		if got := r.Any(); r.Close() != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %#v, want %#v", tt.text, got, tt.want)
		}
	}
}
