package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/pfxrecryption/pfxrecryption/client"
	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
)

func ExampleClient_Patch() {
	// A server that says that somebody else was faster; see server/pfxtest for a real one.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusPreconditionFailed)
		fmt.Fprint(w, `{"error":{"code":"PreconditionFailed","message":"The object has changed.","innerError":{}}}`)
	}))
	defer server.Close()

	c, err := client.New(server.URL+"/beta", client.WithToken("token"))
	if err != nil {
		panic(err)
	}
	update := client.Update{Status: edm.Value(int32(7)), ETag: edm.Null[string]()}
	_, err = c.Patch(context.Background(), "sample", update, client.IfMatch(`"27fd14b5b1c9a6e1"`))
	fmt.Println(errors.Is(err, client.ErrPreconditionFailed))
	// Output: true
}
