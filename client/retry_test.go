package client_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pfxrecryption/pfxrecryption/client"
	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
)

// entity is a response with the page's example.
const entity = `{"@odata.type":"#microsoft.graph.pfxRecryptionRequest","id":"sample","tenantId":"f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9",` +
	`"userId":"a991071c-071c-a991-1c07-91a91c0791a9","deviceId":"b30de46d-e46d-b30d-6de4-0db36de40db3",` +
	`"profileId":"19ecf6e8-f6e8-19ec-e8f6-ec19e8f6ec19","thumbprint":"Thumbprint value","deviceKeyThumbprint":null,` +
	`"status":6,"sourceType":10,"createdTime":"2017-01-01T00:03:18.9597073-08:00","lastModifiedTime":"2017-01-01T00:03Z",` +
	`"isDeleted":true,"eTag":"ETag value"}`

// reply is the network's reaction to one try.
type reply func(*http.Request) (*http.Response, error)

// network is a transport that replies with its replies in order and repeats the last one. It has no sockets, so that tests
// can run in a synctest bubble.
type network struct {
	replies []reply
	tries   []*http.Request
	at      []time.Duration // the start of each try, measured from the first
	began   time.Time
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	if n.tries == nil {
		n.began = time.Now()
	}
	n.tries = append(n.tries, r)
	n.at = append(n.at, time.Since(n.began))
	return n.replies[min(len(n.tries), len(n.replies))-1](r)
}

func responds(status int, body string, header ...string) reply {
	return func(r *http.Request) (*http.Response, error) {
		h := http.Header{"Content-Type": {"application/json"}, "Etag": {`"2"`}}
		for i := 0; i < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	}
}

func fails(err error) reply {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// hangs is a server that never responds.
func hangs(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// breaksOff is a response that ends early.
func breaksOff(r *http.Request) (*http.Response, error) {
	resp, _ := responds(200, "")(r)
	resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"id":`), brokenReader{}))
	return resp, nil
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func connectTo(t *testing.T, n *network, options ...client.Option) *client.Client {
	t.Helper()
	c, err := client.New("https://graph.example.com/beta", append(options, client.WithHTTPClient(&http.Client{Transport: n}))...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// operations are the operations with and without a condition, each with a response that is a success.
var operations = map[string]struct {
	do         func(context.Context, *client.Client) error
	success    reply
	reads      bool
	repeatable bool // it is retried if the outcome is unknown
}{
	"get":       {do: get, success: responds(200, entity), reads: true, repeatable: true},
	"list":      {do: list, success: responds(200, `{"value":[]}`), reads: true, repeatable: true},
	"create":    {do: create, success: responds(201, entity)},
	"patch":     {do: patch(), success: responds(200, entity)},
	"patchAny":  {do: patch(client.IfMatch("*")), success: responds(200, entity)},
	"patchList": {do: patch(client.IfMatch(`"1","2"`)), success: responds(200, entity)},
	"patchTag":  {do: patch(client.IfMatch(`"1"`)), success: responds(200, entity), repeatable: true},
	"upsert":    {do: upsert(), success: responds(201, entity)},
	"insert":    {do: upsert(client.IfNoneMatch("*")), success: responds(201, entity), repeatable: true},
	"delete":    {do: remove(), success: responds(204, "")},
	"deleteTag": {do: remove(client.IfMatch(`"1"`)), success: responds(204, ""), repeatable: true},
}

func get(ctx context.Context, c *client.Client) error { _, err := c.Get(ctx, "sample"); return err }

func list(ctx context.Context, c *client.Client) error {
	for _, err := range c.List(ctx, client.Query{}) {
		if err != nil {
			return err
		}
	}
	return nil
}

func create(ctx context.Context, c *client.Client) error {
	_, err := c.Create(ctx, client.Create{})
	return err
}

func patch(conditions ...client.Condition) func(context.Context, *client.Client) error {
	return func(ctx context.Context, c *client.Client) error {
		_, err := c.Patch(ctx, "sample", client.Update{Status: edm.Value(int32(7))}, conditions...)
		return err
	}
}

func upsert(conditions ...client.Condition) func(context.Context, *client.Client) error {
	return func(ctx context.Context, c *client.Client) error {
		_, err := c.Upsert(ctx, "sample", client.Update{Status: edm.Value(int32(7))}, conditions...)
		return err
	}
}

func remove(conditions ...client.Condition) func(context.Context, *client.Client) error {
	return func(ctx context.Context, c *client.Client) error { return c.Delete(ctx, "sample", conditions...) }
}

var errReset = errors.New("connection reset by peer")

// TestRetries: a request that was not applied is retried. One that may have been applied is retried only if it cannot be
// applied twice. The error says which case it was.
func TestRetries(t *testing.T) {
	t.Parallel()
	for fault, tt := range map[string]struct {
		reply     reply
		transient bool
		unknown   bool
	}{
		"throttled":   {reply: responds(429, ""), transient: true},
		"unavailable": {reply: responds(503, ""), transient: true},
		"noDial":      {reply: fails(&net.OpError{Op: "dial", Err: errReset}), transient: true},
		"badGateway":  {reply: responds(502, ""), transient: true, unknown: true},
		"timeout504":  {reply: responds(504, ""), transient: true, unknown: true},
		"reset":       {reply: fails(errReset), transient: true, unknown: true},
		"hangs":       {reply: hangs, transient: true, unknown: true},
		"breaksOff":   {reply: breaksOff, transient: true, unknown: true},
		"internal":    {reply: responds(500, ""), unknown: true},
		"malformed":   {reply: responds(200, "[]"), unknown: true},
		"notFound":    {reply: responds(404, "")},
		"changed":     {reply: responds(412, "")},
		"redirect":    {reply: responds(307, "", "Location", "https://elsewhere.example.com/")},
		"certificate": {reply: fails(&tls.CertificateVerificationError{Err: errReset})},
	} {
		for name, operation := range operations {
			t.Run(fault+"/"+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					again := tt.transient && (operation.repeatable || !tt.unknown)

					once := &network{replies: []reply{tt.reply, operation.success}}
					err := operation.do(t.Context(), connectTo(t, once))
					if want := 1; again {
						want++
						if err != nil || len(once.tries) != want {
							t.Errorf("a transient fault: %v after %d tries, want success after %d", err, len(once.tries), want)
						}
					} else if err == nil || len(once.tries) != want {
						t.Errorf("a transient fault: %v after %d tries, want an error after %d", err, len(once.tries), want)
					}

					always := &network{replies: []reply{tt.reply}}
					err = operation.do(t.Context(), connectTo(t, always, client.WithTimeouts(10*time.Second, 2*time.Minute)))
					if want := map[bool]int{false: 1, true: 5}[again]; err == nil || len(always.tries) != want {
						t.Errorf("a permanent fault: %v after %d tries, want an error after %d", err, len(always.tries), want)
					}
					if want := tt.unknown && !operation.reads; errors.Is(err, client.ErrUnknownOutcome) != want {
						t.Errorf("%v: is ErrUnknownOutcome %v, want %v", err, !want, want)
					}
				})
			})
		}
	}
}

// TestRefusalAfterLostAnswer: once the outcome of a try is unknown, the refusal of a later try does not make it known. A
// caller who trusted the 412 would apply its change a second time.
func TestRefusalAfterLostAnswer(t *testing.T) {
	t.Parallel()
	for _, status := range []int{404, 412, 429, 503} {
		synctest.Test(t, func(t *testing.T) {
			n := &network{replies: []reply{fails(errReset), responds(status, "")}}
			_, err := connectTo(t, n).Patch(t.Context(), "sample", client.Update{}, client.IfMatch(`"1"`))
			_, isRefusal := errors.AsType[*client.Error](err)
			if !errors.Is(err, client.ErrUnknownOutcome) || isRefusal {
				t.Errorf("%d: got %v, want ErrUnknownOutcome and no refusal", status, err)
			}
		})
	}
}

// TestRetryWaits: waits are at least Retry-After, within the time limit of the call, and grow with jitter.
func TestRetryWaits(t *testing.T) {
	t.Parallel()
	t.Run("seconds", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			n := &network{replies: []reply{responds(429, "", "Retry-After", "7"), responds(200, entity)}}
			if err := get(t.Context(), connectTo(t, n)); err != nil || n.at[1] < 7*time.Second || n.at[1] > 8*time.Second {
				t.Errorf("%v, tries at %v, want the second after 7 s", err, n.at)
			}
		})
	})
	t.Run("date", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			date := time.Now().Add(9 * time.Second).UTC().Format(http.TimeFormat)
			n := &network{replies: []reply{responds(503, "", "Retry-After", date), responds(200, entity)}}
			if err := get(t.Context(), connectTo(t, n)); err != nil || n.at[1] < 9*time.Second || n.at[1] > 10*time.Second {
				t.Errorf("%v, tries at %v, want the second after 9 s", err, n.at)
			}
		})
	})
	t.Run("pastTheBudget", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			n := &network{replies: []reply{responds(429, "", "Retry-After", "3600"), responds(200, entity)}}
			start := time.Now()
			err := get(t.Context(), connectTo(t, n))
			e, ok := errors.AsType[*client.Error](err)
			if !ok || e.RetryAfter != time.Hour || !errors.Is(err, client.ErrThrottled) || time.Since(start) > 0 {
				t.Errorf("got %v after %v, want ErrThrottled with its hour at once", err, time.Since(start))
			}
		})
	})
	t.Run("budgets", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			n := &network{replies: []reply{hangs}}
			start := time.Now()
			err := get(t.Context(), connectTo(t, n, client.WithTimeouts(2*time.Second, 5*time.Second), client.WithTries(100)))
			if spent := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || spent > 5*time.Second || len(n.tries) != 3 {
				t.Errorf("%v after %v and %d tries, want an error at 5 s in the third try", err, spent, len(n.tries))
			}
		})
	})
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			n := &network{replies: []reply{responds(429, "", "Retry-After", "60")}}
			time.AfterFunc(time.Second, cancel)
			start := time.Now()
			err := get(ctx, connectTo(t, n))
			if err == nil || time.Since(start) != time.Second {
				t.Errorf("%v after %v, want an error after one second", err, time.Since(start))
			}
		})
	})
	t.Run("jitter", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			waits := map[time.Duration]bool{}
			for range 50 {
				n := &network{replies: []reply{responds(503, ""), responds(200, entity)}}
				if err := get(t.Context(), connectTo(t, n)); err != nil || n.at[1] > 100*time.Millisecond {
					t.Fatalf("%v, tries at %v, want the second within 100 ms", err, n.at)
				}
				waits[n.at[1]] = true
			}
			if len(waits) < 40 {
				t.Errorf("50 first waits have only %d lengths: they are not random", len(waits))
			}
		})
	})
}

// TestCancelledBeforeSending: the outcome of an unsent request is known.
func TestCancelledBeforeSending(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	n := &network{replies: []reply{responds(201, entity)}}
	err := create(ctx, connectTo(t, n, client.WithToken("token")))
	if !errors.Is(err, context.Canceled) || errors.Is(err, client.ErrUnknownOutcome) || len(n.tries) != 0 {
		t.Errorf("got %v after %d tries, want context.Canceled after none", err, len(n.tries))
	}
}

// TestTriesAreOneCall: all tries have the same client-request-id and the same body.
func TestTriesAreOneCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var bodies []string
		record := func(next reply) reply {
			return func(r *http.Request) (*http.Response, error) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				bodies = append(bodies, string(body))
				return next(r)
			}
		}
		n := &network{replies: []reply{record(responds(429, "")), record(responds(503, "")), record(responds(200, entity))}}
		c := connectTo(t, n)
		if err := patch()(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		name := n.tries[0].Header.Get("client-request-id")
		for i, try := range n.tries {
			if got := try.Header.Get("client-request-id"); got != name || len(got) != 36 || bodies[i] != `{"status":7}` {
				t.Errorf("try %d has the client-request-id %q and the body %s, want %q", i, got, bodies[i], name)
			}
		}
		if err := patch()(t.Context(), c); err != nil || n.tries[3].Header.Get("client-request-id") == name {
			t.Errorf("%v: the next call has the same client-request-id", err)
		}
	})
}
