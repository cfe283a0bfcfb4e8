// Naive implements the update from the usual parts: oapi-codegen's echo server and models, kin-openapi as middleware,
// and one SQLite transaction per request.
//
//	naive --store sqlite:pfxr.db --listen 127.0.0.1:8080 --issuer https://… --audience api://…
//
// It works on pfxrd's files, with pfxrd's check of tokens and the same durability, so that the two can be compared. It
// lacks what the usual parts lack: it treats null as absent and ignores If-Match and Prefer. It serves a single tenant.
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
