package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/labstack/echo/v4"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/openapi/validategen/testdata/deck/chideck"
	"github.com/pfxrecryption/pfxrecryption/openapi/validategen/testdata/deck/echodeck"
	"github.com/pfxrecryption/pfxrecryption/openapi/validategen/testdata/deck/stdhttpdeck"
)

// deckServers are the strict servers that the templates of this package make. Each responds with what its handler gets, or
// with the faults.
func deckServers() map[string]http.Handler {
	refuse := func(w http.ResponseWriter, status int, faults *validate.Faults) {
		w.WriteHeader(status)
		fmt.Fprint(w, faultsText(faults))
	}
	mux := http.NewServeMux()
	std := func(w http.ResponseWriter, _ *http.Request, err error) {
		if e, ok := errors.AsType[*stdhttpdeck.RequestError](err); ok {
			refuse(w, e.Status, e.Faults)
		}
	}
	stdhttpdeck.HandlerWithOptions(stdhttpdeck.NewStrictHandlerWithOptions(nil, []stdhttpdeck.StrictMiddlewareFunc{
		func(stdhttpdeck.StrictHandlerFunc, string) stdhttpdeck.StrictHandlerFunc {
			return func(_ context.Context, w http.ResponseWriter, _ *http.Request, request any) (any, error) {
				return nil, show(w, request)
			}
		},
	}, stdhttpdeck.StrictHTTPServerOptions{RequestErrorHandlerFunc: std}), stdhttpdeck.StdHTTPServerOptions{BaseURL: "/v1", BaseRouter: mux, ErrorHandlerFunc: std})

	router := chi.NewRouter()
	onChi := func(w http.ResponseWriter, _ *http.Request, err error) {
		if e, ok := errors.AsType[*chideck.RequestError](err); ok {
			refuse(w, e.Status, e.Faults)
		}
	}
	chideck.HandlerWithOptions(chideck.NewStrictHandlerWithOptions(nil, []chideck.StrictMiddlewareFunc{
		func(chideck.StrictHandlerFunc, string) chideck.StrictHandlerFunc {
			return func(_ context.Context, w http.ResponseWriter, _ *http.Request, request any) (any, error) {
				return nil, show(w, request)
			}
		},
	}, chideck.StrictHTTPServerOptions{RequestErrorHandlerFunc: onChi}), chideck.ChiServerOptions{BaseURL: "/v1", BaseRouter: router, ErrorHandlerFunc: onChi})

	e := echo.New()
	e.HTTPErrorHandler = func(err error, ctx echo.Context) {
		if e, ok := errors.AsType[*echodeck.RequestError](err); ok {
			refuse(ctx.Response(), e.Status, e.Faults)
		}
	}
	echodeck.RegisterHandlersWithBaseURL(e, echodeck.NewStrictHandler(nil, []echodeck.StrictMiddlewareFunc{
		func(echodeck.StrictHandlerFunc, string) echodeck.StrictHandlerFunc {
			return func(ctx echo.Context, request any) (any, error) { return nil, show(ctx.Response(), request) }
		},
	}), "/v1")
	return map[string]http.Handler{"std-http": mux, "chi": router, "echo": e}
}

// show writes what a handler gets: the fields of the request that are not nil.
func show(w io.Writer, request any) error {
	v := reflect.ValueOf(request)
	fields := map[string]any{}
	for i := range v.NumField() {
		field := v.Field(i)
		if field.Kind() == reflect.Pointer && field.IsNil() {
			continue
		}
		value := field.Interface()
		if parts, ok := value.(*multipart.Reader); ok {
			value = partsOf(parts)
		}
		fields[v.Type().Field(i).Name] = value
	}
	return json.NewEncoder(w).Encode(fields)
}

func partsOf(r *multipart.Reader) map[string]string {
	parts := map[string]string{}
	for {
		part, err := r.NextRawPart()
		if err != nil {
			return parts
		}
		data, _ := io.ReadAll(part)
		parts[part.FormName()] = string(data)
	}
}

// TestStrictServers sends requests to the strict servers of the frameworks: a handler gets exactly what was checked, and what
// is invalid does not reach it.
func TestStrictServers(t *testing.T) {
	t.Parallel()
	const (
		id    = "6de0af45-af45-6de0-45af-e06d45afe06d"
		parts = "multipart/form-data; boundary=b"
	)
	part := func(name, text string) string {
		return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + text + "\r\n"
	}
	upload := func(image, title string) string { return part("image", image) + part("title", title) + "--b--\r\n" }
	tests := []struct {
		name, method, target, contentType, body string
		header                                  http.Header
		status                                  int
		want                                    string // what the handler gets as JSON, or the faults
	}{
		{"no parameters", "GET", "/v1/cards", "", "", nil, 200, `{"Params":{}}`},
		{"all parameters", "GET", "/v1/cards?tag=a%2Cb&tag=c,d&filter[min]=3&filter[text]=12&top=1e1", "", "", http.Header{"X-Ids": {"1, 2", "9007199254740993"}, "Cookie": {"session=a%20b"}}, 200,
			`{"Params":{"tag":["a,b","c,d"],"filter":{"min":3,"text":"12"},"top":10,"X-Ids":[1,2,9007199254740993],"session":"a b"}}`},
		{"invalid parameters", "GET", "/v1/cards?tag=&filter[min]=x&top=100&Top=1", "", "", http.Header{"X-Ids": {"1,x"}, "Cookie": {"session=ab"}}, 400,
			"additionalProperties query:Top,minLength query:tag,type query:filter,maximum query:top,type header:X-Ids,minLength header:Cookie"},
		{"list in the path", "GET", "/v1/cards/a%2Cb,c%20d,%2525", "", "", nil, 200, `{"Ids":["a,b","c d","%25"]}`},
		{"too long a list in the path", "GET", "/v1/cards/a,b,c,d", "", "", nil, 400, "maxItems path:ids"},
		{"slash in a segment", "GET", "/v1/cards/a%2Fb", "", "", nil, 200, `{"Ids":["a/b"]}`},
		{"create", "POST", "/v1/cards", "application/json", `{"title":"é","note":null,"count":7.0}`, nil, 200, `{"JSONBody":{"title":"é","note":null,"count":7}}`},
		{"create by another case of a name", "POST", "/v1/cards", "application/json", `{"Title":"a"}`, nil, 400, "additionalProperties /Title,required /title"},
		{"create with a name twice", "POST", "/v1/cards", "application/json; charset=utf-8", `{"title":"a","title":"b"}`, nil, 400, "malformed"},
		{"create without a body", "POST", "/v1/cards", "", "", nil, 415, ""},
		{"create in another charset", "POST", "/v1/cards", "application/json; charset=utf-16", `{"title":"a"}`, nil, 415, ""},
		{"create in XML", "POST", "/v1/cards", "application/xml", "<a/>", nil, 415, ""},
		{"form", "POST", "/v1/cards", "application/x-www-form-urlencoded", "title=a+%26&stars=1&stars=2&gold=true", nil, 200, `{"FormdataBody":{"title":"a &","stars":[1,2],"gold":true}}`},
		{"invalid form", "POST", "/v1/cards", "application/x-www-form-urlencoded", "title=123456&stars=x&gold=1", nil, 400, "maxLength /title,type /stars/0,type /gold"},
		{"repeated member of a form", "POST", "/v1/cards", "application/x-www-form-urlencoded", "title=a&title=b", nil, 400, "repeated /title"},
		{"merge patch", "PATCH", "/v1/cards/" + id + "/.7/face", "application/merge-patch+json", `{"note":null}`, nil, 200, `{"Id":"` + id + `","Side":7,"Body":{"note":null}}`},
		{"merge patch of nothing", "PATCH", "/v1/cards/" + id + "/.7/face", "application/merge-patch+json", `{}`, nil, 200, `{"Id":"` + id + `","Side":7,"Body":{}}`},
		{"no merge patch", "PATCH", "/v1/cards/" + id + "/.7/face", "", "", nil, 200, `{"Id":"` + id + `","Side":7}`},
		{"invalid path", "PATCH", "/v1/cards/" + id + "x/7/face", "application/merge-patch+json", `{"note":null}`, nil, 400, "format path:id,type path:side"},
		{"invalid merge patch", "PATCH", "/v1/cards/" + id + "/.7/face", "application/merge-patch+json", `{"title":null}`, nil, 400, "type /title"},
		{"upload", "PUT", "/v1/cards/" + id + "/.7/face", parts, upload("\x00\xff\r\n", "a"), nil, 200, `{"Id":"` + id + `","Side":7,"Body":{"image":"\u0000\ufffd\r\n","title":"a"}}`},
		{"too large an upload", "PUT", "/v1/cards/" + id + "/.7/face", parts, upload("123456789", "123456"), nil, 400, "maxLength /image,maxLength /title"},
		{"text", "POST", "/v1/cards/" + id + "/.7/face", "text/plain", "é", nil, 200, `{"Id":"` + id + `","Side":7,"Body":"é"}`},
		{"too long a text", "POST", "/v1/cards/" + id + "/.7/face", "text/plain", "123456", nil, 400, "maxLength "},
	}
	for name, handler := range deckServers() {
		server := httptest.NewServer(handler)
		t.Cleanup(server.Close)
		for _, tt := range tests {
			t.Run(name+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				r, err := http.NewRequestWithContext(t.Context(), tt.method, server.URL+tt.target, bytes.NewReader([]byte(tt.body)))
				if err != nil {
					t.Fatal(err)
				}
				for name, lines := range tt.header {
					r.Header[name] = lines
				}
				if tt.contentType != "" {
					r.Header.Set("Content-Type", tt.contentType)
				}
				response, err := server.Client().Do(r)
				if err != nil {
					t.Fatal(err)
				}
				defer response.Body.Close()
				got, err := io.ReadAll(response.Body)
				if err != nil {
					t.Fatal(err)
				}
				if response.StatusCode != tt.status || sorted(t, strings.TrimSpace(string(got))) != sorted(t, strings.TrimSpace(tt.want)) {
					t.Errorf("got %d %s, want %d %s", response.StatusCode, got, tt.status, tt.want)
				}
			})
		}
	}
}
