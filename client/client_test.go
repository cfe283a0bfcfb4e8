package client_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/pfxrecryption/pfxrecryption/client"
	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/pfxtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func connect(t *testing.T) *client.Client {
	server := pfxtest.Start(t, pfxtest.Config{})
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	c, err := client.New(server.URL, client.WithToken(server.Token(t, pfxtest.Grant{})), client.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestPatchAgainstTheServer(t *testing.T) {
	t.Parallel()
	c := connect(t)
	before, err := c.Patch(t.Context(), "sample", client.Update{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Patch(t.Context(), "sample", client.Update{Status: edm.Value(int32(-1)), ETag: edm.Null[string]()}, client.IfMatch(before.Tag))
	if err != nil {
		t.Fatal(err)
	}
	want := before.Request
	want.Status, want.ETag = -1, edm.Null[string]()
	if got.Request != want || got.Tag == before.Tag {
		t.Errorf("got %+v, want %+v with another tag", got, want)
	}

	_, err = c.Patch(t.Context(), "sample", client.Update{Status: edm.Value(int32(0))}, client.IfMatch(before.Tag))
	if !errors.Is(err, client.ErrPreconditionFailed) {
		t.Errorf("a stale tag: %v", err)
	}
	_, err = c.Patch(t.Context(), "nothing-here", client.Update{})
	if !errors.Is(err, client.ErrNotFound) {
		t.Errorf("a missing object: %v", err)
	}
	_, err = c.Patch(t.Context(), "sample", client.Update{ID: edm.Value("other")})
	e, ok := errors.AsType[*client.Error](err)
	if !ok || !errors.Is(err, client.ErrInvalid) || e.Code != "ModelValidationFailure" || len(e.Details) != 1 || e.Details[0].Target != "/id" || e.RequestID == "" {
		t.Errorf("an invalid body: %+v", err)
	}
}

// TestPatchDistrustsAnswers: for a response that the contract does not allow, the client returns an error and no object.
func TestPatchDistrustsAnswers(t *testing.T) {
	t.Parallel()
	entity := `{"id":"sample","tenantId":"f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9"}`
	for name, tt := range map[string]struct {
		status int
		header http.Header
		body   string
		want   *client.Error
	}{
		"notJSON":           {200, http.Header{"Content-Type": {"text/html"}, "Etag": {`"a"`}}, entity, nil},
		"noTag":             {200, http.Header{"Content-Type": {"application/json"}}, entity, nil},
		"noEntity":          {200, http.Header{"Content-Type": {"application/json"}, "Etag": {`"a"`}}, `{}`, nil},
		"brokenOff":         {200, http.Header{"Content-Type": {"application/json"}, "Etag": {`"a"`}}, `{"id":`, nil},
		"noContent":         {204, http.Header{"Etag": {`"a"`}}, ``, nil},
		"tooLarge":          {200, http.Header{"Content-Type": {"application/json"}, "Etag": {`"a"`}}, strings.Repeat(" ", 1<<20) + entity, nil},
		"errorPage":         {502, http.Header{"Content-Type": {"text/html"}}, `<html>`, &client.Error{Status: 502, Message: "Bad Gateway"}},
		"emptyError":        {500, nil, ``, &client.Error{Status: 500, Message: "Internal Server Error"}},
		"throttledSeconds":  {429, http.Header{"Retry-After": {"7"}, "Request-Id": {"x"}}, ``, &client.Error{Status: 429, Message: "Too Many Requests", RequestID: "x", RetryAfter: 7 * time.Second}},
		"throttledLongAgo":  {429, http.Header{"Retry-After": {"Mon, 02 Jan 2006 15:04:05 GMT"}}, ``, &client.Error{Status: 429, Message: "Too Many Requests"}},
		"throttledNonsense": {429, http.Header{"Retry-After": {"-1"}}, ``, &client.Error{Status: 429, Message: "Too Many Requests"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				for name, values := range tt.header {
					w.Header()[name] = values
				}
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body) // a client that has read enough closes the connection
			}))
			t.Cleanup(server.Close)
			c, err := client.New(server.URL, client.WithHTTPClient(server.Client()), client.WithTries(1))
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.Patch(t.Context(), "sample", client.Update{})
			e, _ := errors.AsType[*client.Error](err)
			if err == nil || got != nil {
				t.Errorf("got %+v, %v, want an error", got, err)
			}
			if diff := cmp.Diff(tt.want, e); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		url    string
		option client.Option
	}{
		"noScheme":       {"graph.example.com/beta", nil},
		"otherScheme":    {"ftp://graph.example.com", nil},
		"noHost":         {"https:///beta", nil},
		"user":           {"https://me@graph.example.com", nil},
		"query":          {"https://graph.example.com?x=1", nil},
		"fragment":       {"https://graph.example.com#x", nil},
		"emptyToken":     {"https://graph.example.com", client.WithToken("")},
		"nilTokenSource": {"https://graph.example.com", client.WithTokenSource(nil)},
		"nilHTTPClient":  {"https://graph.example.com", client.WithHTTPClient(nil)},
		"noTries":        {"https://graph.example.com", client.WithTries(0)},
		"noTime":         {"https://graph.example.com", client.WithTimeouts(0, 0)},
		"tryPastCall":    {"https://graph.example.com", client.WithTimeouts(2, 1)},
		"noTokenURL":     {"https://graph.example.com", client.WithClientCredentials(clientcredentials.Config{ClientID: "id"})},
	} {
		options := []client.Option{}
		if tt.option != nil {
			options = append(options, tt.option)
		}
		if _, err := client.New(tt.url, options...); err == nil {
			t.Errorf("%s: New accepted it", name)
		}
	}
}
