package compat

import (
	"context"
	"errors"
	"net/http"
	"testing"

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
		return c.raw(ctx, id, body) // what the client's types cannot say
	}
	var conditions []client.Condition
	if ifMatch != "" {
		conditions = append(conditions, client.IfMatch(ifMatch))
	}
	return c.outcome(c.Patch(ctx, id, u, conditions...))
}

// raw sends a time that is none: the one fault that the client's types let through.
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
