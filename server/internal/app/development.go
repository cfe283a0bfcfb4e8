package app

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// development is what --dev has in front of the API: the issuer, and a check of whom requests are for. A page from anywhere
// can have its own name resolve to loopback and call what listens there as its own (DNS rebinding); what gives that away is
// the name.
type development struct {
	api    http.Handler
	refuse func(http.ResponseWriter, *http.Request, error)
	issuer *auth.Issuer
	public string // the host of --public-url, "" for none
	any    bool   // answers for every name
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

// answersFor reports whether a host, maybe with a port, is loopback's or that of --public-url. HTTP/1.0 may say none. The
// API answers for names without a dot, too, which no public zone of DNS has; without a token of the issuer it gives nothing
// away.
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
