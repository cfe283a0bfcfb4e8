package client_test

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/pfxrecryption/pfxrecryption/client"
	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
)

// TestUpdatesLoseNone: each of 200 concurrent updates adds one.
func TestUpdatesLoseNone(t *testing.T) {
	t.Parallel()
	testUpdatesLoseNone(t, 8, 25)
}

func testUpdatesLoseNone(t *testing.T, goroutines, updates int) {
	c := connect(t)
	before, err := c.Get(t.Context(), "sample")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for range updates {
				if _, err := c.Update(t.Context(), "sample", func(r *client.Request) error { r.Status++; return nil }); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	after, err := c.Get(t.Context(), "sample")
	if err != nil {
		t.Fatal(err)
	}
	want := before.Request
	want.Status += int32(goroutines * updates)
	if after.Request != want {
		t.Errorf("got %+v, want %+v", after.Request, want)
	}
}

// TestUpdateSendsWhatDiffers: only changed members are sent, including null. Without a change there is no request.
func TestUpdateSendsWhatDiffers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*client.Request)
		want   string // the body; empty if there is no request
	}{
		"nothing":   {func(*client.Request) {}, ``},
		"sameValue": {func(r *client.Request) { r.Status = 6 }, ``},
		"one":       {func(r *client.Request) { r.Status = 0 }, `{"status":0}`},
		"null":      {func(r *client.Request) { r.Thumbprint = edm.Null[string]() }, `{"thumbprint":null}`},
		"fromNull":  {func(r *client.Request) { r.DeviceKeyThumbprint = edm.Value("") }, `{"deviceKeyThumbprint":""}`},
		"several":   {func(r *client.Request) { r.IsDeleted, r.UserID, r.ETag = false, edm.Guid{}, edm.Value("e") }, `{"userId":"00000000-0000-0000-0000-000000000000","isDeleted":false,"eTag":"e"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := &network{replies: []reply{responds(200, entity), responds(200, entity)}}
			_, err := connectTo(t, n).Update(t.Context(), "sample", func(r *client.Request) error { tt.change(r); return nil })
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == "" {
				if len(n.tries) != 1 {
					t.Errorf("%d requests, want only the GET", len(n.tries))
				}
				return
			}
			if body := bodyOf(t, n.tries[1]); body != tt.want || n.tries[1].Header.Get("If-Match") != `"2"` {
				t.Errorf("sent %s with If-Match %s, want %s with \"2\"", body, n.tries[1].Header.Get("If-Match"), tt.want)
			}
		})
	}
}

// TestUpdateRefuses: an update that the contract does not allow is not sent.
func TestUpdateRefuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*client.Request){
		"otherKey": func(r *client.Request) { r.ID = "other" },
		"noTime":   func(r *client.Request) { r.CreatedTime = edm.DateTimeOffset{} },
		"notUTF8":  func(r *client.Request) { r.Thumbprint = edm.Value("\xff") },
		"tooLong":  func(r *client.Request) { r.Thumbprint = edm.Value(fmt.Sprintf("%1025d", 1)) },
	} {
		n := &network{replies: []reply{responds(200, entity)}}
		_, err := connectTo(t, n).Update(t.Context(), "sample", func(r *client.Request) error { change(r); return nil })
		if !errors.Is(err, client.ErrInvalid) || len(n.tries) != 1 {
			t.Errorf("%s: got %v after %d requests, want ErrInvalid after the GET", name, err, len(n.tries))
		}
	}
}

// TestUpdateEnds: after too many conflicts, an unknown outcome, or an error of change.
func TestUpdateEnds(t *testing.T) {
	t.Parallel()
	enough := errors.New("enough")
	for name, tt := range map[string]struct {
		patched reply
		change  error
		want    error
		runs    int
	}{
		"changing": {responds(412, ""), nil, client.ErrPreconditionFailed, 100},
		"unknown":  {fails(errReset), nil, client.ErrUnknownOutcome, 1},
		"refused":  {responds(403, ""), nil, client.ErrForbidden, 1},
		"caller":   {responds(200, entity), enough, enough, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				runs := 0
				route := func(r *http.Request) (*http.Response, error) {
					if r.Method == http.MethodGet {
						return responds(200, entity)(r)
					}
					return tt.patched(r)
				}
				_, err := connectTo(t, &network{replies: []reply{route}}).Update(t.Context(), "sample", func(r *client.Request) error {
					runs++
					r.Status++
					return tt.change
				})
				if !errors.Is(err, tt.want) || runs != tt.runs {
					t.Errorf("got %v after %d runs, want %v after %d", err, runs, tt.want, tt.runs)
				}
			})
		})
	}
}
