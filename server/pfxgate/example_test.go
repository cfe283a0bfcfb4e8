package pfxgate_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/labstack/echo/v4"

	"github.com/pfxrecryption/pfxrecryption/openapi/validategen/testdata/shop/shopvalid"
	"github.com/pfxrecryption/pfxrecryption/server/pfxgate"
)

// call sends a request and prints the status of the response.
func call(h http.Handler, method, target, body string) {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	fmt.Println(w.Code, strings.TrimSpace(w.Body.String()))
}

// The built-in contract, in front of net/http.
func Example() {
	gate, err := pfxgate.New(pfxgate.Config{Log: quiet})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer gate.Close()

	mux := http.NewServeMux()
	mux.HandleFunc("PATCH /beta/pfxRecryptionRequests/{id}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"id":%q,"status":6}`, r.PathValue("id"))
	})
	h := gate.Handler(mux)

	call(h, http.MethodPatch, "/beta/pfxRecryptionRequests('sample')", `{"status":6}`)
	// Output: 200 {"id":"sample","status":6}
}

// A team's own contract, from validategen, in front of echo.
func ExampleContract() {
	gate, err := pfxgate.New(pfxgate.Config{
		Contract: &pfxgate.Contract{Operations: shopvalid.Operations, BasePath: "/v1"},
		Requests: pfxgate.Enforce, Responses: pfxgate.Enforce, Log: quiet,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer gate.Close()

	e := echo.New()
	e.POST("/v1/orders", func(c echo.Context) error {
		return c.JSONBlob(http.StatusCreated, []byte(`{"id":1,"price":9.99,"kind":"book"}`))
	})
	h := gate.Handler(e) // around echo, not by e.Use

	call(h, http.MethodPost, "/v1/orders", `{"price":9.99,"kind":"book"}`)
	// Output: 201 {"id":1,"price":9.99,"kind":"book"}
}

// An OpenAPI document in front of chi, first in monitor mode, then enforced.
func ExampleGate_Replace() {
	config := pfxgate.Config{
		Spec: []byte(`{"openapi":"3.1.0","info":{"title":"Pets","version":"1"},"paths":{"/pets/{id}":{"get":{
			"parameters":[{"name":"id","in":"path","required":true,"schema":{"type":"integer"}}],
			"responses":{"200":{"description":"A pet.","content":{"text/plain":{}}}}}}}}`),
		Requests: pfxgate.Monitor, Log: quiet,
	}
	gate, err := pfxgate.New(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer gate.Close()

	r := chi.NewRouter()
	r.Get("/pets/{id}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprintln(w, "pet", chi.URLParam(r, "id"))
	})
	h := gate.Handler(r) // around chi, not by r.Use

	call(h, http.MethodGet, "/pets/rex", "")
	config.Requests = pfxgate.Enforce
	if err := gate.Replace(config); err != nil {
		fmt.Println(err) // the previous one stays in effect
	}
	call(h, http.MethodGet, "/pets/7", "")
	// Output:
	// 200 pet rex
	// 200 pet 7
}
