package gateway

import (
	"context"
	"testing"
)

// TestLargeChecks is not parallel: it takes all turns. What need not be checked does not wait for one.
func TestLargeChecks(t *testing.T) {
	for range cap(largeChecks) {
		if !enterLarge(t.Context(), false) {
			t.Fatal("no turn is free")
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if enterLarge(t.Context(), false) || enterLarge(ctx, true) {
		t.Error("there are more checks at once than processors")
	}
	waited := make(chan bool)
	go func() { waited <- enterLarge(t.Context(), true) }()
	<-largeChecks
	if !<-waited {
		t.Error("a turn that came was not taken")
	}
	for range cap(largeChecks) {
		<-largeChecks
	}
}
