package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/pfxrecryption/pfxrecryption/client"
	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/pfxtest"
)

func Example_patch() {
	server, err := pfxtest.Open(pfxtest.Config{})
	if err != nil {
		panic(err)
	}
	defer server.Close()

	ctx := context.Background()
	c, err := client.New(server.URL, client.WithClientCredentials(server.Credentials))
	if err != nil {
		panic(err)
	}
	// Absent members keep their values; null clears them.
	u := client.Update{Status: edm.Value(int32(7)), ETag: edm.Null[string]()}
	got, err := c.Patch(ctx, "sample", u)
	if err != nil {
		panic(err)
	}
	fmt.Println(got.Status, got.ETag.IsNull(), got.IsDeleted)
	// Output: 7 true true
}

func Example_conditionalUpdate() {
	server, err := pfxtest.Open(pfxtest.Config{})
	if err != nil {
		panic(err)
	}
	defer server.Close()

	ctx := context.Background()
	c, err := client.New(server.URL, client.WithClientCredentials(server.Credentials))
	if err != nil {
		panic(err)
	}
	// Runs again on the new object if another client changed it first.
	got, err := c.Update(ctx, "sample", func(r *client.Request) error {
		if r.SourceType >= 100 {
			return errors.New("enough")
		}
		r.SourceType++
		return nil
	})
	fmt.Println(got.SourceType, err)
	// Output: 11 <nil>
}

func Example_list() {
	server, err := pfxtest.Open(pfxtest.Config{})
	if err != nil {
		panic(err)
	}
	defer server.Close()

	ctx := context.Background()
	c, err := client.New(server.URL, client.WithClientCredentials(server.Credentials))
	if err != nil {
		panic(err)
	}
	for r, err := range c.List(ctx, client.Query{Filter: "sourceType eq 10", PageSize: 1}) {
		if err != nil {
			panic(err)
		}
		fmt.Println(r.ID, r.LastModifiedTime)
	}
	// Output: sample 2017-01-01T00:03:18.5958204-08:00
}

func Example_throttle() {
	throttling := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "300")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer throttling.Close()

	ctx := context.Background()
	c, err := client.New(throttling.URL, client.WithTimeouts(time.Second, time.Minute))
	if err != nil {
		panic(err)
	}
	// The server asks for more than a minute, so the call returns at once.
	_, err = c.Get(ctx, "sample")
	if e, ok := errors.AsType[*client.Error](err); ok && errors.Is(err, client.ErrThrottled) {
		fmt.Println("come back in", e.RetryAfter)
	}
	// Output: come back in 5m0s
}
