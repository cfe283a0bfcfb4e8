//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// caller sends requests over its own connections.
type caller struct {
	http  *http.Client
	token func(context.Context) (string, error)
}

// newCaller returns a caller with at most n connections to a server at the same time.
func (r *rig) newCaller(n int) *caller {
	return &caller{http: &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			MaxIdleConnsPerHost: n, MaxConnsPerHost: n,
			IdleConnTimeout: 30 * time.Second, // shorter than the server's, or an update could meet a closing connection
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, token: r.bearer}
}

func (c *caller) close() { c.http.CloseIdleConnections() }

// object has the members that the harnesses write. All of them follow from the number of the update, so a partial update is
// visible.
type object struct {
	Status              int32  `json:"status"`
	SourceType          int32  `json:"sourceType"`
	Thumbprint          string `json:"thumbprint"`
	DeviceKeyThumbprint string `json:"deviceKeyThumbprint"`
	ETag                string `json:"eTag"`
}

// numbered returns the object of update n, with strings of the given length.
func numbered(n int32, length int) object {
	text := fmt.Sprintf("update-%d-", n)
	text += strings.Repeat(string('a'+n%26), max(0, length-len(text)))
	return object{n, n, text, text, text}
}

// whole reports whether numbered has made the object.
func (o object) whole() bool { return o == numbered(o.Status, len(o.Thumbprint)) }

// reply is a response of a server.
type reply struct {
	status int
	tag    string // the ETag header field
	object object // body of 200 and 201
	said   string // message of an error
	header http.Header
}

// errNotSent says that no part of the request has reached a server.
var errNotSent = errors.New("not sent")

// send sends a request. Header fields are pairs of name and value. After an error other than errNotSent it is unknown
// whether the request was applied.
func (c *caller) send(ctx context.Context, method, url string, body any, header ...string) (reply, error) {
	token, err := c.token(ctx)
	if err != nil {
		return reply{}, fmt.Errorf("%w: %w", errNotSent, err)
	}
	var text []byte
	if body != nil {
		if text, err = json.Marshal(body); err != nil {
			return reply{}, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(text))
	if err != nil {
		return reply{}, err
	}
	req.Header.Set("Authorization", token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for pair := range slices.Chunk(header, 2) {
		req.Header.Set(pair[0], pair[1])
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "dial" {
			err = fmt.Errorf("%w: %w", errNotSent, err)
		}
		return reply{}, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return reply{}, err
	}
	r := reply{status: resp.StatusCode, tag: resp.Header.Get("ETag"), header: resp.Header}
	if r.status == http.StatusOK || r.status == http.StatusCreated {
		if err := json.Unmarshal(answer, &r.object); err != nil {
			return reply{}, fmt.Errorf("reading the answer: %w", err)
		}
		return r, nil
	}
	var problem struct{ Error struct{ Message string } }
	if json.Unmarshal(answer, &problem) == nil { // 304, and 412 of other programs, have no body
		r.said = problem.Error.Message
	}
	return r, nil
}

// create creates an object under a key, with the required members that the harnesses never change.
func (c *caller) create(ctx context.Context, s *server, key string, o object) (reply, error) {
	const guid = "a991071c-071c-a991-1c07-91a91c0791a9"
	r, err := c.send(ctx, http.MethodPatch, s.object(key), struct {
		object
		TenantID         string `json:"tenantId"`
		UserID           string `json:"userId"`
		DeviceID         string `json:"deviceId"`
		ProfileID        string `json:"profileId"`
		CreatedTime      string `json:"createdTime"`
		LastModifiedTime string `json:"lastModifiedTime"`
		IsDeleted        bool   `json:"isDeleted"`
	}{o, "f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9", guid, guid, guid, "2017-01-01T00:03:18Z", "2017-01-01T00:03:18Z", false}, "Prefer", "create-if-missing")
	if err == nil && r.status != http.StatusCreated {
		err = fmt.Errorf("status %d", r.status)
	}
	if err != nil {
		return reply{}, fmt.Errorf("creating %s: %w", key, err)
	}
	return r, nil
}

// ready returns the status of /readyz, 0 without a response.
func (s *server) ready(ctx context.Context) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.admin+"/readyz", nil)
	if err != nil {
		return 0
	}
	resp, err := probes.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body) // the status is enough
	return resp.StatusCode
}

// probes closes its connections, so that a server need not wait for them.
var probes = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// waitReady waits until the server is ready, and returns how long that took.
func (s *server) waitReady(ctx context.Context, within time.Duration) (time.Duration, error) {
	begin := time.Now()
	for {
		status := s.ready(ctx)
		if status == http.StatusOK {
			return time.Since(begin), nil
		}
		if time.Since(begin) > within {
			return 0, fmt.Errorf("/readyz says %d, %s after it should be ready", status, within)
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return 0, err
		}
	}
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// percentile returns the p-th percentile of the durations, which it sorts.
func percentile(d []time.Duration, p float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[min(len(d)-1, int(float64(len(d))*p/100))]
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond)) }
