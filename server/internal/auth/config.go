package auth

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"
	"unicode"
)

// defaultCacheSize is the default number of cached verified tokens.
const defaultCacheSize = 10_000

// Config holds the settings of a [Verifier].
type Config struct {
	// Issuers are the trusted issuers, as in `iss`: https addresses (http only on loopback) in which the path segment
	// {tenantid} is replaced by the token's `tid`. AzureCloud, AzureUSGovernment and AzureChinaCloud are all tenants of that
	// Microsoft Entra cloud. Required unless Local is set.
	Issuers []string
	// Local is a development issuer in this process that is also trusted; its keys are not fetched. Nil means none.
	Local *Issuer
	// Audiences are the names of this API in `aud`, compared exactly. Required unless Local is set.
	Audiences []string
	// HTTPClient fetches keys. It never follows redirects. Nil means a default client that uses the environment's proxies.
	HTTPClient *http.Client
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
	// Log receives events about keys, never a token. Nil discards them.
	Log *slog.Logger
	// Checked is called for each check of a token with accepted, missing, invalid, expired, audience or unavailable. It may
	// be nil.
	Checked func(outcome string)
	// Fetched is called for each fetch of an issuer's keys. It may be nil.
	Fetched func(issuer string, err error)
	// CacheSize is the number of cached verified tokens, 1 to 1,000,000; each takes about 1 KiB. 0 means 10,000.
	CacheSize int
}

// validate returns c with defaults and the parsed issuers, or an error that names the field.
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

// CheckIssuers returns an error that names the first invalid issuer.
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

// CheckAudiences returns an error that names the first invalid audience.
func CheckAudiences(audiences []string) error {
	for i, text := range audiences {
		if text == "" || strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) {
			return fmt.Errorf("Audiences[%d] is %q: want printable characters without spaces", i, text)
		}
	}
	return nil
}
