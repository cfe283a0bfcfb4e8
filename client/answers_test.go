package client_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pfxrecryption/pfxrecryption/client"
	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
)

// TestAnswers covers the meaning of each response. scripts/compat has the whole table, for every client.
func TestAnswers(t *testing.T) {
	t.Parallel()
	graph := func(status int, code, message string) reply {
		return responds(status, `{"error":{"code":"`+code+`","message":"`+message+`"}}`)
	}
	noTag := responds(200, entity, "ETag", "")
	bodyTag := responds(200, strings.Replace(entity, "{", `{"@odata.etag":"W/\"3\"",`, 1), "ETag", "")
	update := func(ctx context.Context, c *client.Client) error {
		_, err := c.Update(ctx, "sample", func(r *client.Request) error { r.Status++; return nil })
		return err
	}
	getNamedAsList := func(ctx context.Context, c *client.Client) error {
		_, err := c.Get(ctx, "pfxRecryptionRequests")
		return err
	}
	for name, tt := range map[string]struct {
		call    func(context.Context, *client.Client) error
		replies []reply
		want    error
		not     error
		methods string
	}{
		"204 to an update":               {patch(), []reply{responds(204, ""), responds(200, entity)}, nil, nil, "PATCH GET"},
		"204 to an update, then 404":     {patch(), []reply{responds(204, ""), graph(404, "ResourceNotFound", "m")}, client.ErrApplied, client.ErrNotFound, "PATCH GET"},
		"204 to an upsert":               {upsert(), []reply{responds(204, ""), responds(200, entity)}, nil, nil, "PATCH GET"},
		"204 to a creation":              {create, []reply{responds(204, "", "Location", "https://graph.example.com/beta/pfxRecryptionRequests('made')"), responds(200, entity)}, nil, nil, "POST GET"},
		"204 to a creation, no address":  {create, []reply{responds(204, "")}, client.ErrUnknownOutcome, nil, "POST"},
		"204 to a reading":               {get, []reply{responds(204, "")}, client.ErrMalformed, client.ErrUnknownOutcome, "GET"},
		"no tag":                         {get, []reply{noTag}, nil, nil, "GET"},
		"no tag to an update":            {patch(), []reply{noTag}, nil, nil, "PATCH"},
		"no tag, but an update needs it": {update, []reply{noTag}, client.ErrNoTag, nil, "GET"},
		"a tag in the body":              {update, []reply{bodyTag}, nil, nil, "GET PATCH"},
		"an object's 404":                {get, []reply{graph(404, "ResourceNotFound", "m")}, client.ErrNotFound, client.ErrNoAPI, "GET"},
		"another version":                {get, []reply{graph(404, "InvalidVersion", "Invalid version: v1")}, client.ErrNoAPI, client.ErrNotFound, "GET"},
		"another segment":                {get, []reply{graph(400, "BadRequest", "Resource not found for the segment 'x'.")}, client.ErrNoAPI, client.ErrInvalid, "GET"},
		"another 400":                    {get, []reply{graph(400, "BadRequest", "m")}, client.ErrInvalid, client.ErrNoAPI, "GET"},
		"a 404 that is not Graph's":      {get, []reply{responds(404, "not here", "Content-Type", "text/plain")}, client.ErrNoAPI, client.ErrNotFound, "GET"},
		"a 404 to a list":                {list, []reply{graph(404, "ResourceNotFound", "m")}, client.ErrNoAPI, client.ErrNotFound, "GET"},
		"a 404 to the key of a list":     {getNamedAsList, []reply{graph(404, "ResourceNotFound", "m")}, client.ErrNotFound, client.ErrNoAPI, "GET"},
		"a 404 to a creation":            {create, []reply{graph(404, "ResourceNotFound", "m")}, client.ErrNoAPI, client.ErrNotFound, "POST"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := &network{replies: tt.replies}
			err := tt.call(t.Context(), connectTo(t, n))
			if !errors.Is(err, tt.want) || tt.not != nil && errors.Is(err, tt.not) {
				t.Errorf("got %v, want %v and not %v", err, tt.want, tt.not)
			}
			var methods []string
			for _, r := range n.tries {
				methods = append(methods, r.Method)
			}
			if got := strings.Join(methods, " "); got != tt.methods {
				t.Errorf("sent %s, want %s", got, tt.methods)
			}
		})
	}
}

// TestTagOfTheBody: Microsoft Graph's annotation replaces a missing header field.
func TestTagOfTheBody(t *testing.T) {
	t.Parallel()
	n := &network{replies: []reply{responds(200, strings.Replace(entity, "{", `{"@odata.etag":"W/\"3\"",`, 1), "ETag", "")}}
	c := connectTo(t, n)
	v, err := c.Update(t.Context(), "sample", func(r *client.Request) error { r.Status++; return nil })
	if err != nil || v.Tag != `W/"3"` || n.tries[1].Header.Get("If-Match") != `W/"3"` || n.tries[1].Header.Get("Prefer") != "return=representation" {
		t.Errorf("got %+v, %v, sent %v", v, err, n.tries[len(n.tries)-1].Header)
	}
}

// TestRetryAfterOfAnotherClock: the client reads the date by the server's clock and accepts values of any size.
func TestRetryAfterOfAnotherClock(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		off   time.Duration // added to the server's clock
		value string        // empty: 3 s from now by the server's clock
		want  time.Duration // 0: the call ends
	}{
		"behind": {-time.Hour, "", 3 * time.Second},
		"ahead":  {time.Hour, "", 3 * time.Second},
		"huge":   {0, "99999999999999999999", 0},
		"9999":   {0, "Fri, 31 Dec 9999 23:59:59 GMT", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				now := time.Now().Add(tt.off).UTC()
				value := tt.value
				if value == "" {
					value = now.Add(3 * time.Second).Format(http.TimeFormat)
				}
				n := &network{replies: []reply{responds(429, "", "Date", now.Format(http.TimeFormat), "Retry-After", value), responds(200, entity)}}
				err := get(t.Context(), connectTo(t, n))
				switch {
				case tt.want == 0 && (!errors.Is(err, client.ErrThrottled) || len(n.tries) != 1):
					t.Errorf("%v after %d tries, want ErrThrottled after one", err, len(n.tries))
				case tt.want > 0 && (err != nil || n.at[1] < tt.want || n.at[1] > tt.want+time.Second):
					t.Errorf("%v, tries at %v, want the second after %s", err, n.at, tt.want)
				}
			})
		})
	}
}

// TestSelectedMembersAreRequired: an object without a selected member is malformed.
func TestSelectedMembersAreRequired(t *testing.T) {
	t.Parallel()
	n := &network{replies: []reply{responds(200, `{"value":[{"@odata.type":"#microsoft.graph.pfxRecryptionRequest","status":6}]}`)}}
	for members, want := range map[string]error{"status": nil, "id": client.ErrMalformed} {
		var got error
		for s, err := range connectTo(t, n).Select(t.Context(), client.Query{Select: []string{members}}) {
			if got = err; err == nil && s.Status != edm.Value(int32(6)) {
				t.Errorf("got %+v", s)
			}
		}
		if !errors.Is(got, want) {
			t.Errorf("%s: got %v, want %v", members, got, want)
		}
	}
}

// TestTokenSourceIsNamed: an error names the token endpoint, also after a 401.
func TestTokenSourceIsNamed(t *testing.T) {
	t.Parallel()
	s := &failing{first: "t1"}
	c := connectTo(t, &network{replies: []reply{responds(401, "")}}, client.WithTokenSource(s))
	err := get(t.Context(), c)
	if !errors.Is(err, client.ErrUnauthorized) || !errors.Is(err, errReset) || !strings.Contains(err.Error(), "getting a token from the token source") {
		t.Errorf("got %v, want the 401 and the source's error", err)
	}
}
