package strict_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/server/strict"
	"github.com/pfxrecryption/pfxrecryption/server/strict/testdata/todo/todohandler"
)

// A handler serves the document of testdata/todo; todos implements oapi-codegen's interface for it. An invalid merge
// patch never reaches the implementation.
func Example() {
	handler, err := todohandler.New(todos{}, strict.Config{
		Authorize: strict.Schemes(map[string]strict.Scheme{
			"token": func(_ context.Context, credential string, _ []string) (any, error) {
				if credential != "let me in" {
					return nil, errors.New("unknown token")
				}
				return "a client", nil
			},
		}),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(handler)
	defer server.Close()
	for _, body := range []string{`{"note": null}`, `{"title": ""}`} {
		r, err := http.NewRequest(http.MethodPatch, server.URL+"/v1/todos/1", strings.NewReader(body))
		if err != nil {
			fmt.Println(err)
			return
		}
		r.Header.Set("Content-Type", "application/merge-patch+json")
		r.Header.Set("X-Request-Id", "example")
		response, err := server.Client().Do(r)
		if err != nil {
			fmt.Println(err)
			return
		}
		text, _ := io.ReadAll(response.Body)
		response.Body.Close()
		text, _, _ = bytes.Cut(text, []byte(`,"errors"`)) // the list repeats it for each fault, with its place
		fmt.Println(response.StatusCode, strings.TrimSpace(string(text)))
	}
	// Output:
	// 200 {"id":"1","title":"null"}
	// 400 {"type":"about:blank","title":"Bad Request","status":400,"detail":"The value of 'title' does not fit the contract: 'minLength' is 1."
}
