package client

import (
	"context"
	"fmt"
	"iter"
	"math/bits"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/google/uuid"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
)

// Query says what to list. The zero Query is everything.
type Query struct {
	// Filter keeps the objects for which it is true: "status eq 6 and isDeleted eq false" ($filter, OData 4.01 URL
	// Conventions §5.1.1).
	Filter string
	// PageSize is how many objects come in one answer at most, from 1 to 1000; 0 leaves it to the server.
	PageSize int
	// From is where the listing goes on: the Next of a [Page]. It is empty at the beginning.
	From string
	// Select names the members that a Selection has; nil means all. List ignores it.
	Select []string
}

// Page is one page of a listing.
type Page struct {
	Value []Selection
	Next  string // the address of the next page; empty on the last
	Count int64  // the number of objects on all pages, or -1 if it was not asked for
}

// List iterates over the objects in the order of their keys, page by page, while others may insert and delete: an object
// that is there all the time comes once. The first error ends it.
func (c *Client) List(ctx context.Context, q Query) iter.Seq2[*Request, error] {
	q.Select = nil
	return func(yield func(*Request, error) bool) {
		for s, err := range c.Select(ctx, q) {
			var r *Request
			if err == nil {
				r, err = whole(s)
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// Select is List for the members that q.Select names: the others are absent.
func (c *Client) Select(ctx context.Context, q Query) iter.Seq2[*Selection, error] {
	return func(yield func(*Selection, error) bool) {
		for page, err := range c.Pages(ctx, q) {
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range page.Value {
				if err := whichLacks(&page.Value[i], q.Select); err != nil {
					yield(nil, fmt.Errorf("listing: %w", err))
					return
				}
				if !yield(&page.Value[i], nil) {
					return
				}
			}
		}
	}
}

// whichLacks returns an error if s lacks one of the members that the server was asked for.
func whichLacks(s *Selection, members []string) error {
	if members == nil {
		return nil
	}
	absent := absentMembers(s)
	for _, name := range members {
		if absent[strings.TrimSpace(name)] {
			return malformed("an object lacks '" + name + "'")
		}
	}
	return nil
}

func absentMembers(s *Selection) map[string]bool {
	return map[string]bool{
		"id": s.ID.IsZero(), "tenantId": s.TenantID.IsZero(), "userId": s.UserID.IsZero(), "deviceId": s.DeviceID.IsZero(),
		"profileId": s.ProfileID.IsZero(), "thumbprint": s.Thumbprint.IsZero(), "deviceKeyThumbprint": s.DeviceKeyThumbprint.IsZero(),
		"status": s.Status.IsZero(), "sourceType": s.SourceType.IsZero(), "createdTime": s.CreatedTime.IsZero(),
		"lastModifiedTime": s.LastModifiedTime.IsZero(), "isDeleted": s.IsDeleted.IsZero(), "eTag": s.ETag.IsZero(),
	}
}

// Pages iterates over the pages of a listing. A listing that broke off goes on with Query.From.
func (c *Client) Pages(ctx context.Context, q Query) iter.Seq2[*Page, error] {
	return func(yield func(*Page, error) bool) {
		r, err := c.listRequest(q, false)
		seen := ""
		for n := 1; err == nil; n++ {
			var page *Page
			if page, err = c.page(ctx, r); err != nil {
				break
			}
			if !yield(page, nil) || page.Next == "" {
				return
			}
			if page.Next == seen {
				err = malformed("its next page was there already")
				break
			}
			if bits.OnesCount(uint(n)) == 1 { // a power of two: finds every circle (Brent's algorithm)
				seen = page.Next
			}
			r, err = c.nextRequest(page.Next)
		}
		yield(nil, fmt.Errorf("listing: %w", err))
	}
}

// Count returns the number of objects that q.Filter keeps.
func (c *Client) Count(ctx context.Context, q Query) (int64, error) {
	r, err := c.listRequest(Query{Filter: q.Filter, Select: []string{"id"}, PageSize: 1}, true)
	if err != nil {
		return 0, fmt.Errorf("counting: %w", err)
	}
	page, err := c.page(ctx, r)
	if err != nil {
		return 0, fmt.Errorf("counting: %w", err)
	}
	if page.Count < 0 {
		return 0, fmt.Errorf("counting: %w", malformed("it has no '@odata.count'"))
	}
	return page.Count, nil
}

func (c *Client) listRequest(q Query, count bool) (*http.Request, error) {
	if q.From != "" {
		return c.nextRequest(q.From)
	}
	name := uuid.NewString()
	params := pfxapi.ListPfxRecryptionRequestsParams{ClientRequestID: &name}
	if q.PageSize != 0 {
		top := int32(min(max(q.PageSize, -1), 1<<30)) // out of range: the server says so
		params.Top = &top
	}
	if q.Filter != "" {
		params.Filter = &q.Filter
	}
	if q.Select != nil {
		members := strings.Join(q.Select, ",")
		params.Select = &members
	}
	if count {
		params.Count = &count
	}
	return pfxapi.NewListPfxRecryptionRequestsRequest(c.base.String(), &params)
}

// nextRequest returns the request for a page that an answer named. The token goes nowhere but where this client's calls
// go: to the same scheme, host and base path.
func (c *Client) nextRequest(link string) (*http.Request, error) {
	u, err := url.Parse(link)
	if err != nil || u.Scheme != c.base.Scheme || u.Host != c.base.Host || u.User != nil ||
		path.Clean(u.Path) != u.Path || !strings.HasPrefix(u.EscapedPath(), c.base.EscapedPath()) {
		return nil, malformed("the next page is not of this server")
	}
	r, err := http.NewRequest(http.MethodGet, link, nil)
	if err != nil {
		return nil, malformed("the next page has no address")
	}
	r.Header.Set("client-request-id", uuid.NewString())
	return r, nil
}

func (c *Client) page(ctx context.Context, r *http.Request) (*Page, error) {
	var got pfxapi.PfxRecryptionRequestCollection
	decode := func(a *answer) error {
		if a.status != http.StatusOK || !a.isJSON() {
			return malformed("it is not a 200 with application/json")
		}
		got = pfxapi.PfxRecryptionRequestCollection{}
		return malformedBy(pfxvalid.DecodePfxRecryptionRequestCollection(a.body, &got))
	}
	call := call{Client: c, request: r, limit: c.limits.page, decode: decode}
	if err := call.do(ctx); err != nil {
		return nil, err
	}
	page := &Page{Value: got.Value, Next: got.NextLink, Count: -1}
	if got.Count != nil {
		page.Count = *got.Count
	}
	return page, nil
}

// whole returns the object of which s has every member.
func whole(s *Selection) (*Request, error) {
	var r Request
	if err := malformedBy(pfxvalid.DecodePfxRecryptionRequest(pfxvalid.AppendPfxRecryptionRequestSelection(nil, s), &r)); err != nil {
		return nil, fmt.Errorf("listing: %w", err)
	}
	return &r, nil
}
