package compat

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	abstractions "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoft/kiota-abstractions-go/serialization"
	kiotahttp "github.com/microsoft/kiota-http-go"
	jsonserialization "github.com/microsoft/kiota-serialization-json-go"
	graphcore "github.com/microsoftgraph/msgraph-sdk-go-core"
)

// graphGo is Microsoft's Go stack with its default middleware and ownBody.
type graphGo struct {
	adapter *graphcore.GraphRequestAdapterBase
}

func newGraphGo(t *testing.T, baseURL, token string) caller {
	serialization.DefaultParseNodeFactoryInstance.Lock()
	serialization.DefaultParseNodeFactoryInstance.ContentTypeAssociatedFactories["application/json"] = jsonserialization.NewJsonParseNodeFactory()
	serialization.DefaultParseNodeFactoryInstance.Unlock()
	serialization.DefaultSerializationWriterFactoryInstance.Lock()
	serialization.DefaultSerializationWriterFactoryInstance.ContentTypeAssociatedFactories["application/json"] = jsonserialization.NewJsonSerializationWriterFactory()
	serialization.DefaultSerializationWriterFactoryInstance.Unlock()
	options := graphcore.GraphClientOptions{}
	h := graphcore.GetDefaultClient(&options, append(graphcore.GetDefaultMiddlewaresWithOptions(&options), ownBody{})...)
	t.Cleanup(h.CloseIdleConnections)
	adapter, err := graphcore.NewGraphRequestAdapterBaseWithParseNodeFactoryAndSerializationWriterFactoryAndHttpClient(bearer(token), options, nil, nil, h)
	if err != nil {
		t.Fatal(err)
	}
	adapter.SetBaseUrl(baseURL)
	return &graphGo{adapter}
}

// ownBody gives each try its own body. kiota-http-go 1.5.4 rewinds the shared one before it waits for a retry. net/http
// may still read it to the end for the first try, which leaves nothing for the second.
type ownBody struct{}

func (ownBody) Intercept(next kiotahttp.Pipeline, at int, r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		return next.Next(r, at)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	attempt := r.WithContext(r.Context())
	attempt.Body = io.NopCloser(bytes.NewReader(body))
	return next.Next(attempt, at)
}

// bearer sends a token even over plain http, which Microsoft's own providers refuse.
type bearer string

func (b bearer) AuthenticateRequest(_ context.Context, r *abstractions.RequestInformation, _ map[string]any) error {
	r.Headers.Add("Authorization", "Bearer "+string(b))
	return nil
}

func (g *graphGo) get(ctx context.Context, id string) outcome {
	return g.call(ctx, g.request(abstractions.GET, id))
}

func (g *graphGo) patch(ctx context.Context, id, body, ifMatch string) outcome {
	r := g.request(abstractions.PATCH, id)
	r.SetStreamContentAndContentType([]byte(body), "application/json")
	if ifMatch != "" {
		r.Headers.Add("If-Match", ifMatch)
	}
	return g.call(ctx, r)
}

func (g *graphGo) request(method abstractions.HttpMethod, id string) *abstractions.RequestInformation {
	r := abstractions.NewRequestInformationWithMethodAndUrlTemplateAndPathParameters(method,
		"{+baseurl}/pfxRecryptionRequests/{id}", map[string]string{"id": id})
	r.Headers.Add("Accept", "application/json")
	return r
}

func (g *graphGo) call(ctx context.Context, r *abstractions.RequestInformation) outcome {
	inspect := kiotahttp.NewHeadersInspectionOptions()
	inspect.InspectResponseHeaders = true
	r.AddRequestOptions([]abstractions.RequestOption{inspect})
	body, err := g.adapter.SendPrimitive(ctx, r, "[]byte", abstractions.ErrorMappings{"XXX": newGraphError})
	if e, ok := errors.AsType[*graphError](err); ok {
		return outcome{Status: e.GetStatusCode(), Code: e.code, Message: e.message, Targets: e.targets}
	}
	if err != nil {
		return outcome{Unknown: true, Message: err.Error()}
	}
	object, ok := body.([]byte)
	if !ok {
		return outcome{Unknown: true, Message: "a success without a body"}
	}
	return success(first(inspect.GetResponseHeaders().Get("ETag")), object)
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// graphError corresponds to ODataError of a generated SDK.
type graphError struct {
	abstractions.ApiError
	code, message string
	targets       []string
}

func newGraphError(serialization.ParseNode) (serialization.Parsable, error) {
	return &graphError{ApiError: *abstractions.NewApiError()}, nil
}

func (e *graphError) Serialize(serialization.SerializationWriter) error { return nil }

func (e *graphError) GetFieldDeserializers() map[string]func(serialization.ParseNode) error {
	return map[string]func(serialization.ParseNode) error{
		"error": func(n serialization.ParseNode) error {
			_, err := n.GetObjectValue(func(serialization.ParseNode) (serialization.Parsable, error) { return (*mainError)(e), nil })
			return err
		},
	}
}

// mainError reads the member error of a graphError.
type mainError graphError

func (e *mainError) Serialize(serialization.SerializationWriter) error { return nil }

func (e *mainError) GetFieldDeserializers() map[string]func(serialization.ParseNode) error {
	return map[string]func(serialization.ParseNode) error{
		"code":    text(&e.code),
		"message": text(&e.message),
		"details": func(n serialization.ParseNode) error {
			details, err := n.GetCollectionOfObjectValues(func(serialization.ParseNode) (serialization.Parsable, error) { return &detail{}, nil })
			for _, d := range details {
				e.targets = append(e.targets, d.(*detail).target)
			}
			return err
		},
	}
}

type detail struct{ target string }

func (d *detail) Serialize(serialization.SerializationWriter) error { return nil }

func (d *detail) GetFieldDeserializers() map[string]func(serialization.ParseNode) error {
	return map[string]func(serialization.ParseNode) error{"target": text(&d.target)}
}

func text(into *string) func(serialization.ParseNode) error {
	return func(n serialization.ParseNode) error {
		s, err := n.GetStringValue()
		if s != nil {
			*into = *s
		}
		return err
	}
}
