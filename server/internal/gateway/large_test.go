package gateway

import (
	"context"
	"testing"
)

// TestLargeChecks is not parallel, because it takes all slots. A check that may be skipped does not wait for a slot.
func TestLargeChecks(t *testing.T) {
	for range cap(largeChecks) {
		if !enterLarge(t.Context(), false) {
			t.Fatal("no slot is free")
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if enterLarge(t.Context(), false) || enterLarge(ctx, true) {
		t.Error("there are more concurrent checks than processors")
	}
	waited := make(chan bool)
	go func() { waited <- enterLarge(t.Context(), true) }()
	<-largeChecks
	if !<-waited {
		t.Error("a free slot was not taken")
	}
	for range cap(largeChecks) {
		<-largeChecks
	}
}
