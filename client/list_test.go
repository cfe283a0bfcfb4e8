package client_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pfxrecryption/pfxrecryption/client"
	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
)

// fill adds objects with the keys a000, a001, …; every third has status 7.
func fill(t *testing.T, c *client.Client, n int) (keys []string) {
	t.Helper()
	for i := range n {
		u := everything(t, c)
		if i%3 == 0 {
			u.Status = edm.Value(int32(7))
		}
		keys = append(keys, fmt.Sprintf("a%03d", i))
		if _, err := c.Upsert(t.Context(), keys[i], u, client.IfNoneMatch("*")); err != nil {
			t.Fatal(err)
		}
	}
	return keys
}

// everything returns an update that sets every member to the sample's value.
func everything(t *testing.T, c *client.Client) client.Update {
	t.Helper()
	r, err := c.Get(t.Context(), "sample")
	if err != nil {
		t.Fatal(err)
	}
	return client.Update{
		TenantID: edm.Value(r.TenantID), UserID: edm.Value(r.UserID), DeviceID: edm.Value(r.DeviceID), ProfileID: edm.Value(r.ProfileID),
		Thumbprint: r.Thumbprint, DeviceKeyThumbprint: r.DeviceKeyThumbprint, Status: edm.Value(r.Status), SourceType: edm.Value(r.SourceType),
		CreatedTime: edm.Value(r.CreatedTime), LastModifiedTime: edm.Value(r.LastModifiedTime), IsDeleted: edm.Value(r.IsDeleted), ETag: r.ETag,
	}
}

func TestListAgainstTheServer(t *testing.T) {
	t.Parallel()
	c := connect(t)
	keys := append(fill(t, c, 25), "sample")
	for _, size := range []int{0, 1, 7, 26, 1000} {
		var got []string
		for r, err := range c.List(t.Context(), client.Query{PageSize: size}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, r.ID)
		}
		if diff := cmp.Diff(keys, got); diff != "" {
			t.Errorf("pages of %d (-want +got):\n%s", size, diff)
		}
	}

	if n, err := c.Count(t.Context(), client.Query{Filter: "status eq 7"}); err != nil || n != 9 {
		t.Errorf("counted %d, %v, want 9", n, err)
	}
	seven := 0
	for s, err := range c.Select(t.Context(), client.Query{Filter: "status eq 7", Select: []string{"id", "status"}, PageSize: 2}) {
		if err != nil {
			t.Fatal(err)
		}
		if status, ok := s.Status.Get(); !ok || status != 7 || !s.UserID.IsZero() {
			t.Errorf("got %+v, want only the id and the status 7", s)
		}
		seven++
	}
	if seven != 9 {
		t.Errorf("selected %d, want 9", seven)
	}

	for _, q := range []client.Query{{Filter: "status is 7"}, {PageSize: 1001}, {PageSize: -1}, {PageSize: 1 << 40}} {
		for _, err := range c.List(t.Context(), q) {
			if !errors.Is(err, client.ErrInvalid) {
				t.Errorf("%+v: got %v, want ErrInvalid", q, err)
			}
		}
	}
}

func TestPagesGoOn(t *testing.T) {
	t.Parallel()
	c := connect(t)
	keys := append(fill(t, c, 9), "sample")
	var got []string
	q := client.Query{PageSize: 4}
	for { // a listing that is interrupted after each page
		for page, err := range c.Pages(t.Context(), q) {
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range page.Value {
				id, _ := s.ID.Get()
				got = append(got, id)
			}
			q.From = page.Next
			break
		}
		if q.From == "" {
			break
		}
	}
	if diff := cmp.Diff(keys, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestListDistrustsAnswers: the token goes to no other server, a cycle of pages ends, and every object is complete.
func TestListDistrustsAnswers(t *testing.T) {
	t.Parallel()
	const here = "https://graph.example.com/beta/pfxRecryptionRequests"
	link := func(to string) reply { return responds(200, `{"@odata.nextLink":"`+to+`","value":[]}`) }
	for name, replies := range map[string][]reply{
		"otherHost":   {link("https://evil.example.com/beta/pfxRecryptionRequests")},
		"otherPort":   {link("https://graph.example.com:444/beta/pfxRecryptionRequests")},
		"otherScheme": {link("http://graph.example.com/beta/pfxRecryptionRequests")},
		"otherPath":   {link("https://graph.example.com/v1.0/pfxRecryptionRequests")},
		"climbing":    {link("https://graph.example.com/beta/../v1.0/pfxRecryptionRequests")},
		"climbing2":   {link("https://graph.example.com/beta/%2e%2e/v1.0/pfxRecryptionRequests")},
		"user":        {link("https://me@graph.example.com/beta/pfxRecryptionRequests")},
		"relative":    {link("/beta/pfxRecryptionRequests")},
		"itself":      {link(here), link(here)},
		"circle":      {link(here + "?a"), link(here + "?b"), link(here + "?c"), link(here + "?b"), link(here + "?c"), link(here + "?b"), link(here + "?c"), link(here + "?b")},
		"noValue":     {responds(200, `{}`)},
		"half":        {responds(200, `{"value":[{"@odata.type":"#microsoft.graph.pfxRecryptionRequest","id":"a"}]}`)},
		"notJSON":     {responds(200, `{"value":[]}`, "Content-Type", "text/html")},
		"noContent":   {responds(204, ``)},
		"tooLarge":    {responds(200, strings.Repeat(" ", 16<<20)+`{"value":[]}`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := &network{replies: replies}
			errs := 0
			for r, err := range connectTo(t, n, client.WithToken("token")).List(t.Context(), client.Query{}) {
				if err == nil || r != nil {
					t.Fatalf("got %+v, %v, want an error", r, err)
				}
				errs++
			}
			if errs != 1 || len(n.tries) > len(replies) {
				t.Errorf("%d errors after %d requests, want one after at most %d", errs, len(n.tries), len(replies))
			}
			for _, try := range n.tries {
				if try.URL.Host != "graph.example.com" || try.URL.Scheme != "https" {
					t.Errorf("the token went to %s", try.URL)
				}
			}
		})
	}
}

func TestListStopsEarly(t *testing.T) {
	t.Parallel()
	n := &network{replies: []reply{responds(200, `{"@odata.nextLink":"https://graph.example.com/beta/pfxRecryptionRequests?a","value":[`+entity+`,`+entity+`]}`)}}
	for _, err := range connectTo(t, n).List(t.Context(), client.Query{}) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	if len(n.tries) != 1 {
		t.Errorf("%d requests, want one: the next page is not needed", len(n.tries))
	}
}

// TestSiblingsAgainstTheServer: create, get, conditional get, upsert and delete, each with its errors.
func TestSiblingsAgainstTheServer(t *testing.T) {
	t.Parallel()
	c, ctx := connect(t), t.Context()
	sample, err := c.Get(ctx, "sample")
	if err != nil {
		t.Fatal(err)
	}
	r := sample.Request
	created, err := c.Create(ctx, client.Create{
		TenantID: r.TenantID, UserID: r.UserID, DeviceID: r.DeviceID, ProfileID: r.ProfileID, Thumbprint: r.Thumbprint,
		DeviceKeyThumbprint: r.DeviceKeyThumbprint, Status: r.Status, SourceType: r.SourceType, CreatedTime: r.CreatedTime,
		LastModifiedTime: r.LastModifiedTime, IsDeleted: r.IsDeleted, ETag: r.ETag,
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Get(ctx, created.ID)
	if r.ID = created.ID; err != nil || *got != *created || got.Request != r {
		t.Errorf("got %+v, %v, want %+v", got, err, created)
	}
	if _, err := c.Get(ctx, created.ID, client.IfNoneMatch(created.Tag)); !errors.Is(err, client.ErrNotModified) {
		t.Errorf("an unchanged object: %v", err)
	}
	if _, err := c.Upsert(ctx, created.ID, everything(t, c), client.IfNoneMatch("*")); !errors.Is(err, client.ErrPreconditionFailed) {
		t.Errorf("an existing object: %v", err)
	}
	changed, err := c.Upsert(ctx, created.ID, client.Update{Status: edm.Value(int32(1))})
	if err != nil || changed.Status != 1 {
		t.Errorf("an upsert of an existing object: %+v, %v", changed, err)
	}
	if err := c.Delete(ctx, created.ID, client.IfMatch(created.Tag)); !errors.Is(err, client.ErrPreconditionFailed) {
		t.Errorf("a stale tag: %v", err)
	}
	if err := c.Delete(ctx, created.ID, client.IfMatch(changed.Tag)); err != nil {
		t.Error(err)
	}
	if _, err := c.Get(ctx, created.ID); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("a deleted object: %v", err)
	}
	if err := c.Delete(ctx, created.ID); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("a deleted object: %v", err)
	}
}

// TestRefusedHere: the client does not send a key or a tag that would change the meaning of the request.
func TestRefusedHere(t *testing.T) {
	t.Parallel()
	n := &network{replies: []reply{responds(200, entity)}}
	c := connectTo(t, n)
	for _, id := range []string{"", ".", "..", "../x", "a/b", "a?b", "a b", "é", strings.Repeat("a", 129)} {
		if _, err := c.Get(t.Context(), id); !errors.Is(err, client.ErrInvalid) {
			t.Errorf("Get(%q): %v", id, err)
		}
		if err := c.Delete(t.Context(), id); !errors.Is(err, client.ErrInvalid) {
			t.Errorf("Delete(%q): %v", id, err)
		}
	}
	if _, err := c.Patch(t.Context(), "sample", client.Update{}, client.IfMatch("")); !errors.Is(err, client.ErrInvalid) {
		t.Errorf("an empty tag: %v", err)
	}
	bad := edm.Value("\xff")
	for _, u := range []client.Update{{Thumbprint: bad}, {DeviceKeyThumbprint: bad}, {ETag: bad}} {
		if _, err := c.Patch(t.Context(), "sample", u); !errors.Is(err, client.ErrInvalid) {
			t.Errorf("text that is not UTF-8: %v", err)
		}
		if _, err := c.Upsert(t.Context(), "sample", u); !errors.Is(err, client.ErrInvalid) {
			t.Errorf("text that is not UTF-8: %v", err)
		}
		if _, err := c.Create(t.Context(), client.Create{Thumbprint: u.Thumbprint, DeviceKeyThumbprint: u.DeviceKeyThumbprint, ETag: u.ETag}); !errors.Is(err, client.ErrInvalid) {
			t.Errorf("text that is not UTF-8: %v", err)
		}
	}
	if len(n.tries) != 0 {
		t.Errorf("%d requests were sent", len(n.tries))
	}
}

func bodyOf(t *testing.T, r *http.Request) string {
	t.Helper()
	body, err := r.GetBody()
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
