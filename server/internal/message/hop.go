package message

// IsHopByHop reports whether a header field is for one connection only (RFC 9110 §7.6.1). name is in canonical form. A
// Connection field can name further ones.
func IsHopByHop(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding",
		"Upgrade":
		return true
	}
	return false
}
