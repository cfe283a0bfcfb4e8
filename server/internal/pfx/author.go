package pfx

import "context"

// Author is the client that requested a change, with the HTTP request, for the audit trail. It is empty for the
// program's own changes, such as loading a seed.
type Author struct {
	Subject string // `oid` of the token, else `sub`
	App     string // `azp`, else `appid`
	Token   string // `uti`, else `jti`
	Request string // the request id
}

// AuthorKey is the context key of an *Author.
type AuthorKey struct{}

// AuthorOf returns the author of changes made with ctx.
func AuthorOf(ctx context.Context) Author {
	if a, ok := ctx.Value(AuthorKey{}).(*Author); ok && a != nil {
		return *a
	}
	return Author{}
}
