package auth

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"
)

// tenantPlaceholder is the tenant's GUID in the issuer of a multi-tenant authority, as in Entra's discovery document of
// `common`.
const tenantPlaceholder = "{tenantid}"

// template is a configured issuer: for all tenants, with the placeholder as a path segment, or a single one.
type template struct {
	text           string
	prefix, suffix string // the text around the placeholder
	multiTenant    bool
	plain          bool // http on loopback
}

// clouds are Microsoft Entra's authorities by their Azure CLI names in lower case. Their tokens have version 2.0.
var clouds = map[string]string{
	"azurecloud":        "https://login.microsoftonline.com/" + tenantPlaceholder + "/v2.0",
	"azureusgovernment": "https://login.microsoftonline.us/" + tenantPlaceholder + "/v2.0",
	"azurechinacloud":   "https://login.partner.microsoftonline.cn/" + tenantPlaceholder + "/v2.0",
}

// parseTemplate parses an issuer: an address, or the name of a cloud.
func parseTemplate(text string) (template, error) {
	if address, ok := clouds[strings.ToLower(text)]; ok {
		text = address
	}
	prefix, suffix, multiTenant := strings.Cut(text, tenantPlaceholder)
	if multiTenant && (!strings.HasSuffix(prefix, "/") || strings.HasSuffix(prefix, "//") || suffix != "" && suffix[0] != '/') {
		return template{}, errors.New("{tenantid} must be a whole segment of the path")
	}
	t := template{text: text, prefix: prefix, suffix: suffix, multiTenant: multiTenant}
	sample := t.of("common")
	u, err := url.Parse(sample)
	switch {
	case err != nil:
		return template{}, errors.New("not a URL")
	case u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.ContainsAny(sample, "#{}"):
		return template{}, errors.New("want https://host/path, with {tenantid} at most once and no user, query or fragment, or one of AzureCloud, AzureUSGovernment, AzureChinaCloud")
	case u.Scheme != "https" && !plainLoopback(u):
		return template{}, errors.New("want https; http only on loopback")
	case u.String() != sample:
		return template{}, errors.New("not in normal form")
	}
	t.plain = u.Scheme == "http"
	return t, nil
}

// of returns the issuer of one tenant.
func (t template) of(tenant string) string {
	if !t.multiTenant {
		return t.text
	}
	return t.prefix + tenant + t.suffix
}

// withoutUser returns an address for a message, without the part before '@', which may contain a password.
func withoutUser(address string) string {
	at := strings.LastIndexByte(address, '@')
	switch {
	case at < 0:
		return address
	case strings.HasPrefix(address, "https://"):
		return "https://…" + address[at:]
	}
	return "…" + address[at:]
}

// discovery returns the address of the issuer's metadata (OpenID Connect Discovery 1.0 §4).
func (t template) discovery() string {
	return strings.TrimSuffix(t.of("common"), "/") + "/.well-known/openid-configuration"
}

// plainLoopback reports whether u is an http address that never leaves the machine.
func plainLoopback(u *url.URL) bool { return u.Scheme == "http" && loopback(u) }

func loopback(u *url.URL) bool {
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
}
