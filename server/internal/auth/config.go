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
	// path segment {tenantid}, if there is one, stands for the token's `tid`. Required.
	Issuers []string
	// Audiences are the names that this API goes by in `aud`, compared letter by letter. Required.
	Audiences []string
	// HTTPClient fetches keys. Redirects are never followed. Nil means a client of its own, with the environment's proxies.
	HTTPClient *http.Client
	// Now tells the time. Nil means time.Now.
	Now func() time.Time
	// Log gets what happens to keys; never a token. Nil means nobody.
	Log *slog.Logger
	// CacheSize is how many verified tokens are remembered, 1 to 1,000,000; each takes about 1 KiB. 0 means 10,000.
	CacheSize int
}

// validate returns c with its defaults and its issuers parsed, or an error that names the field.
func (c Config) validate() (Config, []template, error) {
	if len(c.Issuers) == 0 {
		return c, nil, fmt.Errorf("auth: Issuers is empty: want at least one")
	}
	if len(c.Audiences) == 0 {
		return c, nil, fmt.Errorf("auth: Audiences is empty: want at least one")
	}
	templates := make([]template, len(c.Issuers))
	for i, text := range c.Issuers {
		var err error
		if templates[i], err = parseTemplate(text); err != nil {
			return c, nil, fmt.Errorf("auth: Issuers[%d] is %q: %w", i, text, err)
		}
		for j := range i {
			if templates[j].discovery() == templates[i].discovery() {
				return c, nil, fmt.Errorf("auth: Issuers[%d] is %q: it has the same metadata as Issuers[%d]", i, text, j)
			}
		}
	}
	for i, text := range c.Audiences {
		if text == "" || strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) {
			return c, nil, fmt.Errorf("auth: Audiences[%d] is %q: want printable characters without space", i, text)
		}
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
	return c, templates, nil
}
