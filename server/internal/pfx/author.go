package pfx

import "context"

// Author is who asks for a change, and by which HTTP request. All of it is for the audit trail, and empty for a change of the
// program's own, such as the loading of a seed.
type Author struct {
	Subject string // `oid` of the token, else `sub`
	App     string // `azp`, else `appid`
	Token   string // `uti`, else `jti`
	Request string // the request id
}

// AuthorKey is the key under which a context has its *Author.
type AuthorKey struct{}

// AuthorOf returns the author of the changes that are made with ctx.
func AuthorOf(ctx context.Context) Author {
	if a, ok := ctx.Value(AuthorKey{}).(*Author); ok && a != nil {
		return *a
	}
	return Author{}
}
