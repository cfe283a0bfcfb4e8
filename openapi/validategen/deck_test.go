package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/labstack/echo/v4"

	"github.com/pfxrecryption/pfxrecryption/openapi/validategen/testdata/deck/chideck"
	"github.com/pfxrecryption/pfxrecryption/openapi/validategen/testdata/deck/chihandler"
	"github.com/pfxrecryption/pfxrecryption/openapi/validategen/testdata/deck/echodeck"
	"github.com/pfxrecryption/pfxrecryption/openapi/validategen/testdata/deck/echohandler"
	"github.com/pfxrecryption/pfxrecryption/openapi/validategen/testdata/deck/stdhttpdeck"
	"github.com/pfxrecryption/pfxrecryption/openapi/validategen/testdata/deck/stdhttphandler"
	"github.com/pfxrecryption/pfxrecryption/server/strict"
	"github.com/pfxrecryption/pfxrecryption/server/strict/strictchi"
	"github.com/pfxrecryption/pfxrecryption/server/strict/strictecho"
)

// shown is the response of each operation: the request object that its handler got.
type shown struct{ request any }

func (s shown) VisitListCardsResponse(w http.ResponseWriter) error  { return show(w, s.request) }
func (s shown) VisitCreateCardResponse(w http.ResponseWriter) error { return show(w, s.request) }
func (s shown) VisitGetCardsResponse(w http.ResponseWriter) error   { return show(w, s.request) }
func (s shown) VisitPatchFaceResponse(w http.ResponseWriter) error  { return show(w, s.request) }
func (s shown) VisitUploadFaceResponse(w http.ResponseWriter) error { return show(w, s.request) }
func (s shown) VisitNoteFaceResponse(w http.ResponseWriter) error   { return show(w, s.request) }

type chiCards struct{}

func (chiCards) ListCards(_ context.Context, r chideck.ListCardsRequestObject) (chideck.ListCardsResponseObject, error) {
	return shown{r}, nil
}

func (chiCards) CreateCard(_ context.Context, r chideck.CreateCardRequestObject) (chideck.CreateCardResponseObject, error) {
	return shown{r}, nil
}

func (chiCards) GetCards(_ context.Context, r chideck.GetCardsRequestObject) (chideck.GetCardsResponseObject, error) {
	return shown{r}, nil
}

func (chiCards) PatchFace(_ context.Context, r chideck.PatchFaceRequestObject) (chideck.PatchFaceResponseObject, error) {
	return shown{r}, nil
}

func (chiCards) UploadFace(_ context.Context, r chideck.UploadFaceRequestObject) (chideck.UploadFaceResponseObject, error) {
	return shown{r}, nil
}

func (chiCards) NoteFace(_ context.Context, r chideck.NoteFaceRequestObject) (chideck.NoteFaceResponseObject, error) {
	return shown{r}, nil
}

type echoCards struct{}

func (echoCards) ListCards(_ context.Context, r echodeck.ListCardsRequestObject) (echodeck.ListCardsResponseObject, error) {
	return shown{r}, nil
}

func (echoCards) CreateCard(_ context.Context, r echodeck.CreateCardRequestObject) (echodeck.CreateCardResponseObject, error) {
	return shown{r}, nil
}

func (echoCards) GetCards(_ context.Context, r echodeck.GetCardsRequestObject) (echodeck.GetCardsResponseObject, error) {
	return shown{r}, nil
}

func (echoCards) PatchFace(_ context.Context, r echodeck.PatchFaceRequestObject) (echodeck.PatchFaceResponseObject, error) {
	return shown{r}, nil
}

func (echoCards) UploadFace(_ context.Context, r echodeck.UploadFaceRequestObject) (echodeck.UploadFaceResponseObject, error) {
	return shown{r}, nil
}

func (echoCards) NoteFace(_ context.Context, r echodeck.NoteFaceRequestObject) (echodeck.NoteFaceResponseObject, error) {
	return shown{r}, nil
}

type stdhttpCards struct{}

func (stdhttpCards) ListCards(_ context.Context, r stdhttpdeck.ListCardsRequestObject) (stdhttpdeck.ListCardsResponseObject, error) {
	return shown{r}, nil
}

func (stdhttpCards) CreateCard(_ context.Context, r stdhttpdeck.CreateCardRequestObject) (stdhttpdeck.CreateCardResponseObject, error) {
	return shown{r}, nil
}

func (stdhttpCards) GetCards(_ context.Context, r stdhttpdeck.GetCardsRequestObject) (stdhttpdeck.GetCardsResponseObject, error) {
	return shown{r}, nil
}

func (stdhttpCards) PatchFace(_ context.Context, r stdhttpdeck.PatchFaceRequestObject) (stdhttpdeck.PatchFaceResponseObject, error) {
	return shown{r}, nil
}

func (stdhttpCards) UploadFace(_ context.Context, r stdhttpdeck.UploadFaceRequestObject) (stdhttpdeck.UploadFaceResponseObject, error) {
	return shown{r}, nil
}

func (stdhttpCards) NoteFace(_ context.Context, r stdhttpdeck.NoteFaceRequestObject) (stdhttpdeck.NoteFaceResponseObject, error) {
	return shown{r}, nil
}

// deckServers returns, by framework, a handler behind that framework for the interface from stock oapi-codegen. Each
// responds with its handler's input, or with the faults.
func deckServers(t *testing.T) map[string]http.Handler {
	config := strict.Config{BasePath: "/v1", Form: func(buf []byte, _ *strict.Exchange, p *strict.Problem) ([]byte, string) {
		return append(buf, faultsOf(p)...), "text/plain"
	}}
	std, err := stdhttphandler.New(stdhttpCards{}, config)
	onChi, chiErr := chihandler.New(chiCards{}, config)
	onEcho, echoErr := echohandler.New(echoCards{}, config)
	if err := errors.Join(err, chiErr, echoErr); err != nil {
		t.Fatal(err)
	}
	router, e := chi.NewRouter(), echo.New()
	strictchi.Mount(router, onChi)
	strictecho.Mount(e, onEcho)
	return map[string]http.Handler{"std-http": std, "chi": router, "echo": e}
}

// faultsOf returns the faults of a problem in the form of faultsText.
func faultsOf(p *strict.Problem) string {
	var all []string
	for _, f := range p.Faults {
		place := f.Pointer
		if f.In != "" {
			place = f.In + ":" + f.Name
		}
		all = append(all, strings.TrimSpace(f.Keyword+" "+place))
	}
	if p.Status != http.StatusBadRequest {
		return ""
	}
	return strings.Join(all, ",")
}

// show writes the fields of the request that are not nil.
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

// TestStrictServers sends requests to the strict servers of the frameworks: a handler gets exactly the checked values,
// and no invalid request reaches it.
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
		want                                    string // the handler's input as JSON, or the faults
	}{
		{"no parameters", "GET", "/v1/cards", "", "", nil, 200, `{"Params":{}}`},
		{"all parameters", "GET", "/v1/cards?tag=a%2Cb&tag=c,d&filter[min]=3&filter[text]=12&top=1e1", "", "", http.Header{"X-Ids": {"1, 2", "9007199254740993"}, "Cookie": {"session=a%20b"}}, 200,
			`{"Params":{"tag":["a,b","c,d"],"filter":{"min":3,"text":"12"},"top":10,"X-Ids":[1,2,9007199254740993],"session":"a b"}}`},
		{"invalid parameters", "GET", "/v1/cards?tag=&filter[min]=x&top=100&Top=1", "", "", http.Header{"X-Ids": {"1,x"}, "Cookie": {"session=ab"}}, 400,
			"additionalProperties query:Top,minLength query:tag,type query:filter,maximum query:top,type header:X-Ids,minLength header:Cookie"},
		{"list in the path", "GET", "/v1/cards/a%2Cb,c%20d,%2525", "", "", nil, 200, `{"Ids":["a,b","c d","%25"]}`},
		{"list in the path that is too long", "GET", "/v1/cards/a,b,c,d", "", "", nil, 400, "maxItems path:ids"},
		{"slash in a segment", "GET", "/v1/cards/a%2Fb", "", "", nil, 200, `{"Ids":["a/b"]}`},
		{"create", "POST", "/v1/cards", "application/json", `{"title":"é","note":null,"count":7.0}`, nil, 200, `{"JSONBody":{"title":"é","note":null,"count":7}}`},
		{"create with a name in another case", "POST", "/v1/cards", "application/json", `{"Title":"a"}`, nil, 400, "additionalProperties /Title,required /title"},
		{"create with a duplicate name", "POST", "/v1/cards", "application/json; charset=utf-8", `{"title":"a","title":"b"}`, nil, 400, "malformed"},
		{"create without a body", "POST", "/v1/cards", "", "", nil, 415, ""},
		{"create in another charset", "POST", "/v1/cards", "application/json; charset=utf-16", `{"title":"a"}`, nil, 415, ""},
		{"create in XML", "POST", "/v1/cards", "application/xml", "<a/>", nil, 415, ""},
		{"form", "POST", "/v1/cards", "application/x-www-form-urlencoded", "title=a+%26&stars=1&stars=2&gold=true", nil, 200, `{"FormdataBody":{"title":"a &","stars":[1,2],"gold":true}}`},
		{"invalid form", "POST", "/v1/cards", "application/x-www-form-urlencoded", "title=123456&stars=x&gold=1", nil, 400, "maxLength /title,type /stars/0,type /gold"},
		{"repeated member of a form", "POST", "/v1/cards", "application/x-www-form-urlencoded", "title=a&title=b", nil, 400, "repeated /title"},
		{"merge patch", "PATCH", "/v1/cards/" + id + "/.7/face", "application/merge-patch+json", `{"note":null}`, nil, 200, `{"Id":"` + id + `","Side":7,"Body":{"note":null}}`},
		{"empty merge patch", "PATCH", "/v1/cards/" + id + "/.7/face", "application/merge-patch+json", `{}`, nil, 200, `{"Id":"` + id + `","Side":7,"Body":{}}`},
		{"no merge patch", "PATCH", "/v1/cards/" + id + "/.7/face", "", "", nil, 200, `{"Id":"` + id + `","Side":7}`},
		{"invalid path", "PATCH", "/v1/cards/" + id + "x/7/face", "application/merge-patch+json", `{"note":null}`, nil, 400, "format path:id,type path:side"},
		{"invalid merge patch", "PATCH", "/v1/cards/" + id + "/.7/face", "application/merge-patch+json", `{"title":null}`, nil, 400, "type /title"},
		{"upload", "PUT", "/v1/cards/" + id + "/.7/face", parts, upload("\x00\xff\r\n", "a"), nil, 200, `{"Id":"` + id + `","Side":7,"Body":{"image":"\u0000\ufffd\r\n","title":"a"}}`},
		{"upload that is too large", "PUT", "/v1/cards/" + id + "/.7/face", parts, upload("123456789", "123456"), nil, 400, "maxLength /image,maxLength /title"},
		{"text", "POST", "/v1/cards/" + id + "/.7/face", "text/plain", "é", nil, 200, `{"Id":"` + id + `","Side":7,"Body":"é"}`},
		{"text that is too long", "POST", "/v1/cards/" + id + "/.7/face", "text/plain", "123456", nil, 400, "maxLength "},
	}
	for name, handler := range deckServers(t) {
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
