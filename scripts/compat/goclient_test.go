package compat

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/pfxrecryption/pfxrecryption/client"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
)

type goClient struct{ *client.Client }

func newGoClient(t *testing.T, baseURL, token string) caller {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	c, err := client.New(baseURL, client.WithToken(token), client.WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		t.Fatal(err)
	}
	return goClient{c}
}

func (c goClient) get(ctx context.Context, id string) outcome { return c.outcome(c.Get(ctx, id)) }

func (c goClient) patch(ctx context.Context, id, body, ifMatch string) outcome {
	var u client.Update
	if faults := pfxvalid.DecodePfxRecryptionRequestUpdate([]byte(body), &u); faults != nil {
		return c.raw(ctx, id, body) // the client's types cannot represent it
	}
	var conditions []client.Condition
	if ifMatch != "" {
		conditions = append(conditions, client.IfMatch(ifMatch))
	}
	return c.outcome(c.Patch(ctx, id, u, conditions...))
}

// raw sends an invalid time, the only fault that the client's types allow.
func (c goClient) raw(ctx context.Context, id, _ string) outcome {
	bad := client.Update{}
	bad.CreatedTime = bad.CreatedTime.Or(emptyTime)
	return c.outcome(c.Patch(ctx, id, bad))
}

func (goClient) outcome(v *client.Versioned, err error) outcome {
	if err == nil {
		return success(v.Tag, pfxvalid.AppendPfxRecryptionRequest(nil, &v.Request))
	}
	e, ok := errors.AsType[*client.Error](err)
	if !ok || errors.Is(err, client.ErrUnknownOutcome) {
		return outcome{Unknown: true, Message: err.Error()}
	}
	o := outcome{Status: e.Status, Code: e.Code, Message: e.Message}
	for _, d := range e.Details {
		o.Targets = append(o.Targets, d.Target)
	}
	return o
}

// make makes a call and names the kind of its error.
func (c goClient) make(ctx context.Context, call call) outcome {
	var conditions []client.Condition
	if call.IfMatch != "" {
		conditions = append(conditions, client.IfMatch(call.IfMatch))
	}
	var o outcome
	var err error
	switch call.Op {
	case "list":
		o, err = c.list(ctx, call)
	case "delete":
		err = c.Delete(ctx, call.ID, conditions...)
	default:
		var v *client.Versioned
		if v, err = c.object(ctx, call, conditions); err == nil {
			o = success(v.Tag, pfxvalid.AppendPfxRecryptionRequest(nil, &v.Request))
		}
	}
	if err != nil {
		o = c.outcome(nil, err)
	}
	o.Kind = kindOf(err)
	return o
}

func (c goClient) list(ctx context.Context, call call) (o outcome, err error) {
	q := client.Query{Filter: call.Filter, Select: call.Select, PageSize: call.Top}
	if call.Select == nil {
		for r, err := range c.List(ctx, q) {
			if err != nil {
				return o, err
			}
			o.List = append(o.List, r.ID)
		}
		return o, nil
	}
	for s, err := range c.Select(ctx, q) {
		if err != nil {
			return o, err
		}
		o.List = append(o.List, s)
	}
	return o, nil
}

func (c goClient) object(ctx context.Context, call call, conditions []client.Condition) (*client.Versioned, error) {
	var u client.Update
	var n client.Create
	if call.Body != nil && (pfxvalid.DecodePfxRecryptionRequestUpdate(call.Body, &u) != nil ||
		call.Op == "create" && pfxvalid.DecodePfxRecryptionRequestCreate(call.Body, &n) != nil) {
		return nil, errors.New("the body of the call is malformed")
	}
	switch call.Op {
	case "get":
		return c.Get(ctx, call.ID)
	case "create":
		return c.Create(ctx, n)
	case "upsert":
		return c.Upsert(ctx, call.ID, u)
	case "patch":
		return c.Patch(ctx, call.ID, u, conditions...)
	}
	var all errgroup.Group
	for range max(1, call.Workers) {
		all.Go(func() error { return c.countUp(ctx, call) })
	}
	if err := all.Wait(); err != nil {
		return nil, err
	}
	return c.Get(ctx, call.ID)
}

func (c goClient) countUp(ctx context.Context, call call) error {
	for range call.Times {
		if _, err := c.Update(ctx, call.ID, func(r *client.Request) error { r.Status++; return nil }); err != nil {
			return err
		}
	}
	return nil
}

func kindOf(err error) string {
	if err == nil {
		return "ok"
	}
	for _, known := range []struct {
		err  error
		kind string
	}{
		{client.ErrUnknownOutcome, "unknown"}, {client.ErrApplied, "applied"}, {client.ErrNoTag, "noTag"}, {client.ErrMalformed, "malformed"},
		{client.ErrNoAPI, "noAPI"}, {client.ErrNotFound, "notFound"}, {client.ErrInvalid, "invalid"}, {client.ErrUnauthorized, "unauthorized"},
		{client.ErrForbidden, "forbidden"}, {client.ErrPreconditionFailed, "preconditionFailed"},
		{client.ErrPreconditionRequired, "preconditionRequired"}, {client.ErrThrottled, "throttled"}, {client.ErrUnavailable, "unavailable"},
	} {
		if errors.Is(err, known.err) {
			return known.kind
		}
	}
	if _, ok := errors.AsType[*client.Error](err); ok {
		return "other"
	}
	return "failed"
}
