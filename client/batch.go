package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
)

// MaxBatch is the largest number of requests in a batch.
const MaxBatch = 20

// Batch combines several requests into one (JSON batching of Microsoft Graph). The server processes them one after the
// other, in the order in which they were added. Each takes effect by itself, and none undoes another. A Batch is not safe
// for concurrent use and can be sent once.
//
//	b := c.Batch()
//	changed := b.Patch("a", client.Update{Status: edm.Value(int32(7))})
//	gone := b.Delete("b").After(changed)
//	if err := b.Send(ctx); err != nil {
//		return err
//	}
//	got, err := changed.Result()
type Batch struct {
	client *Client
	items  []*BatchItem
	sent   bool
}

// BatchItem is a request of a batch.
type BatchItem struct {
	request pfxapi.BatchRequest
	changes bool // it changes an object or creates one
	deletes bool
	got     *Versioned
	err     error
}

// ErrFailedDependency means that a request was not processed because one that it depends on failed; see [BatchItem.After].
var ErrFailedDependency error = sentinel(http.StatusFailedDependency)

// errNotSent is the error of a request whose batch was not sent.
var errNotSent = fmt.Errorf("%w: the batch was not sent", ErrInvalid)

// Batch returns an empty batch.
func (c *Client) Batch() *Batch { return &Batch{client: c} }

// Get adds the request of [Client.Get].
func (b *Batch) Get(id string, conditions ...Condition) *BatchItem {
	return b.add(id, conditions, func(cond condition) (*http.Request, error) {
		return pfxapi.NewGetPfxRecryptionRequestRequest(b.base(), id, &pfxapi.GetPfxRecryptionRequestParams{IfNoneMatch: cond.ifNoneMatch})
	})
}

// Patch adds the request of [Client.Patch].
func (b *Batch) Patch(id string, u Update, conditions ...Condition) *BatchItem {
	return b.add(id, conditions, func(cond condition) (*http.Request, error) {
		prefer := returnObject
		params := pfxapi.UpdatePfxRecryptionRequestParams{IfMatch: cond.ifMatch, IfNoneMatch: cond.ifNoneMatch, Prefer: &prefer}
		body := bytes.NewReader(pfxvalid.AppendPfxRecryptionRequestUpdate(nil, &u))
		r, err := pfxapi.NewUpdatePfxRecryptionRequestRequestWithBody(b.base(), id, &params, mediaType, body)
		return r, errors.Join(checkText(&u), err)
	})
}

// Delete adds the request of [Client.Delete]. The Versioned of its result is nil.
func (b *Batch) Delete(id string, conditions ...Condition) *BatchItem {
	item := b.add(id, conditions, func(cond condition) (*http.Request, error) {
		return pfxapi.NewDeletePfxRecryptionRequestRequest(b.base(), id, &pfxapi.DeletePfxRecryptionRequestParams{IfMatch: cond.ifMatch})
	})
	item.deletes = true
	return item
}

// After makes the request run after the others, which must be of the same batch, and only if they succeed. It returns the
// request.
func (i *BatchItem) After(others ...*BatchItem) *BatchItem {
	for _, other := range others {
		i.request.DependsOn = append(i.request.DependsOn, other.request.ID)
	}
	return i
}

// Result returns what the method of [Client] with the same name would return; call it after Send. The requests of a batch
// are not retried. You may resend one that was refused with [ErrThrottled] or [ErrUnavailable].
func (i *BatchItem) Result() (*Versioned, error) { return i.got, i.err }

func (b *Batch) base() string { return b.client.base.String() }

// add adds the request that build returns. Send returns the errors of build.
func (b *Batch) add(id string, conditions []Condition, build func(condition) (*http.Request, error)) *BatchItem {
	item := &BatchItem{err: errNotSent}
	item.request.ID = strconv.Itoa(len(b.items) + 1)
	b.items = append(b.items, item)
	cond, err := conditionOf(conditions)
	if err = errors.Join(err, checkID(id)); err == nil {
		var r *http.Request
		if r, err = build(cond); err == nil {
			err = item.take(r, b.client.base.Path)
		}
	}
	if err != nil {
		item.err = fmt.Errorf("request %s of the batch, for %q: %w", item.request.ID, id, err)
	}
	return item
}

// take converts r into a request of a batch.
func (i *BatchItem) take(r *http.Request, base string) (err error) {
	i.request.Method, i.request.URL, i.changes = r.Method, strings.TrimPrefix(r.URL.EscapedPath(), base), !safe(r)
	i.request.Headers = map[string]string{}
	for name := range r.Header {
		i.request.Headers[name] = r.Header.Get(name)
	}
	if r.Body != nil {
		i.request.Body, err = io.ReadAll(r.Body)
	}
	return err
}

// Send sends the batch. It returns an error only if the batch as a whole failed; otherwise each request has its own result.
// A batch that the server did not accept (429, 503) is retried. If the outcome is unknown, the batch and its requests have
// the error [ErrUnknownOutcome].
func (b *Batch) Send(ctx context.Context) error {
	if err := b.check(); err != nil {
		return fmt.Errorf("sending a batch: %w", err)
	}
	b.sent = true
	var result pfxapi.BatchResult
	if err := b.send(ctx, &result); err != nil {
		for _, item := range b.items {
			item.err = err
		}
		return fmt.Errorf("sending a batch: %w", err)
	}
	responses := map[string]*pfxapi.BatchResponse{}
	for i := range result.Responses {
		responses[result.Responses[i].ID] = &result.Responses[i]
	}
	for _, item := range b.items {
		item.settle(responses[item.request.ID])
	}
	return nil
}

func (b *Batch) check() error {
	if b.sent || len(b.items) < 1 || len(b.items) > MaxBatch {
		return fmt.Errorf("%w: a batch has 1 to %d requests and is sent once", ErrInvalid, MaxBatch)
	}
	for _, item := range b.items {
		if item.err != errNotSent { //nolint:errorlint // it is set in this file
			return item.err
		}
	}
	return nil
}

func (b *Batch) send(ctx context.Context, into *pfxapi.BatchResult) error {
	var whole pfxapi.Batch
	for _, item := range b.items {
		whole.Requests = append(whole.Requests, item.request)
	}
	name := uuid.NewString()
	r, err := pfxapi.NewSendBatchRequestWithBody(b.base(), &pfxapi.SendBatchParams{ClientRequestID: &name}, mediaType, bytes.NewReader(pfxvalid.AppendBatch(nil, &whole)))
	if err != nil {
		return err
	}
	call := call{Client: b.client, request: r, limit: b.client.limits.page, decode: func(a *response) error {
		if a.status != http.StatusOK || !a.isJSON() {
			return malformed("it is not a response to a batch: check the base URL")
		}
		return malformedBy(pfxvalid.DecodeBatchResult(a.body, into))
	}}
	return call.do(ctx)
}

// settle stores the result of the request.
func (i *BatchItem) settle(r *pfxapi.BatchResponse) {
	if i.err = i.read(r); i.err == nil {
		return
	}
	i.got = nil
	if e, ok := errors.AsType[*Error](i.err); i.changes && (!ok || unknown(e.Status)) && !errors.Is(i.err, ErrApplied) {
		i.err = fmt.Errorf("%w: %w", ErrUnknownOutcome, i.err)
	}
}

func (i *BatchItem) read(r *pfxapi.BatchResponse) error {
	if r == nil {
		return malformed("the batch has no response to the request")
	}
	a := &response{status: int(r.Status), header: http.Header{}, body: r.Body}
	for name, value := range r.Headers {
		a.header.Set(name, value)
	}
	switch {
	case a.status < 200 || a.status > 299:
		return newError(a)
	case i.deletes:
		return decodeNothing(a)
	case a.status == http.StatusNoContent && i.changes:
		return ErrApplied
	}
	i.got = new(Versioned)
	return i.got.decode(a)
}
