package client_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/client"
	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
)

// TestBatchAgainstTheServer: each request has the result of its method.
func TestBatchAgainstTheServer(t *testing.T) {
	t.Parallel()
	c := connect(t)
	b := c.Batch()
	before := b.Get("sample")
	changed := b.Patch("sample", client.Update{Status: edm.Value(int32(7))}).After(before)
	stale := b.Patch("sample", client.Update{Status: edm.Value(int32(8))}, client.IfMatch(`"stale"`))
	behind := b.Delete("sample").After(changed, stale)
	absent := b.Get("nothing")
	gone := b.Delete("sample").After(changed)
	if err := b.Send(t.Context()); err != nil {
		t.Fatal(err)
	}
	first, err := before.Result()
	if err != nil || first.Status != 6 || first.Tag == "" {
		t.Errorf("before: %+v, %v", first, err)
	}
	second, err := changed.Result()
	if err != nil || second.Status != 7 || second.Tag == first.Tag {
		t.Errorf("changed: %+v, %v", second, err)
	}
	if got, err := gone.Result(); err != nil || got != nil {
		t.Errorf("gone: %+v, %v", got, err)
	}
	for item, want := range map[*client.BatchItem]error{stale: client.ErrPreconditionFailed, behind: client.ErrFailedDependency, absent: client.ErrNotFound} {
		if got, err := item.Result(); !errors.Is(err, want) || got != nil {
			t.Errorf("got %+v, %v, want %v", got, err, want)
		}
	}
	if _, err := c.Get(t.Context(), "sample"); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("after the batch: %v", err)
	}
}

// TestBatchResults covers the meaning of each response to a change, a read and a deletion.
func TestBatchResults(t *testing.T) {
	t.Parallel()
	response := func(id, status int, body string) string {
		if body != "" {
			body = `,"body":` + body
		}
		return fmt.Sprintf(`{"id":"%d","status":%d,"headers":{"Content-Type":"application/json","ETag":"\"2\""}%s}`, id, status, body)
	}
	refusal := `{"error":{"code":"c","message":"m"}}`
	batch := func(changed, read, gone string) []reply {
		return []reply{responds(200, `{"responses":[`+gone+`,`+read+`,`+changed+`]}`)}
	}
	for name, tt := range map[string]struct {
		replies              []reply
		whole                error
		changed, read, gone  error
		tries                int
		changedNot, wholeNot error
	}{
		"all succeed":         {replies: batch(response(1, 200, entity), response(2, 200, entity), response(3, 204, "")), tries: 1},
		"changed, no object":  {replies: batch(response(1, 204, ""), response(2, 200, entity), response(3, 204, "")), changed: client.ErrApplied, changedNot: client.ErrUnknownOutcome, tries: 1},
		"failed":              {replies: batch(response(1, 500, refusal), response(2, 500, refusal), response(3, 502, "")), changed: client.ErrUnknownOutcome, gone: client.ErrUnknownOutcome, read: &client.Error{}, tries: 1},
		"throttled":           {replies: batch(response(1, 429, refusal), response(2, 429, refusal), response(3, 503, "")), changed: client.ErrThrottled, read: client.ErrThrottled, gone: client.ErrUnavailable, changedNot: client.ErrUnknownOutcome, tries: 1},
		"malformed":           {replies: batch(response(1, 200, "{}"), response(2, 200, `"x"`), response(3, 200, "")), changed: client.ErrUnknownOutcome, read: client.ErrMalformed, gone: client.ErrUnknownOutcome, tries: 1},
		"no response":         {replies: batch(response(9, 200, entity), response(8, 200, entity), response(7, 204, "")), changed: client.ErrUnknownOutcome, read: client.ErrMalformed, gone: client.ErrUnknownOutcome, tries: 1},
		"the batch throttled": {replies: append([]reply{responds(429, refusal)}, batch(response(1, 200, entity), response(2, 200, entity), response(3, 204, ""))...), tries: 2},
		"the batch refused":   {replies: []reply{responds(400, refusal)}, whole: client.ErrInvalid, changed: client.ErrInvalid, read: client.ErrInvalid, gone: client.ErrInvalid, tries: 1, wholeNot: client.ErrUnknownOutcome},
		"the batch lost":      {replies: []reply{breaksOff}, whole: client.ErrUnknownOutcome, changed: client.ErrUnknownOutcome, read: client.ErrUnknownOutcome, gone: client.ErrUnknownOutcome, tries: 1},
		"the batch not JSON":  {replies: []reply{responds(200, "<html>")}, whole: client.ErrUnknownOutcome, changed: client.ErrUnknownOutcome, read: client.ErrUnknownOutcome, gone: client.ErrUnknownOutcome, tries: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := &network{replies: tt.replies}
			b := connectTo(t, n).Batch()
			changed, read, gone := b.Patch("sample", client.Update{}), b.Get("sample"), b.Delete("sample")
			whole := b.Send(t.Context())
			results := []error{whole, resultOf(changed), resultOf(read), resultOf(gone)}
			for i, want := range []error{tt.whole, tt.changed, tt.read, tt.gone} {
				if e, ok := errors.AsType[*client.Error](want); ok && e != nil && e.Status == 0 {
					if _, ok := errors.AsType[*client.Error](results[i]); !ok {
						t.Errorf("%d: got %v, want an *Error", i, results[i])
					}
				} else if !errors.Is(results[i], want) {
					t.Errorf("%d: got %v, want %v", i, results[i], want)
				}
			}
			if tt.changedNot != nil && errors.Is(results[1], tt.changedNot) || tt.wholeNot != nil && errors.Is(whole, tt.wholeNot) {
				t.Errorf("got %v", results)
			}
			if len(n.tries) != tt.tries {
				t.Errorf("%d tries, want %d", len(n.tries), tt.tries)
			}
		})
	}
}

func resultOf(item *client.BatchItem) error {
	got, err := item.Result()
	if err != nil && got != nil {
		return errors.New("both an object and an error")
	}
	return err
}

// TestBatchSends checks the bytes of the request.
func TestBatchSends(t *testing.T) {
	t.Parallel()
	n := &network{replies: []reply{responds(400, "{}")}}
	b := connectTo(t, n).Batch()
	first := b.Get("a", client.IfNoneMatch(`"1"`))
	b.Patch("b", client.Update{Status: edm.Value(int32(7))}, client.IfMatch(`"1"`)).After(first)
	_ = b.Send(t.Context())
	r := n.tries[0]
	body, err := io.ReadAll(r.Body)
	const want = `{"requests":[{"id":"1","method":"GET","url":"pfxRecryptionRequests/a","headers":{"If-None-Match":"\"1\""}},` +
		`{"id":"2","method":"PATCH","url":"pfxRecryptionRequests/b","dependsOn":["1"],"headers":{"Content-Type":"application/json","If-Match":"\"1\"","Prefer":"return=representation"},"body":{"status":7}}]}`
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/beta/$batch" || string(body) != want {
		t.Errorf("got %s %s %s, want %s", r.Method, r.URL, body, want)
	}
}

// TestBatchRefuses: an invalid batch is not sent.
func TestBatchRefuses(t *testing.T) {
	t.Parallel()
	for name, fill := range map[string]func(*client.Batch){
		"no request":     func(*client.Batch) {},
		"too many":       func(b *client.Batch) { fillWith(b, client.MaxBatch+1) },
		"an invalid key": func(b *client.Batch) { b.Get("sample"); b.Delete("..") },
		"an empty tag":   func(b *client.Batch) { b.Get("sample", client.IfNoneMatch("")) },
		"not UTF-8":      func(b *client.Batch) { b.Patch("sample", client.Update{ETag: edm.Value("\xff")}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := &network{}
			b := connectTo(t, n).Batch()
			fill(b)
			if err := b.Send(t.Context()); !errors.Is(err, client.ErrInvalid) || len(n.tries) > 0 {
				t.Errorf("got %v after %d tries", err, len(n.tries))
			}
		})
	}
	n := &network{replies: []reply{responds(200, `{"responses":[]}`)}}
	b := connectTo(t, n).Batch()
	item := b.Get("sample")
	if _, err := item.Result(); !errors.Is(err, client.ErrInvalid) {
		t.Errorf("before the batch is sent: %v", err)
	}
	_ = b.Send(t.Context())
	if err := b.Send(t.Context()); !errors.Is(err, client.ErrInvalid) || len(n.tries) != 1 {
		t.Errorf("sent twice: %v", err)
	}
}

func fillWith(b *client.Batch, n int) {
	for range n {
		b.Get("sample")
	}
}
