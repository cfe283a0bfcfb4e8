package client

import (
	"context"
	"fmt"
	"iter"
	"math/bits"
	"net/http"
	"net/url"
	"path"
	"reflect"
	"strings"

	"github.com/google/uuid"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/gen/pfxvalid"
)

// Query says what to list. The zero Query lists everything.
type Query struct {
	// Filter selects the objects for which it is true: "status eq 6 and isDeleted eq false" ($filter, OData 4.01 URL
	// Conventions §5.1.1).
	Filter string
	// PageSize is the largest number of objects in a response, from 1 to 1000; with 0 the server decides.
	PageSize int
	// From continues a listing: the Next of a [Page]. If it is empty, the listing starts at the beginning.
	From string
	// Select names the members of each Selection; nil means all. List ignores it.
	Select []string
}

// Page is one page of a listing.
type Page struct {
	Value []Selection
	Next  string // the URL of the next page; empty on the last
	Count int64  // the number of objects on all pages, or -1 if the query did not ask for it
}

// List iterates over the objects in the order of their keys, page by page. Other clients may create and delete objects
// meanwhile: an object that exists throughout comes exactly once. The first error ends the iteration.
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

// Select is List with only the members that q.Select names; the others are absent.
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

// whichLacks returns an error if s lacks one of the members, which were selected.
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

// absentMembers returns which members s lacks, by their JSON names.
func absentMembers(s *Selection) map[string]bool {
	v := reflect.ValueOf(s).Elem()
	absent := make(map[string]bool, v.NumField())
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		absent[name] = v.Field(i).IsZero()
	}
	return absent
}

// Pages iterates over the pages of a listing. To continue after an interruption, use Query.From.
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
			if bits.OnesCount(uint(n)) == 1 { // a power of two, which finds every cycle (Brent's algorithm)
				seen = page.Next
			}
			r, err = c.nextRequest(page.Next)
		}
		yield(nil, fmt.Errorf("listing: %w", err))
	}
}

// Count returns the number of objects that match q.Filter.
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
		top := int32(min(max(q.PageSize, -1), 1<<30)) // the server refuses what is out of range
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

// nextRequest returns the request for the page at link, which comes from a response. It refuses another scheme, host or base
// path, which must not get the token.
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
	decode := func(a *response) error {
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

// whole returns the object with the members of s, which must be complete.
func whole(s *Selection) (*Request, error) {
	var r Request
	if err := malformedBy(pfxvalid.DecodePfxRecryptionRequest(pfxvalid.AppendPfxRecryptionRequestSelection(nil, s), &r)); err != nil {
		return nil, fmt.Errorf("listing: %w", err)
	}
	return &r, nil
}
