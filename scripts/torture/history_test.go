//go:build linux

package main

import (
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// TestCheckObject: checkObject distinguishes a valid history from an invalid one, however many outcomes are unknown.
func TestCheckObject(t *testing.T) {
	const s = int64(time.Second)
	created := operation{Kind: "put", Number: 1, Outcome: applied, Call: -2, Return: -1}
	put := func(n int32, call, back int64, outcome string) operation {
		return operation{Kind: "put", Number: n, Outcome: outcome, Call: call, Return: back}
	}
	cas := func(want, n int32, call, back int64, outcome string) operation {
		return operation{Kind: "cas", Want: want, Number: n, Outcome: outcome, Call: call, Return: back}
	}
	get := func(n int32, call, back int64) operation {
		return operation{Kind: "get", Number: n, Outcome: applied, Call: call, Return: back}
	}
	// Each of many conditions fails because of an unseen update without a response.
	var many []operation
	for i := range int32(40) {
		at, n := int64(i)*s/4, 10*i+10
		many = append(many, put(n, at, at+1, applied), put(n+1, at+2, at+9, unknown), put(n+2, at+2, at+9, unknown),
			cas(n, n+3, at+10, at+11, refused))
	}
	for _, c := range []struct {
		name string
		ops  []operation
		want porcupine.CheckResult
	}{
		{"read of what was written", []operation{put(2, 1, 2, applied), get(2, 3, 4)}, porcupine.Ok},
		{"update lost", []operation{put(2, 1, 2, applied), get(1, 3, 4)}, porcupine.Illegal},
		{"stale read", []operation{put(2, 1, 2, applied), put(3, 3, 4, applied), get(3, 5, 6), get(2, 7, 8)}, porcupine.Illegal},
		{"condition that held refused", []operation{cas(1, 2, 1, 2, refused)}, porcupine.Illegal},
		{"condition that did not hold met", []operation{put(2, 1, 2, applied), cas(1, 3, 3, 4, applied)}, porcupine.Illegal},
		{"two from one version", []operation{cas(1, 2, 1, 5, applied), cas(1, 3, 2, 6, applied)}, porcupine.Illegal},
		{"unknown seen", []operation{put(2, 1, 2, unknown), get(1, 3, 4), get(2, 5, 6)}, porcupine.Ok},
		{"unknown seen and gone", []operation{put(2, 1, 2, unknown), get(2, 3, 4), get(1, 5, 6)}, porcupine.Illegal},
		{"unknown seen before it was sent", []operation{get(2, 1, 2), put(2, 3, 4, unknown)}, porcupine.Illegal},
		{"unknown unseen explains a refusal", []operation{put(2, 1, 2, unknown), cas(1, 3, 3, 4, refused)}, porcupine.Ok},
		{"unknown sent too late to explain a refusal", []operation{cas(1, 3, 1, 2, refused), put(2, 3, 4, unknown)}, porcupine.Illegal},
		{"unknown comes very late", []operation{put(2, 1, 2, unknown), cas(1, 3, 100*s, 101*s, refused), put(4, 102*s, 103*s, applied)}, porcupine.Ok},
		{"refused by * though it exists", []operation{{Kind: "any", Number: 2, Outcome: refused, Call: 1, Return: 2}}, porcupine.Illegal},
		{"many refusals with a reason each", many, porcupine.Ok},
		{"some refusals, one without", append(many[:12:12], put(1000, 20*s, 21*s, applied), cas(1000, 1001, 22*s, 23*s, refused), get(1000, 24*s, 25*s)), porcupine.Illegal},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ops := append([]operation{created}, c.ops...)
			for i := range ops {
				ops[i].Client = i
			}
			if got := checkObject(resolve(ops)); got != c.want {
				t.Errorf("checkObject = %s, want %s", got, c.want)
			}
		})
	}
}
