package batch

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/message"
)

// response keeps the response to a request of a batch. It is an [http.ResponseWriter].
type response struct {
	header http.Header
	status int // 0 until it begins
	body   bytes.Buffer
}

func newResponse() *response { return &response{header: http.Header{}} }

func (w *response) Header() http.Header { return w.header }

// WriteHeader begins the response; interim responses are dropped.
func (w *response) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
}

func (w *response) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// append appends the response to the request with the id.
func (w *response) append(buf []byte, id string) []byte {
	buf = validate.AppendString(append(buf, `{"id":`...), id)
	buf = strconv.AppendInt(append(buf, `,"status":`...), int64(max(w.status, http.StatusOK)), 10)
	buf = append(buf, `,"headers":{`...)
	n := 0
	for _, name := range slices.Sorted(maps.Keys(w.header)) {
		if len(w.header[name]) == 0 || isOfConnection(name) {
			continue
		}
		if n++; n > 1 {
			buf = append(buf, ',')
		}
		buf = append(validate.AppendString(buf, name), ':')
		buf = validate.AppendString(buf, strings.ToValidUTF8(strings.Join(w.header[name], ", "), "\uFFFD"))
	}
	buf = append(buf, '}')
	if w.body.Len() > 0 {
		buf = w.appendBody(append(buf, `,"body":`...))
	}
	return append(buf, '}')
}

// appendBody appends a JSON body unchanged; otherwise the batch would not stay JSON.
func (w *response) appendBody(buf []byte) []byte {
	mediaType, _, _ := strings.Cut(strings.ToLower(w.header.Get("Content-Type")), ";")
	if body := w.body.Bytes(); validate.IsJSON(strings.TrimSpace(mediaType)) && json.Valid(body) {
		return append(buf, body...)
	}
	buf = append(buf, '"')
	buf = base64.RawURLEncoding.AppendEncode(buf, w.body.Bytes())
	return append(buf, '"')
}

// isOfConnection reports whether a field describes the HTTP message, which a batch does not have.
func isOfConnection(name string) bool {
	return name == "Content-Length" || name == "Date" || message.IsHopByHop(name)
}
