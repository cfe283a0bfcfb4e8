// Package client is what Go programs import to update pfxRecryptionRequests.
//
//	c, err := client.New("http://127.0.0.1:8080/beta", client.WithToken(token))
//	…
//	got, err := c.Patch(ctx, "sample", client.Update{Status: edm.Value(int32(7))}, client.IfMatch(tag))
//	if errors.Is(err, client.ErrPreconditionFailed) { … }
//
// It sits on the generated client of gen/pfxapi and adds what that lacks: an answer that is no success is an error, an
// answer that is malformed is one too, and reading is bounded.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
)

// Request and Update are the object and the members of an update to it.
type (
	Request = pfxapi.PfxRecryptionRequest
	Update  = pfxapi.PfxRecryptionRequestUpdate
)

const (
	// defaultTimeout bounds a whole call, reading the answer included.
	defaultTimeout = 30 * time.Second
	// maxAnswer bounds an answer's body in bytes.
	maxAnswer = 1 << 20
)

// Client calls one server. It is safe for concurrent use.
type Client struct{ api *pfxapi.Client }

// Option changes how a Client calls.
type Option func(*settings) error

type settings struct {
	http  *http.Client
	token func(context.Context) (string, error)
}

// WithHTTPClient makes calls through c, whose timeout then counts. Without it a call may take 30 seconds.
func WithHTTPClient(c *http.Client) Option {
	return func(s *settings) error {
		if c == nil {
			return errors.New("client: the HTTP client must not be nil")
		}
		s.http = c
		return nil
	}
}

// WithToken sends token with every call.
func WithToken(token string) Option {
	return func(s *settings) error {
		if token == "" {
			return errors.New("client: the token must not be empty")
		}
		s.token = func(context.Context) (string, error) { return token, nil }
		return nil
	}
}

// WithTokenSource asks source for the token of every call. It must be safe for concurrent use.
func WithTokenSource(source func(context.Context) (string, error)) Option {
	return func(s *settings) error {
		if source == nil {
			return errors.New("client: the token source must not be nil")
		}
		s.token = source
		return nil
	}
}

// New returns a client of the server at baseURL, its base path included: https://graph.example.com/beta.
func New(baseURL string, options ...Option) (*Client, error) {
	u, err := url.Parse(baseURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return nil, errors.New("client: the base URL must be http or https, with a host and without user or query")
	}
	s := settings{http: &http.Client{Timeout: defaultTimeout}}
	for _, option := range options {
		if err := option(&s); err != nil {
			return nil, err
		}
	}
	api, err := pfxapi.NewClient(baseURL, pfxapi.WithHTTPClient(s.http), pfxapi.WithRequestEditorFn(s.authorize))
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	return &Client{api}, nil
}

func (s *settings) authorize(ctx context.Context, r *http.Request) error {
	if s.token == nil {
		return nil
	}
	token, err := s.token(ctx)
	if err != nil {
		return fmt.Errorf("getting a token: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	return nil
}

// PatchOption changes one Patch.
type PatchOption func(*pfxapi.UpdatePfxRecryptionRequestParams)

// IfMatch applies the update only if the object still has this entity tag, or any for "*".
func IfMatch(tag string) PatchOption {
	return func(p *pfxapi.UpdatePfxRecryptionRequestParams) { p.IfMatch = &tag }
}

// Versioned is an object with the entity tag that it has.
type Versioned struct {
	Request
	Tag string // for IfMatch
}

// Patch changes the members that u names and returns the object as stored. It does not retry: without IfMatch a second
// try could undo somebody else's update. Its error is an *[Error] if the server refused.
func (c *Client) Patch(ctx context.Context, id string, u Update, options ...PatchOption) (*Versioned, error) {
	var params pfxapi.UpdatePfxRecryptionRequestParams
	for _, option := range options {
		option(&params)
	}
	resp, err := c.api.UpdatePfxRecryptionRequest(ctx, id, &params, u)
	if err != nil {
		return nil, fmt.Errorf("patching %q: %w", id, err)
	}
	defer resp.Body.Close()
	body, err := readAnswer(resp)
	if err != nil {
		return nil, fmt.Errorf("patching %q: %w", id, err)
	}
	got := &Versioned{Tag: resp.Header.Get("ETag")}
	if err := json.Unmarshal(body, &got.Request); err != nil || got.ID == "" || got.Tag == "" {
		return nil, fmt.Errorf("patching %q: the answer is not an entity with an entity tag", id)
	}
	return got, nil
}

// readAnswer returns the body of a 200, and an error for everything else.
func readAnswer(resp *http.Response) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if len(body) > maxAnswer {
		return nil, fmt.Errorf("the answer is larger than %d bytes", maxAnswer)
	}
	media, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	isJSON := err == nil && media == "application/json"
	if resp.StatusCode != http.StatusOK {
		return nil, newError(resp, body, isJSON)
	}
	if !isJSON {
		return nil, errors.New("the answer is not application/json")
	}
	return bytes.TrimSpace(body), nil
}
