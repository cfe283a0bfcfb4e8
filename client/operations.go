package client

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
)

// mediaType is the type of every request body.
const mediaType = "application/json"

// Condition makes a call conditional on the version of the object.
type Condition func(*condition)

// condition holds the precondition header fields (RFC 9110 §13.1); nil means absent.
type condition struct{ ifMatch, ifNoneMatch *string }

// IfMatch applies a change only if the object has this entity tag, or any tag for "*". Otherwise the error is
// ErrPreconditionFailed. Get ignores it.
func IfMatch(tag string) Condition { return func(c *condition) { c.ifMatch = &tag } }

// IfNoneMatch gets an object only if its entity tag differs from this one; otherwise the error is ErrNotModified. Upsert
// with "*" only creates: if the object exists, the error is ErrPreconditionFailed.
func IfNoneMatch(tag string) Condition { return func(c *condition) { c.ifNoneMatch = &tag } }

func conditionOf(conditions []Condition) (condition, error) {
	var c condition
	for _, set := range conditions {
		set(&c)
	}
	if c.ifMatch != nil && *c.ifMatch == "" || c.ifNoneMatch != nil && *c.ifNoneMatch == "" {
		return c, fmt.Errorf("%w: the entity tag of a condition must not be empty", ErrInvalid)
	}
	return c, nil
}

// returnObject asks for the object in the response to a change, which Microsoft Graph otherwise leaves out (204).
const returnObject = "return=representation"

// Get returns the object with the key id.
func (c *Client) Get(ctx context.Context, id string, conditions ...Condition) (*Versioned, error) {
	return c.entity(ctx, "getting", id, conditions, func(cond condition, name *string) (*http.Request, error) {
		params := pfxapi.GetPfxRecryptionRequestParams{IfNoneMatch: cond.ifNoneMatch, ClientRequestID: name}
		return pfxapi.NewGetPfxRecryptionRequestRequest(c.base.String(), id, &params)
	})
}

// Patch changes the members that u names and returns the new object. Without IfMatch it can overwrite changes that other
// clients made since the object was read: see [Client.Update].
func (c *Client) Patch(ctx context.Context, id string, u Update, conditions ...Condition) (*Versioned, error) {
	return c.patch(ctx, "patching", id, u, returnObject, conditions)
}

// Upsert changes the members that u names. If there is no object with the key id, it creates one; then u must have every
// member. With IfNoneMatch("*") it only creates.
func (c *Client) Upsert(ctx context.Context, id string, u Update, conditions ...Condition) (*Versioned, error) {
	return c.patch(ctx, "upserting", id, u, "create-if-missing, "+returnObject, conditions)
}

func (c *Client) patch(ctx context.Context, doing, id string, u Update, prefer string, conditions []Condition) (*Versioned, error) {
	return c.entity(ctx, doing, id, conditions, func(cond condition, name *string) (*http.Request, error) {
		if err := checkText(&u); err != nil {
			return nil, err
		}
		params := pfxapi.UpdatePfxRecryptionRequestParams{IfMatch: cond.ifMatch, IfNoneMatch: cond.ifNoneMatch, Prefer: &prefer, ClientRequestID: name}
		return pfxapi.NewUpdatePfxRecryptionRequestRequestWithBody(c.base.String(), id, &params, mediaType, bytes.NewReader(pfxvalid.AppendPfxRecryptionRequestUpdate(nil, &u)))
	})
}

// Create creates an object and returns it. The server makes the key.
func (c *Client) Create(ctx context.Context, n Create) (*Versioned, error) {
	if err := checkText(&n); err != nil {
		return nil, fmt.Errorf("creating: %w", err)
	}
	name, prefer := uuid.NewString(), returnObject
	params := pfxapi.CreatePfxRecryptionRequestParams{ClientRequestID: &name, Prefer: &prefer}
	r, err := pfxapi.NewCreatePfxRecryptionRequestRequestWithBody(c.base.String(), &params, mediaType, bytes.NewReader(pfxvalid.AppendPfxRecryptionRequestCreate(nil, &n)))
	if err != nil {
		return nil, fmt.Errorf("creating: %w", err)
	}
	got, err := c.object(ctx, r, createdKey)
	if err != nil {
		return nil, fmt.Errorf("creating: %w", err)
	}
	return got, nil
}

// createdKey returns the key in the URL of the created object; "" if the response has none.
func createdKey(a *response) string {
	u, err := url.Parse(cmp.Or(a.header.Get("OData-EntityId"), a.header.Get("Location")))
	if err != nil {
		return ""
	}
	key := path.Base(u.Path)
	if _, quoted, ok := strings.Cut(key, "("); ok { // OData 4.01 URL Conventions §4.3.1
		key = strings.Trim(quoted, "')")
	}
	if checkID(key) != nil {
		return ""
	}
	return key
}

// Delete deletes the object.
func (c *Client) Delete(ctx context.Context, id string, conditions ...Condition) error {
	cond, err := conditionOf(conditions)
	if err := errors.Join(err, checkID(id)); err != nil {
		return fmt.Errorf("deleting %q: %w", id, err)
	}
	name := uuid.NewString()
	params := pfxapi.DeletePfxRecryptionRequestParams{IfMatch: cond.ifMatch, ClientRequestID: &name}
	r, err := pfxapi.NewDeletePfxRecryptionRequestRequest(c.base.String(), id, &params)
	if err != nil {
		return fmt.Errorf("deleting %q: %w", id, err)
	}
	if err := c.do(ctx, r, decodeNothing); err != nil {
		return fmt.Errorf("deleting %q: %w", id, err)
	}
	return nil
}

// entity makes a call whose response is the object with the key id. All tries of the request that build returns have the
// same client-request-id.
func (c *Client) entity(ctx context.Context, doing, id string, conditions []Condition, build func(condition, *string) (*http.Request, error)) (*Versioned, error) {
	cond, err := conditionOf(conditions)
	if err := errors.Join(err, checkID(id)); err != nil {
		return nil, fmt.Errorf("%s %q: %w", doing, id, err)
	}
	name := uuid.NewString()
	r, err := build(cond, &name)
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", doing, id, err)
	}
	got, err := c.object(ctx, r, func(*response) string { return id })
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", doing, id, err)
	}
	return got, nil
}

// object sends r and returns the object of the response. If the response has no object, it reads the object with the key
// that keyOf returns.
func (c *Client) object(ctx context.Context, r *http.Request, keyOf func(*response) string) (*Versioned, error) {
	var got Versioned
	unread := ""
	err := c.do(ctx, r, func(a *response) error {
		if a.status != http.StatusNoContent || safe(r) {
			return got.decode(a)
		}
		if unread = keyOf(a); unread == "" {
			return malformed("it has neither an object nor the address of one")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if unread == "" {
		return &got, nil
	}
	after, err := c.Get(ctx, unread)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrApplied, err.Error()) // errors.Is must not find a refusal
	}
	return after, nil
}

func (c *Client) do(ctx context.Context, r *http.Request, decode func(*response) error) error {
	call := call{Client: c, request: r, limit: c.limits.object, decode: decode}
	return call.do(ctx)
}

// checkText refuses an object with text that is not UTF-8: JSON cannot represent it, and an encoder would replace it.
func checkText[T Request | Update | Create](object *T) error {
	v := reflect.ValueOf(object).Elem()
	for i := range v.NumField() {
		if text, ok := v.Field(i).Addr().Interface().(*edm.Optional[string]); ok {
			if s, _ := text.Get(); !utf8.ValidString(s) {
				return fmt.Errorf("%w: text must be UTF-8", ErrInvalid)
			}
		}
	}
	return nil
}

// checkID refuses a key that the contract does not allow: ".." would lead to another URL.
func checkID(id string) error {
	var path pfxvalid.DeletePfxRecryptionRequestPath
	var params pfxapi.DeletePfxRecryptionRequestParams
	if faults := pfxvalid.DecodeDeletePfxRecryptionRequestParams(id, "", nil, &path, &params); faults != nil {
		return fmt.Errorf("%w: a key is 1 to 128 of A-Z a-z 0-9 . _ ~ - and does not start with a dot", ErrInvalid)
	}
	return nil
}
