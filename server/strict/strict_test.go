package strict_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/labstack/echo/v4"
	"go.uber.org/goleak"

	"github.com/pfxrecryption/pfxrecryption/server/strict"
	"github.com/pfxrecryption/pfxrecryption/server/strict/strictchi"
	"github.com/pfxrecryption/pfxrecryption/server/strict/strictecho"
	"github.com/pfxrecryption/pfxrecryption/server/strict/testdata/todo"
	"github.com/pfxrecryption/pfxrecryption/server/strict/testdata/todo/todohandler"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// todos implements the interface. Its responses show its input.
type todos struct{}

func (todos) ListTodos(_ context.Context, r todo.ListTodosRequestObject) (todo.ListTodosResponseObject, error) {
	list := todo.ListTodos200JSONResponse{}
	if r.Params.Tag != nil {
		for _, tag := range *r.Params.Tag {
			list = append(list, todo.Todo{Id: tag})
		}
	}
	return list, nil
}

func (todos) CreateTodo(ctx context.Context, r todo.CreateTodoRequestObject) (todo.CreateTodoResponseObject, error) {
	body := cmp.Or(r.JSONBody, r.FormdataBody)
	id, _ := strict.PrincipalOf(ctx).(string)
	location := "/v1/todos/" + id
	return todo.CreateTodo201JSONResponse{
		Body:    todo.Todo{Id: id, Title: body.Title, Note: body.Note, Done: body.Done},
		Headers: todo.CreateTodo201ResponseHeaders{Location: &location},
	}, nil
}

func (todos) GetTodo(_ context.Context, r todo.GetTodoRequestObject) (todo.GetTodoResponseObject, error) {
	switch r.Id {
	case "absent":
		return nil, &strict.Problem{Status: http.StatusNotFound, Message: "There is no such todo."}
	case "broken":
		return nil, errors.New("password=secret")
	case "panics":
		panic("password=secret")
	case "nothing":
		return nil, nil
	case "late":
		return late{}, nil
	case "aborts":
		panic(http.ErrAbortHandler)
	}
	return todo.GetTodo200JSONResponse{Id: r.Id, Title: "A title"}, nil
}

// late is a response that fails after it has begun.
type late struct{}

func (late) VisitGetTodoResponse(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"id":`)
	_ = http.NewResponseController(w).Flush()
	panic("late")
}

func (todos) UpdateTodo(_ context.Context, r todo.UpdateTodoRequestObject) (todo.UpdateTodoResponseObject, error) {
	patch := r.ApplicationMergePatchPlusJSONBody
	if patch == nil {
		patch = r.JSONBody
	}
	note := "absent"
	if patch.Note.IsNull() {
		note = "null"
	} else if text, err := patch.Note.Get(); err == nil {
		note = text
	}
	return todo.UpdateTodo200JSONResponse{Id: r.Id, Title: note}, nil
}

func (todos) DeleteTodo(context.Context, todo.DeleteTodoRequestObject) (todo.DeleteTodoResponseObject, error) {
	return todo.DeleteTodo204Response{}, nil
}

func (todos) FinishTodo(_ context.Context, r todo.FinishTodoRequestObject) (todo.FinishTodoResponseObject, error) {
	if r.Id != "a" {
		return nil, &strict.Problem{Status: http.StatusNotFound, Message: r.Id}
	}
	return todo.FinishTodo204Response{}, nil
}

func (todos) PutNote(_ context.Context, r todo.PutNoteRequestObject) (todo.PutNoteResponseObject, error) {
	switch {
	case r.TextBody != nil:
		return todo.PutNote200TextResponse("text " + *r.TextBody), nil
	case r.MultipartBody != nil:
		part, err := r.MultipartBody.NextPart()
		if err != nil {
			return nil, err
		}
		return todo.PutNote200TextResponse("part " + part.FormName()), nil
	case r.Body != nil:
		data, err := io.ReadAll(r.Body)
		return todo.PutNote200TextResponse("bytes " + string(data)), err
	}
	return todo.PutNote200TextResponse("nothing"), nil
}

// authorize accepts one token and one key.
var authorize = strict.Schemes(map[string]strict.Scheme{
	"token": func(_ context.Context, credential string, scopes []string) (any, error) {
		switch credential {
		case "good":
			return "token-" + strings.Join(scopes, "+"), nil
		case "small":
			return nil, strict.ErrForbidden
		}
		return nil, errors.New("unknown token " + credential)
	},
	"key": func(_ context.Context, credential string, _ []string) (any, error) {
		if credential != "k" {
			return nil, errors.New("unknown key")
		}
		return "key", nil
	},
})

func newHandler(t *testing.T, c strict.Config) *strict.Handler {
	t.Helper()
	c.Authorize, c.MaxBody = authorize, 200
	h, err := todohandler.New(todos{}, c)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// routers mount a handler on each router.
var routers = map[string]func(*strict.Handler) http.Handler{
	"net/http": func(h *strict.Handler) http.Handler { return h },
	"ServeMux": func(h *strict.Handler) http.Handler {
		mux := http.NewServeMux()
		h.Mount(mux)
		return mux
	},
	"echo": func(h *strict.Handler) http.Handler {
		e := echo.New()
		strictecho.Mount(e, h)
		return e
	},
	"chi": func(h *strict.Handler) http.Handler {
		r := chi.NewRouter()
		strictchi.Mount(r, h)
		return r
	},
}

// exchange is a request and the expected parts of the response.
type exchange struct {
	name, method, target, body string
	header                     []string // of the request, as Name: value
	status                     int
	want                       string   // in the body
	fields                     []string // of the response, as Name: value
}

const problem = "Content-Type: application/problem+json"

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.String()
}

func exchanges() []exchange {
	const (
		token  = "Authorization: Bearer good"
		asJSON = "Content-Type: application/json"
		merge  = "Content-Type: application/merge-patch+json"
		note   = "/v1/lists/6de0af45-af45-6de0-45af-e06d45afe06d/notes/7"
	)
	parts := "--b\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\nx\r\n--b--\r\n"
	return []exchange{
		{name: "list", method: "GET", target: "/v1/todos?tag=a%2Cb&tag=c", status: 200, want: `[{"id":"a,b","title":""},{"id":"c","title":""}]`, fields: []string{"Content-Type: application/json"}},
		{name: "each fault is listed", method: "GET", target: "/v1/todos?limit=11&Limit=1&tag=a&tag=b&tag=c", status: 400,
			want: `"errors":[{"parameter":"Limit","in":"query","keyword":"additionalProperties"`, fields: []string{problem}},
		{name: "the faults of parameters name their rules", method: "GET", target: "/v1/todos?limit=11", status: 400, want: `"parameter":"limit","in":"query","keyword":"maximum","detail":"The parameter 'limit' is malformed: 'maximum' is 10."`},
		{name: "problem details", method: "GET", target: "/v1/todos/absent", status: 404, want: `{"type":"about:blank","title":"Not Found","status":404,"detail":"There is no such todo.","instance":"urn:uuid:`, fields: []string{problem}},
		{name: "HEAD", method: "HEAD", target: "/v1/todos/a", status: 200, fields: []string{"Content-Type: application/json"}},
		{name: "HEAD of a problem", method: "HEAD", target: "/v1/todos/absent", status: 404, fields: []string{problem}},
		{name: "OPTIONS", method: "OPTIONS", target: "/v1/todos/a", status: 204, fields: []string{"Allow: DELETE, GET, HEAD, OPTIONS, PATCH", "Accept-Patch: application/merge-patch+json, application/json"}},
		{name: "OPTIONS of an unknown path", method: "OPTIONS", target: "/v1/other", status: 404, fields: []string{problem}},
		{name: "method", method: "PUT", target: "/v1/todos/a", status: 405, want: "DELETE, GET, HEAD, OPTIONS, PATCH", fields: []string{"Allow: DELETE, GET, HEAD, OPTIONS, PATCH", problem}},
		{name: "TRACE", method: "TRACE", target: "/v1/todos", status: 405, fields: []string{"Allow: GET, HEAD, OPTIONS, POST"}},
		{name: "no such path", method: "GET", target: "/v1/other", status: 404, want: "No operation has this path.", fields: []string{problem}},
		{name: "a slash after the path", method: "GET", target: "/v1/todos/", status: 404, fields: []string{problem}},
		{name: "an empty segment before a slash", method: "GET", target: "/v1/todos/a/", status: 404},
		{name: "a deeper path", method: "GET", target: "/v1/todos/a/b", status: 404},
		{name: "the base path", method: "GET", target: "/v1", status: 404, fields: []string{problem}},
		{name: "another case", method: "GET", target: "/v1/Todos", status: 404},
		{name: "an encoded slash", method: "GET", target: "/v1/todos/a%2Fb", status: 200, want: `"id":"a/b"`},
		{name: "an encoded percent sign", method: "GET", target: "/v1/todos/a%252Fb", status: 200, want: `"id":"a%2Fb"`},
		{name: "an encoded letter of the path", method: "GET", target: "/v1/%74odos/a", status: 200, want: `"id":"a"`},
		{name: "a space and a letter beyond ASCII", method: "GET", target: "/v1/todos/%C3%A9%20e", status: 200, want: `"id":"é e"`},
		{name: "not UTF-8", method: "GET", target: "/v1/todos/%ff", status: 400, want: `"parameter":"id","in":"path","keyword":"encoding"`},
		{name: "a parameter in a part of a segment", method: "POST", target: "/v1/todos/a:done", status: 204},
		{name: "an empty part of a segment", method: "POST", target: "/v1/todos/:done", status: 405},
		{name: "a uuid in line", method: "PUT", target: "/v1/lists/x/notes/7", status: 400, want: `"parameter":"list-id","in":"path","keyword":"format"`},
		{name: "no credentials", method: "POST", target: "/v1/todos", body: `{"title":1}`, header: []string{asJSON}, status: 401, want: "Credentials are missing",
			fields: []string{`Www-Authenticate: Bearer realm="api", ApiKey realm="api", in="header", name="X-Key"`, problem}},
		{name: "an invalid token", method: "POST", target: "/v1/todos", header: []string{"Authorization: Bearer bad"}, status: 401, want: "The credentials are invalid."},
		{name: "a token without the scope", method: "POST", target: "/v1/todos", header: []string{"Authorization: Bearer small"}, status: 403, want: "do not allow"},
		{name: "two keys", method: "POST", target: "/v1/todos", header: []string{"X-Key: k", "X-Key: k"}, status: 401},
		{name: "a key", method: "POST", target: "/v1/todos", body: `{"title":"a","note":null}`, header: []string{"X-Key: k", asJSON}, status: 201, want: `"id":"key","note":null,"title":"a"`, fields: []string{"Location: /v1/todos/key"}},
		{name: "a token, a form", method: "POST", target: "/v1/todos", body: "title=a+b&done=true", header: []string{token, "Content-Type: application/x-www-form-urlencoded"}, status: 201, want: `{"done":true,"id":"token-write","title":"a b"}`},
		{name: "the faults of a body", method: "POST", target: "/v1/todos", body: `{"titel":"a","done":1}`, header: []string{token, asJSON}, status: 400,
			want: `"errors":[{"pointer":"#/titel","keyword":"additionalProperties","detail":"The property 'titel' does not exist."},{"pointer":"#/done","keyword":"type"`, fields: []string{problem}},
		{name: "a malformed body", method: "POST", target: "/v1/todos", body: `{"title":"a","title":"b"}`, header: []string{token, asJSON}, status: 400, want: `"keyword":"malformed"`},
		{name: "an empty body", method: "POST", target: "/v1/todos", header: []string{token, asJSON}, status: 400, want: `"keyword":"empty"`},
		{name: "no Content-Type", method: "POST", target: "/v1/todos", header: []string{token}, status: 415, fields: []string{"Accept-Post: application/json, application/x-www-form-urlencoded", problem}},
		{name: "XML", method: "PATCH", target: "/v1/todos/a", body: "<a/>", header: []string{"Content-Type: application/xml"}, status: 415, fields: []string{"Accept-Patch: application/merge-patch+json, application/json"}},
		{name: "a media type that begins like another", method: "PATCH", target: "/v1/todos/a", body: "{}", header: []string{"Content-Type: application/jsonx"}, status: 415},
		{name: "two Content-Types", method: "PATCH", target: "/v1/todos/a", body: "{}", header: []string{asJSON, merge}, status: 400, want: "sent more than once"},
		{name: "Accept", method: "GET", target: "/v1/todos/a", header: []string{"Accept: text/html, application/json;q=0"}, status: 406, want: `"parameter":"Accept"`, fields: []string{problem}},
		{name: "Accept of a range", method: "GET", target: "/v1/todos/a", header: []string{"Accept: text/html, application/*;q=0.1"}, status: 200},
		{name: "Accept that includes problems", method: "GET", target: "/v1/todos/a", header: []string{"Accept: application/problem+json, application/json"}, status: 200},
		{name: "Accept for a response without a body", method: "DELETE", target: "/v1/todos/a", header: []string{"Accept: application/json"}, status: 204},
		{name: "merge patch: absent", method: "PATCH", target: "/v1/todos/a", body: `{}`, header: []string{merge}, status: 200, want: `"title":"absent"`},
		{name: "merge patch: null", method: "PATCH", target: "/v1/todos/a", body: `{"note":null}`, header: []string{merge}, status: 200, want: `"title":"null"`},
		{name: "merge patch: a value", method: "PATCH", target: "/v1/todos/a", body: `{"note":"n"}`, header: []string{"Content-Type: APPLICATION/merge-patch+json; charset=UTF-8"}, status: 200, want: `"title":"n"`},
		{name: "the same as JSON", method: "PATCH", target: "/v1/todos/a", body: `{"note":null}`, header: []string{asJSON}, status: 200, want: `"title":"null"`},
		{name: "merge patch: null where it is not allowed", method: "PATCH", target: "/v1/todos/a", body: `{"done":null}`, header: []string{merge}, status: 400, want: `"pointer":"#/done","keyword":"type"`},
		{name: "gzip", method: "PATCH", target: "/v1/todos/a", body: gzipped(`{"note":"zipped"}`), header: []string{merge, "Content-Encoding: gzip"}, status: 200, want: `"title":"zipped"`},
		{name: "a gzip bomb", method: "PATCH", target: "/v1/todos/a", body: gzipped(strings.Repeat(" ", 10_000)), header: []string{merge, "Content-Encoding: gzip"}, status: 413, fields: []string{problem}},
		{name: "truncated gzip", method: "PATCH", target: "/v1/todos/a", body: gzipped(`{}`)[:15], header: []string{merge, "Content-Encoding: gzip"}, status: 400, want: "cut off"},
		{name: "another encoding", method: "PATCH", target: "/v1/todos/a", body: `{}`, header: []string{merge, "Content-Encoding: br"}, status: 415, fields: []string{"Accept-Encoding: gzip"}},
		{name: "a body that is too large", method: "PATCH", target: "/v1/todos/a", body: `{"note":"` + strings.Repeat("a", 200) + `"}`, header: []string{merge}, status: 413, want: "at most 200 bytes"},
		{name: "header fields that are too large", method: "GET", target: "/v1/todos/a", header: []string{"X-Filler: " + strings.Repeat("a", 17_000)}, status: 431, fields: []string{problem}},
		{name: "no body", method: "PUT", target: note, status: 200, want: "nothing"},
		{name: "a text", method: "PUT", target: note, body: "é", header: []string{"Content-Type: text/plain"}, status: 200, want: "text é"},
		{name: "a text that is too long", method: "PUT", target: note, body: "123456", header: []string{"Content-Type: text/plain"}, status: 400, want: `"pointer":"#","keyword":"maxLength"`},
		{name: "bytes", method: "PUT", target: note, body: "\x00b", header: []string{"Content-Type: application/octet-stream"}, status: 200, want: "bytes \x00b"},
		{name: "multipart", method: "PUT", target: note, body: parts, header: []string{"Content-Type: multipart/form-data; boundary=b"}, status: 200, want: "part image"},
		{name: "invalid multipart", method: "PUT", target: note, body: strings.ReplaceAll(parts, "image", "title"), header: []string{"Content-Type: multipart/form-data; boundary=b"}, status: 400, want: `"keyword":"required"`},
		{name: "an error", method: "GET", target: "/v1/todos/broken", status: 500, want: "The server failed", fields: []string{problem}},
		{name: "a panic", method: "GET", target: "/v1/todos/panics", status: 500, want: "The server failed", fields: []string{problem}},
		{name: "no response", method: "GET", target: "/v1/todos/nothing", status: 500, fields: []string{problem}},
		{name: "a request id", method: "GET", target: "/v1/todos/absent", header: []string{"X-Request-Id: abc-1"}, status: 404, fields: []string{"X-Request-Id: abc-1"}},
	}
}

// TestExchanges sends each request over a socket, to each router, over HTTP/1.1 and HTTP/2.
func TestExchanges(t *testing.T) {
	t.Parallel()
	for name, put := range routers {
		for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
			server := httptest.NewUnstartedServer(put(newHandler(t, strict.Config{})))
			server.EnableHTTP2 = protocol == "HTTP/2.0"
			server.StartTLS()
			t.Cleanup(server.Close)
			for _, tt := range exchanges() {
				t.Run(name+"/"+protocol+"/"+tt.name, func(t *testing.T) {
					t.Parallel()
					tt.run(t, server, protocol)
				})
			}
		}
	}
}

func (e *exchange) run(t *testing.T, server *httptest.Server, protocol string) {
	response, body := e.send(t, server)
	if response.Proto != protocol {
		t.Errorf("got %s", response.Proto)
	}
	if response.StatusCode != e.status || !strings.Contains(body, e.want) || strings.Contains(body, "secret") || e.method == http.MethodHead && body != "" {
		t.Errorf("got %d %s, want %d %s", response.StatusCode, body, e.status, e.want)
	}
	for _, field := range e.fields {
		name, value, _ := strings.Cut(field, ": ")
		if got := response.Header.Get(name); got != value {
			t.Errorf("got %s: %s, want %s", name, got, value)
		}
	}
	if len(response.Header["X-Request-Id"]) != 1 {
		t.Error("the response has no request id")
	}
}

func (e *exchange) send(t *testing.T, server *httptest.Server) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), e.method, server.URL+e.target, strings.NewReader(e.body))
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range e.header {
		name, value, _ := strings.Cut(field, ": ")
		r.Header[http.CanonicalHeaderKey(name)] = append(r.Header[http.CanonicalHeaderKey(name)], value)
	}
	response, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

// TestAbort: a handler may abort the connection, as with net/http.
func TestAbort(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(newHandler(t, strict.Config{}))
	t.Cleanup(server.Close)
	response, err := server.Client().Get(server.URL + "/v1/todos/aborts")
	if err == nil {
		response.Body.Close()
		t.Errorf("got %d", response.StatusCode)
	}
}

// TestLatePanic: if a response fails after it has begun, the client notices that it is incomplete.
func TestLatePanic(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	server := httptest.NewServer(newHandler(t, strict.Config{Log: slog.New(slog.NewTextHandler(&log, nil))}))
	response, err := server.Client().Get(server.URL + "/v1/todos/late")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err == nil {
		t.Errorf("the client accepts %s as complete", body)
	}
	server.Close()
	if !strings.Contains(log.String(), "panic: late") {
		t.Errorf("the log does not have the panic: %s", &log)
	}
}
