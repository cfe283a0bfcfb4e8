package docs

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/swaggest/swgui/v5/static"
)

//go:embed assets
var own embed.FS

// mediaTypes are the types of the site's own files.
var mediaTypes = map[string]string{
	"style.css": "text/css; charset=utf-8", "reference.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml",
	"landing.js": "text/javascript; charset=utf-8", "reference.js": "text/javascript; charset=utf-8",
}

// viewer are the files of Swagger UI, which package static has compressed.
var viewer = map[string]string{"swagger-ui.css": "text/css; charset=utf-8", "swagger-ui-bundle.js": "text/javascript; charset=utf-8"}

// addFiles adds the files that the pages load.
func (s *Site) addFiles() error {
	for name, mediaType := range mediaTypes {
		text, err := own.ReadFile("assets/" + name)
		if err != nil {
			return err
		}
		s.assets["/docs/"+name] = newAsset(mediaType, text)
	}
	for name, mediaType := range viewer {
		compressed, err := static.FS.ReadFile(name + ".gz")
		if err != nil {
			return fmt.Errorf("the viewer: %w", err)
		}
		s.assets["/docs/"+name] = &asset{mediaType: mediaType, compressed: func() []byte { return compressed }, tag: tag(compressed)}
	}
	return nil
}

// asset is a fixed response.
type asset struct {
	mediaType  string
	text       []byte        // nil: only the compressed form is kept
	compressed func() []byte // safe for concurrent use
	tag        string
}

// newAsset compresses the text when a client first asks for that: most starts and reloads of a gateway are never looked at.
func newAsset(mediaType string, text []byte) *asset {
	compressed := sync.OnceValue(func() []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = w.Write(text) // a buffer never fails
		_ = w.Close()
		return b.Bytes()
	})
	return &asset{mediaType: mediaType, text: text, compressed: compressed, tag: tag(text)}
}

func tag(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:12])
}

// ServeHTTP responds with the file, or with 304 or 206 if the request asks for that (RFC 9110 §13 and §14). Each encoding
// has its own entity tag (RFC 9110 §8.8.3.3).
func (a *asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	setHeader(h, a.mediaType)
	body, suffix := a.text, ""
	if acceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
		body, suffix = a.compressed(), "-gzip"
	} else if body == nil {
		body = decompress(a.compressed())
	}
	h.Set("ETag", strconv.Quote(a.tag+suffix))
	h.Add("Vary", "Accept, Accept-Encoding")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// decompress returns the uncompressed file, for clients that do not accept gzip.
func decompress(compressed []byte) []byte {
	r, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		panic(err) // it is embedded and valid
	}
	text, err := io.ReadAll(r)
	if err != nil {
		panic(err)
	}
	return text
}

// setHeader sets the common header fields: nothing is loaded from other origins, nothing inline runs, and no other page can
// frame this one. Swagger UI's style sheet needs pictures from data: addresses.
func setHeader(h http.Header, mediaType string) {
	h.Set("Content-Type", mediaType)
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "+
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache") // a browser revalidates and gets 304
}

// wantsHTML reports whether Accept names text/html: browsers send that, other clients do not.
func wantsHTML(r *http.Request) bool { return isAccepted(r.Header["Accept"], "text/html") }

func acceptsGzip(r *http.Request) bool { return isAccepted(r.Header["Accept-Encoding"], "gzip") }

// isAccepted reports whether a field lists a value with a weight above 0 (RFC 9110 §12.4.2).
func isAccepted(fields []string, value string) bool {
	for item := range strings.SplitSeq(strings.Join(fields, ","), ",") {
		name, parameters, err := mime.ParseMediaType(item)
		if err != nil || name != value {
			continue
		}
		weight, err := strconv.ParseFloat(parameters["q"], 64)
		return parameters["q"] == "" || err == nil && weight > 0
	}
	return false
}
