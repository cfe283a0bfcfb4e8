package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

type serveCommand struct{ Config }

// Run serves until ctx is done, then drains.
func (c *serveCommand) Run(ctx context.Context, stdout io.Writer, log *slog.Logger) error {
	s, err := Open(ctx, c.Config, log)
	if err != nil {
		return err
	}
	log.Info("serving", "url", s.URL+graph.BasePath, "admin", s.AdminURL, "dev", c.Dev)
	if c.Dev && c.Seed == "" {
		greet(stdout, s.URL, c.TLSCert)
	}
	return s.Run(ctx)
}

// greet prints a line to paste into a shell. The command trusts a self-signed certificate.
func greet(stdout io.Writer, url, certFile string) {
	program, err := os.Executable()
	if err != nil {
		program = "pfxrd"
	}
	var environment, option string
	if file, err := filepath.Abs(certFile); err == nil && certFile != "" {
		environment, option = "SSL_CERT_FILE='"+file+"' ", "--cacert '"+file+"' "
	}
	fmt.Fprintf(stdout, greeting, url, program, devTenant, pageExample(), environment, option)
}

const greeting = `The page's example is loaded under the key "sample". Send the page's request from another terminal:

curl %[6]s-sSi -w '\n' -X PATCH '%[1]s/beta/pfxRecryptionRequests/sample' -H "Authorization: Bearer $(%[5]s'%[2]s' token --server '%[1]s' --tenant %[3]s)" -H 'Content-Type: application/json' -d '%[4]s'

`
