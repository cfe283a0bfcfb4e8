// Package view shows the last hour of a gateway as a web page:
//
//	page := view.New(recorder)
//	page.Register(mux)
//	server.RegisterOnShutdown(page.Close)
//
// The page is complete without JavaScript. With it, server-sent events keep it current. It loads nothing from other origins,
// and shows names but no values of requests.
package view

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"sync"
	"time"

	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/traffic"
)

//go:embed assets
var assets embed.FS

var pages = template.Must(template.New("").Funcs(functions).ParseFS(assets, "assets/*.html"))

// sections are the parts of the page that change, by the names of their templates.
var sections = []string{"preview", "requests", "violations", "paths", "spots", "refusals"}

const (
	// interval is how often a section is sent if it has changed.
	interval = time.Second
	// maxViewers is how many pages may follow at once.
	maxViewers = 16
	// sendTimeout bounds a write to a page that does not read.
	sendTimeout = 10 * time.Second
)

// Page is the page. It is safe for concurrent use.
type Page struct {
	recorder *traffic.Recorder
	now      func() time.Time
	tick     func() (ticks <-chan time.Time, stop func())
	viewers  chan struct{}
	closing  sync.Once
	closed   chan struct{}
}

// New returns a page for a recorder.
func New(recorder *traffic.Recorder) *Page {
	return &Page{
		recorder: recorder, now: time.Now, viewers: make(chan struct{}, maxViewers), closed: make(chan struct{}),
		tick: func() (<-chan time.Time, func()) {
			t := time.NewTicker(interval)
			return t.C, t.Stop
		},
	}
}

// Close ends the event streams.
func (p *Page) Close() { p.closing.Do(func() { close(p.closed) }) }

// Register serves the page at / and its assets below /view/.
func (p *Page) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", p.serve)
	mux.HandleFunc("GET /view/events", p.events)
	for name, mediaType := range map[string]string{"style.css": "text/css; charset=utf-8", "script.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml"} {
		mux.HandleFunc("GET /view/"+name, asset(name, mediaType))
	}
}

func asset(name, mediaType string) http.HandlerFunc {
	data, err := assets.ReadFile("assets/" + name)
	if err != nil {
		panic(err) // the assets are embedded
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		setHeader(w.Header(), mediaType)
		_, _ = w.Write(data) // the browser may be gone
	}
}

// setHeader sets the header fields of every response: nothing is loaded from other origins, nothing inline runs, and no
// other page can read or frame this one.
func setHeader(h http.Header, mediaType string) {
	h.Set("Content-Type", mediaType)
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "+
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// serve responds with the whole page.
func (p *Page) serve(w http.ResponseWriter, _ *http.Request) {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, "page.html", newModel(p.recorder.Hour(p.now()))); err != nil {
		http.Error(w, "The page could not be made.", http.StatusInternalServerError)
		return
	}
	setHeader(w.Header(), "text/html; charset=utf-8")
	_, _ = w.Write(b.Bytes()) // the browser may be gone
}

// events sends each section once and then whenever it changes.
func (p *Page) events(w http.ResponseWriter, r *http.Request) {
	select {
	case p.viewers <- struct{}{}:
		defer func() { <-p.viewers }()
	default:
		http.Error(w, "Too many pages are following already.", http.StatusServiceUnavailable)
		return
	}
	setHeader(w.Header(), "text/event-stream")
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Time{}) // the server's read deadline would end the response
	ticks, stop := p.tick()
	defer stop()
	sent := map[string]string{}
	for {
		_ = c.SetWriteDeadline(time.Now().Add(sendTimeout))
		if p.send(w, sent) != nil || c.Flush() != nil {
			return
		}
		select {
		case <-ticks:
		case <-r.Context().Done():
			return
		case <-p.closed:
			return
		}
	}
}

// send writes an event for each section that has changed.
func (p *Page) send(w http.ResponseWriter, sent map[string]string) error {
	m := newModel(p.recorder.Hour(p.now()))
	for _, name := range sections {
		var b bytes.Buffer
		if err := pages.ExecuteTemplate(&b, name, m); err != nil {
			return err
		}
		if sent[name] == b.String() {
			continue
		}
		sent[name] = b.String()
		data, err := json.Marshal(map[string]string{"id": name, "html": b.String()})
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "event: section\ndata: %s\n\n", data); err != nil {
			return err
		}
	}
	_, err := fmt.Fprint(w, ": \n\n") // detects a browser that is gone
	return err
}
