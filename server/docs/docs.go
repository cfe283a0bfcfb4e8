// Package docs serves web pages about an API on the API's own listener: a landing page, the OpenAPI document, and a
// reference that can send requests.
//
//	site, err := docs.New(docs.Config{Document: document})
//	…
//	handler = site.Handler(handler)
//
// The site responds to GET and HEAD for these paths and passes every other request on:
//
//	/              the landing page,   if Accept names text/html
//	/docs          the reference,      if Accept names text/html
//	/docs/…        their scripts, styles and icon, by name
//	/openapi.yaml  the document, and with ?bundle as one file; also /openapi.json
//
// The pages load nothing from other origins, run no inline script or style, and forbid both by a Content-Security-Policy.
// The landing page works without JavaScript.
//
// # The viewer
//
// The reference is Swagger UI, from the module github.com/swaggest/swgui. It is the only viewer of the five below that works
// under a policy without 'unsafe-inline'. Measured with the contract of this repository in Chromium 156, axe-core 4.14 and
// `default-src 'self'; img-src 'self' data:`:
//
//	                      script, gzip   under the policy           axe: rules violated (inline styles allowed)
//	Swagger UI 5.29              402 kB   works                      6, all mended here
//	Scalar 1.76                 1398 kB   shows text without style   2; compiles code at run time (eval)
//	Redoc 3.0                    650 kB   stays empty                no "try it"
//	RapiDoc 9.3                  218 kB   stays empty                5
//	OpenAPI Explorer 2.4         222 kB   stays empty                2
//
// Package swgui's own handler writes inline scripts, so only its files are used. The plugin in reference.js and style.css
// fix what axe reports: contrast, missing names of fields, links inside buttons, and a missing dark theme.
package docs

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pfxrecryption/pfxrecryption/openapi/bundle"
)

// Config holds the content of the pages.
type Config struct {
	// Document is the OpenAPI document, YAML or JSON. It is required.
	Document []byte
	// Files has the files that the document refers to, under the names it uses. It is nil if there are none.
	Files fs.FS
	// Title and Lead begin the landing page. The defaults are the document's title and the first paragraph of its
	// description.
	Title, Lead string
	// Uses are the suggestions on the landing page, in order.
	Uses []Use
	// Origin is the scheme and authority of the server, such as https://api.example. The default is taken from the request.
	Origin string
	// Command returns shell lines to paste. By default they download the document.
	Command func(origin string) string
	// Note explains Command in a sentence.
	Note string
	// Log receives a line for each request of the site; nil discards them.
	Log *slog.Logger
	// Token is where "try it" gets its tokens. If it is nil, the reader enters one.
	Token *Token
}

// Use is a suggestion on the landing page.
type Use struct {
	Title, Text string
	Command     string // a shell line, or ""
	Link        string // an address, or ""
	LinkText    string
}

// Token describes an OAuth 2 token endpoint on the same origin that needs no credentials, such as that of a development
// issuer.
type Token struct {
	Path string
	Form url.Values
}

// Site serves the pages of an API. It is safe for concurrent use.
type Site struct {
	config  Config
	assets  map[string]*asset // by path
	bundles map[string]*asset // by path, for ?bundle
	pages   map[string]func(*http.Request) ([]byte, error)
}

// New returns the pages for c. It returns an error if the document is invalid.
func New(c Config) (*Site, error) {
	s := &Site{config: c, assets: map[string]*asset{}, bundles: map[string]*asset{}}
	if err := s.addDocument(); err != nil {
		return nil, fmt.Errorf("docs: %w", err)
	}
	if err := s.addFiles(); err != nil {
		return nil, fmt.Errorf("docs: %w", err)
	}
	s.pages = map[string]func(*http.Request) ([]byte, error){"/": s.landing, "/docs": s.reference}
	return s, nil
}

// Handler returns a handler that serves the site and passes all other requests to next.
func (s *Site) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		response := s.responseTo(r)
		if response == nil {
			next.ServeHTTP(w, r)
			return
		}
		seen := &recorder{ResponseWriter: w, status: http.StatusOK}
		response.ServeHTTP(seen, r)
		if s.config.Log != nil {
			s.config.Log.LogAttrs(r.Context(), slog.LevelInfo, "request",
				slog.String("method", r.Method), slog.Int("status", seen.status), slog.String("path", r.URL.Path))
		}
	})
}

// recorder remembers the status of a response.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// responseTo returns nil if the request is not for the site. No path of the site needs escapes.
func (s *Site) responseTo(r *http.Request) *asset {
	path := r.URL.Path
	if r.Method != http.MethodGet && r.Method != http.MethodHead || r.URL.RawPath != "" || r.URL.Host != "" {
		return nil
	}
	if b := s.bundles[path]; b != nil && r.URL.Query().Has("bundle") {
		return b
	}
	if a := s.assets[path]; a != nil {
		return a
	}
	page := s.pages[path]
	if page == nil || !wantsHTML(r) {
		return nil
	}
	text, err := page(r)
	if err != nil {
		return nil // a template is invalid, and its tests show it
	}
	return newAsset("text/html; charset=utf-8", text)
}

// addDocument adds the document as YAML and as JSON. The author's form is served byte for byte.
func (s *Site) addDocument() error {
	written, err := bundle.Read(s.config.Document, nil)
	if err != nil {
		return err
	}
	whole, err := bundle.Read(s.config.Document, s.config.Files)
	if err != nil {
		return err
	}
	s.describe(written)
	isJSON := bytes.HasPrefix(bytes.TrimSpace(s.config.Document), []byte("{"))
	return errors.Join(
		s.addForm("/openapi.yaml", "application/yaml", bundle.YAML, written, whole, !isJSON),
		s.addForm("/openapi.json", "application/json", bundle.JSON, written, whole, isJSON),
	)
}

func (s *Site) addForm(path, mediaType string, write func(*yaml.Node) ([]byte, error), written, whole *yaml.Node, isSource bool) error {
	one, err := write(whole)
	if err != nil {
		return err
	}
	s.bundles[path] = newAsset(mediaType, one)
	text := s.config.Document
	if !isSource {
		if text, err = write(written); err != nil {
			return err
		}
	}
	s.assets[path] = newAsset(mediaType, text)
	return nil
}

// describe sets a missing title and lead from the document.
func (s *Site) describe(document *yaml.Node) {
	var about struct {
		Info struct{ Title, Description string }
	}
	_ = document.Decode(&about) // an unexpected title is ignored
	lead, _, _ := strings.Cut(strings.TrimSpace(about.Info.Description), "\n\n")
	s.config.Title = cmp.Or(s.config.Title, about.Info.Title, "API")
	s.config.Lead = cmp.Or(s.config.Lead, strings.ReplaceAll(lead, "`", ""))
}
