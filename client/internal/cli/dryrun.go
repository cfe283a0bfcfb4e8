package cli

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// showing is a transport that prints requests instead of sending them.
type showing struct {
	console    *console
	authorized bool // the request would carry a token; it is not printed
}

func (s *showing) RoundTrip(r *http.Request) (*http.Response, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", r.Method, r.URL)
	header := r.Header.Clone()
	header.Del("Client-Request-Id") // it differs in each call
	if s.authorized {
		header.Set("Authorization", "Bearer …")
	}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(header[name], ", "))
	}
	if r.Body != nil {
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "\n%s\n", body)
	}
	if _, err := io.WriteString(s.console.out, b.String()); err != nil {
		return nil, err
	}
	return nil, errDryRun
}
