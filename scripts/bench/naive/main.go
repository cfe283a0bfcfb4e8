// Naive is the update as a team would put it together from the usual parts: the echo server and the models that
// oapi-codegen makes by its own templates, kin-openapi as middleware, one SQLite transaction for each request.
//
//	naive --store sqlite:pfxr.db --listen 127.0.0.1:8080 --issuer https://… --audience api://…
//
// It works on a file of pfxrd's, has pfxrd's own check of tokens and keeps what it has answered as pfxrd does, so that the
// two can be compared. It leaves out what the usual parts leave out: null is taken for absent, and If-Match and Prefer are
// not looked at. It serves one tenant, so that it need not know who calls.
package main

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/pfxrecryption/pfxrecryption/scripts/bench/kin"
	"github.com/pfxrecryption/pfxrecryption/scripts/bench/naive/api"
	"github.com/pfxrecryption/pfxrecryption/server/pfxgate"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address")
	file := flag.String("store", "", "sqlite:FILE")
	issuer := flag.String("issuer", "", "issuer of tokens")
	audience := flag.String("audience", "", "audience of tokens")
	flag.Parse()
	if err := serve(*listen, strings.TrimPrefix(*file, "sqlite:"), *issuer, *audience); err != nil {
		fmt.Fprintf(os.Stderr, "naive: %v\n", err)
		os.Exit(1)
	}
}

func serve(listen, file, issuer, audience string) error {
	s, err := open(file)
	if err != nil {
		return err
	}
	validate, err := kin.Middleware()
	if err != nil {
		return err
	}
	tokens, err := pfxgate.New(pfxgate.Config{
		Issuers: []string{issuer}, Audiences: []string{audience}, Requests: pfxgate.Off, Responses: pfxgate.Off,
	})
	if err != nil {
		return err
	}
	e := echo.New()
	e.Use(middleware.RequestLogger(), middleware.Recover(), echo.WrapMiddleware(validate))
	api.RegisterHandlersWithBaseURL(e, &handlers{s}, "/beta")
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, `{"msg":"serving","url":"http://%s"}`+"\n", l.Addr())
	server := &http.Server{Handler: tokens.Handler(e), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 15 * time.Second, IdleTimeout: time.Minute}
	return server.Serve(l)
}
