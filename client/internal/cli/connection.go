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

// connection holds the flags that say which server to call, and with which credentials.
type connection struct {
	Server       string        `default:"http://127.0.0.1:8080/beta" help:"The server, base path included (${default})." placeholder:"URL"`
	Token        string        `help:"Send this token. Set PFXR_TOKEN instead: other users can see flags." placeholder:"TOKEN"`
	TokenURL     string        `help:"Get tokens from this endpoint by client credentials; see also the command login." placeholder:"URL" name:"token-url"`
	ClientID     string        `help:"The application's ID, for --token-url and login." placeholder:"ID" name:"client-id"`
	ClientSecret string        `help:"The application's secret. Set PFXR_CLIENT_SECRET instead: other users can see flags." placeholder:"SECRET"`
	Scope        []string      `help:"Scope of the tokens, such as api://…/.default; repeatable." placeholder:"SCOPE"`
	CA           string        `help:"Also trust the certificate authorities in this PEM file." placeholder:"FILE" name:"ca"`
	Timeout      time.Duration `default:"2m" help:"Time limit of a call with all its tries (${default})." placeholder:"DURATION"`
	Tries        int           `default:"5" help:"Try a call at most this often, if that cannot apply it twice (${default})." placeholder:"N"`
	DryRun       bool          `help:"Print the request instead of sending it."`
}

// errDryRun ends a call whose request was printed instead of sent.
var errDryRun = errors.New("dry run")

// open returns the client. In a dry run the client prints requests to c.
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

// tokens returns the option that gives the client its tokens, or nil if it sends none.
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

// transport returns a transport that also trusts the authorities of --ca.
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

// run calls calls with a client. A dry run ends with the first request and is a success.
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
