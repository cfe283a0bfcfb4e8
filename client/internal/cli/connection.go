package cli

import (
	"errors"
	"net/http"
	"time"

	"golang.org/x/oauth2/clientcredentials"

	"github.com/pfxrecryption/pfxrecryption/client"
)

// connection says which server is called, and as whom.
type connection struct {
	Server       string        `default:"http://127.0.0.1:8080/beta" help:"The server, base path included (${default})." placeholder:"URL"`
	Token        string        `help:"A token to send. Give it as PFXR_TOKEN: other users can see flags." placeholder:"TOKEN"`
	TokenURL     string        `help:"Where to get tokens by client credentials." placeholder:"URL" name:"token-url"`
	ClientID     string        `help:"The application, for --token-url." placeholder:"ID" name:"client-id"`
	ClientSecret string        `help:"Its secret. Give it as PFXR_CLIENT_SECRET: other users can see flags." placeholder:"SECRET"`
	Scope        []string      `help:"Scope of the tokens, such as api://…/.default; may be repeated." placeholder:"SCOPE"`
	Timeout      time.Duration `default:"2m" help:"How long a call may take, with all its tries (${default})." placeholder:"DURATION"`
	Tries        int           `default:"5" help:"How often a call is tried if that cannot apply it twice (${default})." placeholder:"N"`
	DryRun       bool          `help:"Print the request instead of sending it."`
}

// errDryRun ends a call that is only shown.
var errDryRun = errors.New("dry run")

// open returns the client. c gets the request if it is only to be shown.
func (f *connection) open(c *console) (*client.Client, error) {
	options := []client.Option{client.WithTries(f.Tries), client.WithTimeouts(min(30*time.Second, f.Timeout), f.Timeout)}
	switch {
	case f.Token != "" && f.TokenURL != "":
		return nil, usagef("--token and --token-url exclude each other")
	case f.DryRun:
		show := &http.Client{Transport: &showing{console: c, authorized: f.Token != "" || f.TokenURL != ""}}
		options = append(options, client.WithTries(1), client.WithHTTPClient(show))
	case f.Token != "":
		options = append(options, client.WithToken(f.Token))
	case f.TokenURL != "":
		options = append(options, client.WithClientCredentials(clientcredentials.Config{
			ClientID: f.ClientID, ClientSecret: f.ClientSecret, TokenURL: f.TokenURL, Scopes: f.Scope,
		}))
	}
	opened, err := client.New(f.Server, options...)
	if err != nil {
		return nil, &usageError{err}
	}
	return opened, nil
}

// run makes the calls of f. A dry run ends with the first, and well.
func (f *connection) run(c *console, calls func(*client.Client) error) error {
	opened, err := f.open(c)
	if err != nil {
		return err
	}
	defer opened.CloseIdleConnections()
	if err := calls(opened); !errors.Is(err, errDryRun) {
		return err
	}
	return nil
}
