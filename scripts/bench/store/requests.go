//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi"
	"github.com/pfxrecryption/pfxrecryption/scripts/bench/load"
)

// source makes the requests of a connection.
type source = func(connection int) func() []byte

const objectsPath = "/beta/pfxRecryptionRequests"

// key returns the key of the i-th object of a tenant: as long as the server's keys, and in ascending order.
func key(i int) string { return fmt.Sprintf("%08x", i) + keyEnd }

const keyEnd = "-0000-4000-8000-000000000000"

// Statuses have nine digits, so that one can replace another in place.
const (
	leastStatus = 100_000_000
	statuses    = 900_000_000
)

// pageUpdate is the page's example request with a status of nine digits.
var pageUpdate = bytes.Replace(openapi.UpdateRequestExample, []byte(`"status": 6`), fmt.Appendf(nil, `"status": %d`, leastStatus), 1)

// statusUpdate changes only the status.
var statusUpdate = fmt.Appendf(nil, `{"status": %d}`, leastStatus)

// updates returns a source of updates with a body: each gives one of the objects a new status.
func (s *server) updates(objects int, body []byte) source {
	request := append(fmt.Appendf(nil, "PATCH %s/%s HTTP/1.1\r\nHost: %s\r\nUser-Agent: load\r\nAccept: application/json\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n",
		objectsPath, key(0), s.Address, s.token, len(body)), body...)
	keyAt := bytes.Index(request, []byte(key(0)))
	statusAt := bytes.LastIndex(request, []byte(strconv.Itoa(leastStatus)))
	return func(connection int) func() []byte {
		text, random := bytes.Clone(request), rand.New(rand.NewPCG(rand.Uint64(), uint64(connection)))
		return func() []byte {
			digits := fmt.Appendf(nil, "%08x", random.IntN(objects))
			copy(text[keyAt:], digits)
			copy(text[statusAt:], strconv.AppendInt(digits[:0], leastStatus+random.Int64N(statuses), 10))
			return text
		}
	}
}

// get returns a GET of a path.
func (s *server) get(path string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: load\r\nAccept: application/json\r\nAuthorization: Bearer %s\r\n\r\n", path, s.Address, s.token)
}

// next returns the path of the page after a page.
func (s *server) next(path string) (string, error) {
	c, err := load.Dial(s.Address)
	if err != nil {
		return "", err
	}
	defer func() { _ = c.Close() }() // all responses were read
	body, err := c.Body(s.get(path))
	if err != nil {
		return "", err
	}
	var page struct {
		NextLink string `json:"@odata.nextLink"`
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return "", fmt.Errorf("reading a page: %w", err)
	}
	link, ok := strings.CutPrefix(page.NextLink, "http://"+s.Address)
	if !ok {
		return "", fmt.Errorf("the page %s is followed by %q", path, page.NextLink)
	}
	return link, nil
}
