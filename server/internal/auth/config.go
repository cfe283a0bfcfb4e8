package auth

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"
	"unicode"
)

// defaultCacheSize is the number of verified tokens that are remembered unless Config says otherwise.
const defaultCacheSize = 10_000

// Config says whose tokens are good.
type Config struct {
	// Issuers are those whose tokens are trusted, as `iss` has them: https addresses (http on loopback only) in which the
	// path segment {tenantid}, if there is one, stands for the token's `tid`, or AzureCloud, AzureUSGovernment or
	// AzureChinaCloud for all tenants of Microsoft Entra there. Required unless there is Local.
	Issuers []string
	// Local is a development issuer in this process, whose tokens are trusted too: its keys are not fetched. Nil means none.
	Local *Issuer
	// Audiences are the names that this API goes by in `aud`, compared letter by letter. Required
	// unless there is Local.
	Audiences []string
	// HTTPClient fetches keys. Redirects are never followed. Nil means a client of its own, with the environment's proxies.
	HTTPClient *http.Client
	// Now tells the time. Nil means time.Now.
	Now func() time.Time
	// Log gets what happens to keys; never a token. Nil means nobody.
	Log *slog.Logger
	// Checked is told of each check of a token: accepted, missing, invalid, expired, audience or unavailable. Nil means
	// nobody is.
	Checked func(outcome string)
	// Fetched is told of each fetch of an issuer's keys. Nil means nobody is.
	Fetched func(issuer string, err error)
	// CacheSize is how many verified tokens are remembered, 1 to 1,000,000; each takes about 1 KiB. 0 means 10,000.
	CacheSize int
}

// validate returns c with its defaults and its issuers parsed, or an error that names the field.
func (c Config) validate() (Config, []template, error) {
	if len(c.Issuers) == 0 && c.Local == nil {
		return c, nil, fmt.Errorf("auth: Issuers is empty: want at least one")
	}
	if len(c.Audiences) == 0 && c.Local == nil {
		return c, nil, fmt.Errorf("auth: Audiences is empty: want at least one")
	}
	templates, err := parseTemplates(c.Issuers)
	if err != nil {
		return c, nil, fmt.Errorf("auth: %w", err)
	}
	if err := CheckAudiences(c.Audiences); err != nil {
		return c, nil, fmt.Errorf("auth: %w", err)
	}
	if c.CacheSize < 0 || c.CacheSize > 1_000_000 {
		return c, nil, fmt.Errorf("auth: CacheSize is %d: want 1 to 1000000, or 0 for %d", c.CacheSize, defaultCacheSize)
	}
	if c.CacheSize == 0 {
		c.CacheSize = defaultCacheSize
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Checked == nil {
		c.Checked = func(string) {}
	}
	if c.Fetched == nil {
		c.Fetched = func(string, error) {}
	}
	return c, templates, nil
}

// CheckIssuers returns an error that names the first of issuers that [Config] would refuse.
func CheckIssuers(issuers []string) error {
	_, err := parseTemplates(issuers)
	return err
}

func parseTemplates(issuers []string) ([]template, error) {
	templates := make([]template, len(issuers))
	for i, text := range issuers {
		var err error
		if templates[i], err = parseTemplate(text); err != nil {
			return nil, fmt.Errorf("Issuers[%d] is %q: %w", i, withoutUser(text), err)
		}
		for j := range i {
			if templates[j].discovery() == templates[i].discovery() {
				return nil, fmt.Errorf("Issuers[%d] is %q: it has the same metadata as Issuers[%d]", i, text, j)
			}
		}
	}
	return templates, nil
}

// CheckAudiences returns an error that names the first of audiences that [Config] would refuse.
func CheckAudiences(audiences []string) error {
	for i, text := range audiences {
		if text == "" || strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) {
			return fmt.Errorf("Audiences[%d] is %q: want printable characters without space", i, text)
		}
	}
	return nil
}
