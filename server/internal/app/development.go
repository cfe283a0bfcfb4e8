package app

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// development serves the API with --dev: it adds the issuer and checks the Host of each request. Any web page can make its
// own name resolve to loopback and then call the server as its own origin (DNS rebinding). The name in Host gives that away.
type development struct {
	api    http.Handler
	refuse func(http.ResponseWriter, *http.Request, error)
	issuer *auth.Issuer
	public string // the host of --public-url, or ""
	any    bool   // accept every name
}

func (d *development) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	issues := d.issuer.Serves(r)
	if err := graph.CheckTarget(r); err != nil {
		d.refuse(w, r, err)
		return
	}
	if !d.any && !d.answersFor(r.Host, issues) {
		d.refuse(w, r, graph.Misdirected())
		return
	}
	if issues {
		d.issuer.ServeHTTP(w, r)
		return
	}
	d.api.ServeHTTP(w, r)
}

// answersFor reports whether a host, with an optional port, is loopback or that of --public-url. HTTP/1.0 may send no Host.
// The API also accepts names without a dot, which no public DNS zone has; without a token of the issuer it reveals nothing.
func (d *development) answersFor(host string, issues bool) bool {
	name := strings.ToLower(strings.TrimSuffix((&url.URL{Host: host}).Hostname(), "."))
	ip, err := netip.ParseAddr(name)
	switch {
	case host == "", name == "localhost", strings.HasSuffix(name, ".localhost"), d.public != "" && strings.EqualFold(host, d.public):
		return true
	case err == nil:
		return ip.IsLoopback()
	}
	return !issues && !strings.Contains(name, ".")
}

// hostOf returns the authority of an origin, "" of none.
func hostOf(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return ""
	}
	return u.Host
}
