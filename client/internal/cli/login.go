package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/zalando/go-keyring"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

type loginCommand struct {
	Issuer string `env:"-" required:"" help:"The OpenID issuer, such as https://login.microsoftonline.com/TENANT/v2.0." placeholder:"URL"`
	File   bool   `env:"-" help:"Keep the token in a file that only you can read, instead of the platform's keyring."`
}

func (*loginCommand) Help() string {
	return examples("pfxr login --issuer https://login.microsoftonline.com/TENANT/v2.0 --client-id ID --scope api://…/.default",
		"PFXR_CLIENT_SECRET=… pfxr login --issuer http://127.0.0.1:8080/dev/TENANT/v2.0 --client-id ID --scope api://pfxrecryption/.default")
}

// Run gets a token: for the application if there is a secret, else for a user, who enters a code in a browser.
func (l *loginCommand) Run(ctx context.Context, c *console, f *connection) error {
	if f.ClientID == "" || len(f.Scope) == 0 {
		return usagef("pfxr login needs --client-id and --scope")
	}
	transport, err := f.transport()
	if err != nil {
		return err
	}
	ctx = oidc.ClientContext(ctx, &http.Client{Transport: transport})
	issuer, err := oidc.NewProvider(ctx, l.Issuer)
	if err != nil {
		return fmt.Errorf("reading the configuration of the issuer %s: %w", l.Issuer, err)
	}
	kept := login{Server: f.Server, ClientID: f.ClientID, Scope: f.Scope, TokenURL: issuer.Endpoint().TokenURL}
	if f.ClientSecret != "" {
		config := clientcredentials.Config{ClientID: f.ClientID, ClientSecret: f.ClientSecret, TokenURL: kept.TokenURL, Scopes: f.Scope}
		kept.Token, err = config.Token(ctx)
	} else {
		kept.Token, err = askUser(ctx, c, kept.config(issuer.Endpoint()))
	}
	if err != nil {
		return fmt.Errorf("getting a token from %s: %w", l.Issuer, err)
	}
	where, err := kept.save(l.File)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.err, "Logged in to %s; the token is in %s.\n", f.Server, where)
	return nil
}

// askUser lets a user sign in on any device (RFC 8628).
func askUser(ctx context.Context, c *console, config *oauth2.Config) (*oauth2.Token, error) {
	if config.Endpoint.DeviceAuthURL == "" {
		return nil, errors.New("it does not support device codes: give --client-secret")
	}
	if !slices.Contains(config.Scopes, oidc.ScopeOfflineAccess) {
		config.Scopes = append(config.Scopes, oidc.ScopeOfflineAccess)
	}
	code, err := config.DeviceAuth(ctx)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(c.err, "Open %s in a browser and enter the code %s.\n", code.VerificationURI, code.UserCode)
	return config.DeviceAccessToken(ctx, code)
}

type logoutCommand struct{}

func (*logoutCommand) Help() string {
	return examples("pfxr logout", "pfxr logout --server https://graph.example.com/beta")
}

// Run deletes the token of the server.
func (*logoutCommand) Run(c *console, f *connection) error {
	ring := keyring.Delete(service, account(f.Server))
	name, err := loginFile(f.Server)
	if err != nil {
		return err
	}
	err = os.Remove(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if ring != nil && err != nil {
		fmt.Fprintf(c.err, "There is no token for %s.\n", f.Server)
		return nil
	}
	fmt.Fprintf(c.err, "Logged out of %s.\n", f.Server)
	return nil
}

// service is the program's name in keyrings.
const service = "pfxr"

// account is a server's name in keyrings.
func account(server string) string { return strings.TrimSuffix(server, "/") }

// login is what pfxr login stores for a server.
type login struct {
	Server   string        `json:"server"`
	TokenURL string        `json:"tokenUrl"`
	ClientID string        `json:"clientId"`
	Scope    []string      `json:"scope"`
	Token    *oauth2.Token `json:"token"`

	inFile bool
}

func (l *login) config(endpoint oauth2.Endpoint) *oauth2.Config {
	return &oauth2.Config{ClientID: l.ClientID, Endpoint: endpoint, Scopes: slices.Clone(l.Scope)}
}

// save stores the login in the keyring, or in a file if asFile is true or there is no keyring. It returns the place.
func (l *login) save(asFile bool) (string, error) {
	text, err := json.Marshal(l)
	if err != nil {
		return "", err
	}
	name, err := loginFile(l.Server)
	if err != nil {
		return "", err
	}
	if !asFile && keyring.Set(service, account(l.Server), string(text)) == nil {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		return "the keyring", nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return "", err
	}
	return name, saveState(name, l)
}

// loadLogin returns the login for a server, or nil. A file takes precedence: save leaves only one of the two.
func loadLogin(server string) (*login, error) {
	name, err := loginFile(server)
	if err != nil {
		return nil, nil // without a home directory there is no login
	}
	l := &login{inFile: true}
	if found, err := loadState(name, l); found || err != nil {
		return l, err
	}
	text, err := keyring.Get(service, account(server))
	if err != nil {
		return nil, nil // there is no keyring, or it has no login for this server
	}
	l.inFile = false
	if err := json.Unmarshal([]byte(text), l); err != nil {
		return nil, errors.New("the keyring's entry for this server is invalid: run pfxr login again")
	}
	return l, nil
}

// loginFile returns the file of a login that is not in a keyring.
func loginFile(server string) (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(account(server)))
	return filepath.Join(dir, "pfxr", "logins", hex.EncodeToString(sum[:8])+".json"), nil
}

// token returns the current token of the login, or refreshes and stores it. If an expired token cannot be refreshed, the
// error says what to do.
func (l *login) token(ctx context.Context) (*oauth2.Token, error) {
	if !l.Token.Valid() && l.Token.RefreshToken == "" {
		return nil, errors.New("the login has expired: run pfxr login again")
	}
	token, err := l.config(oauth2.Endpoint{TokenURL: l.TokenURL}).TokenSource(ctx, l.Token).Token()
	if err != nil {
		return nil, fmt.Errorf("%w: run pfxr login again", err)
	}
	if token.AccessToken == l.Token.AccessToken {
		return token, nil
	}
	l.Token = token
	_, err = l.save(l.inFile)
	return token, err
}

// source supplies a client with the tokens of a login.
type source struct {
	ctx   context.Context //nolint:containedctx // oauth2.TokenSource takes no context
	login *login
}

func (s source) Token() (*oauth2.Token, error) { return s.login.token(s.ctx) }
