package gateway

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"sync"

	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
)

// rebuilt returns a request made only from what was checked.
func (x *exchange) rebuilt(found *match, hasBody bool) *http.Request {
	r := new(http.Request)
	*r = *x.request
	r.URL = &url.URL{RawQuery: x.route.canonicalQuery(x.request.URL.RawQuery)}
	path := found.path(x.route)
	graph.SetPath(r.URL, path)
	if r.URL.RawPath == r.URL.Path {
		r.URL.RawPath = ""
	}
	r.RequestURI = path
	if r.URL.RawQuery != "" {
		r.RequestURI += "?" + r.URL.RawQuery
	}
	r.TransferEncoding, r.Trailer, r.ContentLength, r.Body = nil, nil, 0, http.NoBody
	r.Form, r.PostForm, r.MultipartForm = nil, nil, nil // a handler in front may have parsed what was not checked
	if hasBody {
		x.lend(r, x.body.Bytes())
	}
	r.Header = x.cleanHeader(hasBody)
	return r
}

// withBody returns the request with a body that was already read.
func (x *exchange) withBody(data []byte) *http.Request {
	r := new(http.Request)
	*r = *x.request
	r.TransferEncoding, r.Trailer = nil, nil
	x.lend(r, data)
	return r
}

// lend gives a request a body until the exchange is over.
func (x *exchange) lend(r *http.Request, data []byte) {
	x.lent = &bytesBody{data: data}
	r.Body, r.ContentLength = x.lent, int64(len(data))
}

// passRest returns the request with the already read bytes put back before the rest of the body. The bytes are a copy,
// because the next handler may read after the exchange.
func (x *exchange) passRest() *http.Request {
	raw := x.body.Raw()
	if len(raw) == 0 {
		return x.request
	}
	r := new(http.Request)
	*r = *x.request
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(bytes.Clone(raw)), x.request.Body), x.request.Body}
	return r
}

// bytesBody is a complete body. After the exchange its bytes are reused, but some handlers still read then: the sending of
// an [http.Transport] outlives RoundTrip.
type bytesBody struct {
	data []byte
	mu   sync.Mutex
	read int
	over bool
}

// Bytes returns the whole body.
func (b *bytesBody) Bytes() []byte { return b.data }

func (b *bytesBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return 0, http.ErrBodyReadAfterClose
	}
	n := copy(p, b.data[b.read:])
	b.read += n
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// end waits for a Read in flight and ends the body.
func (b *bytesBody) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
}

// Close does nothing.
func (*bytesBody) Close() error { return nil }
