package compat

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	abstractions "github.com/microsoft/kiota-abstractions-go"
	graphcore "github.com/microsoftgraph/msgraph-sdk-go-core"

	"github.com/pfxrecryption/pfxrecryption/client"
	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/pfxtest"
)

// batcher is a client that sends a batch of four requests, each after the previous one: change an object's thumbprint,
// read the object, read a missing object, read the object again. It returns the statuses in this order, and the
// thumbprint from the second request.
type batcher interface {
	batch(ctx context.Context, id string) (statuses []int, read string, err error)
}

// TestBatches: the batch classes of Microsoft's clients and ours get the same responses as single calls, from the
// server and through the gateway.
func TestBatches(t *testing.T) {
	t.Parallel()
	batchers := map[string]func(t *testing.T, baseURL, token string) batcher{
		"goClient": func(t *testing.T, baseURL, token string) batcher { return newGoClient(t, baseURL, token).(batcher) },
		"graphGo":  func(t *testing.T, baseURL, token string) batcher { return newGraphGo(t, baseURL, token).(batcher) },
		"graphJS":  func(t *testing.T, baseURL, token string) batcher { return newNode(t, "graph", baseURL, token) },
	}
	var keys []string
	for name := range batchers {
		keys = append(keys, name, name+"-gateway")
	}
	server := pfxtest.Start(t, pfxtest.Config{Seed: seed(t, keys...)})
	ways := map[string]string{"": server.URL, "-gateway": startGateway(t, server)}
	for name, connect := range batchers {
		for way, url := range ways {
			t.Run(name+way, func(t *testing.T) {
				t.Parallel()
				statuses, read, err := connect(t, url, server.Token(t, pfxtest.Grant{})).batch(t.Context(), name+way)
				want := []int{http.StatusOK, http.StatusOK, http.StatusNotFound, http.StatusFailedDependency}
				if err != nil || !slices.Equal(statuses, want) || read != "new" {
					t.Errorf("got %v and the thumbprint %q, %v, want %v and new", statuses, read, err, want)
				}
			})
		}
	}
}

func (c goClient) batch(ctx context.Context, id string) (statuses []int, read string, err error) {
	b := c.Batch()
	items := []*client.BatchItem{b.Patch(id, client.Update{Thumbprint: edm.Value("new")}), b.Get(id), b.Get("nothing"), b.Get(id)}
	for i, item := range items[1:] {
		item.After(items[i])
	}
	if err := b.Send(ctx); err != nil {
		return nil, "", err
	}
	for i, item := range items {
		got, err := item.Result()
		status := http.StatusOK
		if e, ok := errors.AsType[*client.Error](err); ok {
			status = e.Status
		}
		if i == 1 && got != nil {
			read, _ = got.Thumbprint.Get()
		}
		statuses = append(statuses, status)
	}
	return statuses, read, nil
}

func (g *graphGo) batch(ctx context.Context, id string) (statuses []int, read string, err error) {
	update := g.request(abstractions.PATCH, id)
	update.SetStreamContentAndContentType([]byte(`{"thumbprint":"new"}`), "application/json")
	b := graphcore.NewBatchRequest(g.adapter)
	var items []graphcore.BatchItem
	for i, r := range []*abstractions.RequestInformation{update, g.request(abstractions.GET, id), g.request(abstractions.GET, "nothing"), g.request(abstractions.GET, id)} {
		item, err := b.AddBatchRequestStep(*r)
		if err != nil {
			return nil, "", err
		}
		if i > 0 {
			item.DependsOnItem(items[i-1])
		}
		items = append(items, item)
	}
	got, err := b.Send(ctx, g.adapter)
	if err != nil {
		return nil, "", err
	}
	for i, item := range items {
		response := got.GetResponseById(*item.GetId())
		if i == 1 {
			read = *response.GetBody()["thumbprint"].(*string) // a number would be nil: msgraph-sdk-go-core 1.4.0 loses it
		}
		statuses = append(statuses, int(*response.GetStatus()))
	}
	return statuses, read, nil
}

func (s *script) batch(ctx context.Context, id string) (statuses []int, read string, err error) {
	got := s.make(ctx, call{Op: "batch", ID: id})
	if got.Message != "" {
		return nil, "", errors.New(strings.TrimSpace(got.Message))
	}
	for _, status := range got.List {
		statuses = append(statuses, int(status.(float64)))
	}
	read, _ = got.Body["thumbprint"].(string)
	return statuses, read, nil
}
