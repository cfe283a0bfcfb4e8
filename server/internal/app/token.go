package app

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2/clientcredentials"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

type tokenCommand struct {
	Server     string   `default:"http://127.0.0.1:8080" help:"The development server, with or without its base path (${default})." placeholder:"URL"`
	Tenant     edm.Guid `default:"f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9" help:"The tenant of the token (${default})." placeholder:"T"`
	Permission []string `default:"DeviceManagementConfiguration.ReadWrite.All" help:"A permission of the token; may be repeated (${default})." placeholder:"P"`
	Delegated  bool     `help:"Request a token of a user (scp) instead of an application (roles)."`
}

func (t *tokenCommand) Run(ctx context.Context, stdout io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	claim := "roles"
	if t.Delegated {
		claim = "scp"
	}
	config := clientcredentials.Config{
		ClientID: "pfxrd", ClientSecret: "development",
		TokenURL:       strings.TrimSuffix(strings.TrimSuffix(t.Server, "/"), graph.BasePath) + "/dev/" + t.Tenant.String() + "/oauth2/v2.0/token",
		Scopes:         []string{auth.DefaultAudience + "/.default"},
		EndpointParams: url.Values{claim: {strings.Join(t.Permission, " ")}},
	}
	token, err := config.Token(ctx)
	if err != nil {
		return fmt.Errorf("getting a token from %s (is it running with --dev?): %w", t.Server, err)
	}
	_, err = fmt.Fprintln(stdout, token.AccessToken)
	return err
}
