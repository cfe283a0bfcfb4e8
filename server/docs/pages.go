package docs

import (
	"bytes"
	"html/template"
	"net/http"
	"regexp"
)

var templates = template.Must(template.ParseFS(own, "assets/*.html"))

// landing returns the landing page, with the address that the browser used.
func (s *Site) landing(r *http.Request) ([]byte, error) {
	origin := s.originOf(r)
	command := "curl -sS " + origin + "/openapi.yaml"
	if s.config.Command != nil {
		command = s.config.Command(origin)
	}
	return render("landing.html", map[string]any{"Site": &s.config, "Command": command})
}

// reference returns the page of the viewer.
func (s *Site) reference(*http.Request) ([]byte, error) {
	facts := map[string]any{"Site": &s.config}
	if t := s.config.Token; t != nil {
		facts["TokenPath"], facts["TokenForm"] = t.Path, t.Form.Encode()
	}
	return render("reference.html", facts)
}

func render(name string, facts any) ([]byte, error) {
	var b bytes.Buffer
	err := templates.ExecuteTemplate(&b, name, facts)
	return b.Bytes(), err
}

// plainHost matches hosts without characters that are special to a shell.
var plainHost = regexp.MustCompile(`^[A-Za-z0-9.:\[\]-]+$`)

func (s *Site) originOf(r *http.Request) string {
	switch {
	case s.config.Origin != "":
		return s.config.Origin
	case !plainHost.MatchString(r.Host):
		return "http://localhost"
	case r.TLS != nil:
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
