package app

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/pfxrecryption/pfxrecryption/openapi"
	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/server/docs"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// pages returns the pages of a server.
func (c *Config) pages(log *slog.Logger) (*docs.Site, error) {
	config := docs.Config{
		Document: openapi.Document, Files: openapi.Examples, Origin: c.PublicURL, Title: "pfxRecryptionRequest API", Lead: lead, Uses: uses,
		Log: log, Command: commandWithToken, Note: "Put an access token of your issuer into PFXR_TOKEN, and paste:",
	}
	if c.Dev {
		config.Command, config.Note = c.developmentCommand, "Paste this. It needs curl alone, and takes a token of the development issuer first:"
		config.Token = &docs.Token{Path: tokenPath, Form: tokenForm}
	}
	return docs.New(config)
}

// pages returns the pages of a gateway, nil without --docs. text is the document, nil for the built-in contract.
func (c *GatewayConfig) pages(text []byte, document *spec.Document, log *slog.Logger) (*docs.Site, error) {
	if !c.Docs {
		return nil, nil //nolint:nilnil // no site is a setting, too
	}
	if document != nil && len(document.Files) > 0 {
		return nil, errors.New("--docs needs a document in one file, and this one refers to others: bundle it first")
	}
	config := docs.Config{Document: text, Log: log, Note: "This gateway validates requests to the API. Get the document that it enforces:"}
	if text == nil {
		config.Document, config.Files = openapi.Document, openapi.Examples
	}
	return docs.New(config)
}

// liveSite holds the pages of a gateway, whose document may be replaced.
type liveSite struct{ current atomic.Pointer[docs.Site] }

func (l *liveSite) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if site := l.current.Load(); site != nil {
			site.Handler(next).ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

const lead = "This server implements the pfxRecryptionRequest resource of Microsoft Graph for Intune: work items for the " +
	"re-encryption of certificates. One OpenAPI document, written by hand, generates the server, the clients and the validation between them."

// uses are the three uses of the project.
var uses = []docs.Use{
	{
		Title:   "Build an API from a document",
		Text:    "Write one YAML file. The command writes a project that checks every request by it, and the compiler names the handlers to fill in.",
		Command: "go run github.com/pfxrecryption/pfxrecryption/scripts/newapi@latest -module example.com/todo",
	},
	{
		Title:   "Call this API, or test against it",
		Text:    "Clients for Go, TypeScript and Python come from the same document. In Go tests, pfxtest.Start runs this server, without a tenant or a licence.",
		Command: "go get github.com/pfxrecryption/pfxrecryption/client",
	},
	{
		Title:   "Check the traffic of another service",
		Text:    "The gateway checks requests and responses by any OpenAPI document. Watch first, and let it refuse later.",
		Command: "pfxrd gateway --upstream http://127.0.0.1:3000 --spec openapi.yaml --requests monitor",
	},
}

const tokenPath = "/dev/" + devTenant + "/oauth2/v2.0/token"

// tokenForm is a token request to the development issuer, which checks neither id nor secret.
var tokenForm = url.Values{
	"grant_type": {"client_credentials"}, "client_id": {"docs"}, "client_secret": {"docs"}, "scope": {auth.DefaultAudience + "/.default"},
}

const objects = graph.BasePath + "/pfxRecryptionRequests"

func commandWithToken(origin string) string {
	return fmt.Sprintf(`curl -sSi '%s%s' -H "Authorization: Bearer $PFXR_TOKEN"`, origin, objects)
}

// developmentCommand returns a command that needs only curl and trusts the self-signed certificate of a development server.
func (c *Config) developmentCommand(origin string) string {
	curl := "curl -sS"
	if c.TLSCert != "" {
		curl = "curl -sSk"
	}
	form := strings.NewReplacer("%3A", ":", "%2F", "/").Replace(tokenForm.Encode())
	token := fmt.Sprintf(`PFXR_TOKEN=$(%s '%s%s' -d '%s' | sed 's/.*"access_token":"\([^"]*\)".*/\1/')`, curl, origin, tokenPath, form)
	if c.Seed != "" {
		return fmt.Sprintf("%s\n%s -i '%s%s' -H \"Authorization: Bearer $PFXR_TOKEN\"", token, curl, origin, objects)
	}
	return fmt.Sprintf("%s\n%s -i -X PATCH '%s%s/sample' -H \"Authorization: Bearer $PFXR_TOKEN\" -H 'Content-Type: application/json' -d '%s'",
		token, curl, origin, objects, pageExample())
}
