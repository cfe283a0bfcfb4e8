package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/pfxrecryption/pfxrecryption/client"
)

// connection says which server is called, and as whom.
type connection struct {
	Server       string        `default:"http://127.0.0.1:8080/beta" help:"The server, base path included (${default})." placeholder:"URL"`
	Token        string        `help:"A token to send. Give it as PFXR_TOKEN: other users can see flags." placeholder:"TOKEN"`
	TokenURL     string        `help:"Where to get tokens by client credentials; see also the command login." placeholder:"URL" name:"token-url"`
	ClientID     string        `help:"The application, for --token-url and login." placeholder:"ID" name:"client-id"`
	ClientSecret string        `help:"Its secret. Give it as PFXR_CLIENT_SECRET: other users can see flags." placeholder:"SECRET"`
	Scope        []string      `help:"Scope of the tokens, such as api://…/.default; may be repeated." placeholder:"SCOPE"`
	CA           string        `help:"Trust the certificate authorities in this file, too, PEM." placeholder:"FILE" name:"ca"`
	Timeout      time.Duration `default:"2m" help:"How long a call may take, with all its tries (${default})." placeholder:"DURATION"`
	Tries        int           `default:"5" help:"How often a call is tried if that cannot apply it twice (${default})." placeholder:"N"`
	DryRun       bool          `help:"Print the request instead of sending it."`
}

// errDryRun ends a call that is only shown.
var errDryRun = errors.New("dry run")

// open returns the client. c gets the request if it is only to be shown.
func (f *connection) open(ctx context.Context, c *console) (*client.Client, error) {
	transport, err := f.transport()
	if err != nil {
		return nil, err
	}
	options := []client.Option{
		client.WithTries(f.Tries), client.WithTimeouts(min(30*time.Second, f.Timeout), f.Timeout), client.WithHTTPClient(&http.Client{Transport: transport}),
	}
	tokens, err := f.tokens(oidc.ClientContext(ctx, &http.Client{Transport: transport}))
	if err != nil {
		return nil, err
	}
	switch {
	case f.DryRun:
		show := &http.Client{Transport: &showing{console: c, authorized: tokens != nil}}
		options = append(options, client.WithTries(1), client.WithHTTPClient(show))
	case tokens != nil:
		options = append(options, tokens)
	}
	opened, err := client.New(f.Server, options...)
	if err != nil {
		return nil, &usageError{err}
	}
	return opened, nil
}

// tokens returns where tokens come from, or nil.
func (f *connection) tokens(ctx context.Context) (client.Option, error) {
	switch {
	case f.Token != "" && f.TokenURL != "":
		return nil, usagef("--token and --token-url exclude each other")
	case f.Token != "":
		return client.WithToken(f.Token), nil
	case f.TokenURL != "":
		return client.WithClientCredentials(clientcredentials.Config{
			ClientID: f.ClientID, ClientSecret: f.ClientSecret, TokenURL: f.TokenURL, Scopes: f.Scope,
		}), nil
	}
	kept, err := loadLogin(f.Server)
	if kept == nil || err != nil {
		return nil, err
	}
	return client.WithTokenSource(source{ctx, kept}), nil
}

// transport returns what makes connections; it trusts the authorities of --ca, too.
func (f *connection) transport() (*http.Transport, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if f.CA == "" {
		return transport, nil
	}
	text, err := os.ReadFile(f.CA)
	if err != nil {
		return nil, &usageError{fmt.Errorf("--ca: %w", err)}
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(text) {
		return nil, usagef("--ca: %s has no certificate in PEM", f.CA)
	}
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return transport, nil
}

// run makes the calls of f. A dry run ends with the first, and well.
func (f *connection) run(ctx context.Context, c *console, calls func(*client.Client) error) error {
	opened, err := f.open(ctx, c)
	if err != nil {
		return err
	}
	defer opened.CloseIdleConnections()
	if err := calls(opened); !errors.Is(err, errDryRun) {
		return err
	}
	return nil
}
