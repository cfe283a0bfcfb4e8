package upstream

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Name returns the authority of the upstream.
func (c *Client) Name() string { return c.host }

// Caller returns the address of the client: that of the connection, or the last one in X-Forwarded-For that is not a trusted
// proxy's. The elements before that are the client's own claims.
func (c *Client) Caller(r *http.Request) string {
	caller, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	if len(c.config.Trusted) == 0 || len(r.Header["X-Forwarded-For"]) == 0 || !c.trusts(caller) {
		return caller
	}
	list := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	for _, address := range slices.Backward(list) {
		ip, err := netip.ParseAddr(strings.TrimSpace(address))
		if err != nil {
			return caller // the earlier addresses are unknown
		}
		if caller = ip.String(); !c.trusts(caller) {
			return caller
		}
	}
	return caller
}
