package validate

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAppendString(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"":                   `""`,
		"a<&>b":              `"a<&>b"`,
		"\"\\/":              `"\"\\/"`,
		"\b\f\n\r\t\x00\x1f": `"\b\f\n\r\t\u0000\u001f"`,
		"é\u2028😀":           "\"é\u2028😀\"",
		"a\xffb":             "\"a\ufffdb\"",
	}
	for s, want := range tests {
		if got := string(AppendString([]byte("x"), s)); got != "x"+want {
			t.Errorf("%q: got %s, want %s", s, got, want)
		}
	}
}

func TestCloseString(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"plain": `x"plain"`, `a"b`: `x"a\"b"`, "é": `x"é"`} {
		if got := string(CloseString(append([]byte(`x"`), text...), 1)); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestAppendFloat(t *testing.T) {
	t.Parallel()
	for _, f := range []float64{0, math.Copysign(0, -1), 1, -1.5, 1e21, 1e20, 1e-6, 9e-7, 1e-10, math.MaxFloat64, math.SmallestNonzeroFloat64, 0.1} {
		want, _ := json.Marshal(f)
		want32, _ := json.Marshal(float32(f))
		if diff := cmp.Diff(string(want), string(AppendFloat(nil, f, 64))); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(string(want32), string(AppendFloat(nil, float64(float32(f)), 32))); diff != "" && !math.IsInf(float64(float32(f)), 0) {
			t.Error(diff)
		}
	}
	if got := string(AppendFloat(nil, math.NaN(), 64)); got != "null" {
		t.Errorf("NaN: got %s", got)
	}
}
