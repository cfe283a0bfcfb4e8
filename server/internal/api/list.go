package api

import (
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/internal/odata"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

const (
	collectionPath = graph.BasePath + "/pfxRecryptionRequests"
	defaultTop     = 100
)

// toQuery reads the options of a list, which the contract has found well-formed.
func toQuery(p *pfxapi.ListPfxRecryptionRequestsParams) (pfx.Query, error) {
	q := pfx.Query{Limit: defaultTop}
	if p.Top != nil {
		q.Limit = int(*p.Top)
	}
	if p.Skiptoken != nil {
		after, err := base64.RawURLEncoding.Strict().DecodeString(*p.Skiptoken)
		if err != nil {
			return q, graph.BadParameter("$skiptoken", "is malformed: take it from '@odata.nextLink'")
		}
		q.After = string(after)
	}
	if p.Filter != nil {
		filter, err := odata.ParseFilter(*p.Filter)
		if e, ok := errors.AsType[*odata.Error](err); ok {
			return q, graph.BadParameter("$filter", "is not one that this operation understands: "+e.Error())
		}
		q.Filter = filter
	}
	return q, nil
}

// toCollection returns a page as the caller asked for it.
func toCollection(page *pfx.Page, p *pfxapi.ListPfxRecryptionRequestsParams, origin string) *pfxapi.PfxRecryptionRequestCollection {
	members := selected(p.Select)
	c := pfxapi.PfxRecryptionRequestCollection{Count: page.Count, Value: make([]pfxapi.PfxRecryptionRequestSelection, len(page.Requests))}
	for i := range page.Requests {
		c.Value[i] = *toSelection(&page.Requests[i], members)
	}
	if page.More {
		c.NextLink = origin + collectionPath + "?" + nextOptions(page.Requests[len(page.Requests)-1].ID, p)
	}
	return &c
}

// nextOptions are the options of a request with the place where its next page begins. The dollar signs are not escaped,
// so that people can read them.
func nextOptions(after string, p *pfxapi.ListPfxRecryptionRequestsParams) string {
	var b strings.Builder
	option := func(name, value string) { b.WriteString("&$" + name + "=" + url.QueryEscape(value)) }
	if p.Count != nil {
		option("count", strconv.FormatBool(*p.Count))
	}
	if p.Filter != nil {
		option("filter", *p.Filter)
	}
	if p.Select != nil {
		option("select", *p.Select)
	}
	if p.Top != nil {
		option("top", strconv.Itoa(int(*p.Top)))
	}
	option("skiptoken", base64.RawURLEncoding.EncodeToString([]byte(after)))
	return b.String()[1:]
}

// selected returns the members that a $select names, nil for all of them.
func selected(value *string) []string {
	if value == nil {
		return nil
	}
	names := strings.Split(*value, ",")
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	if slices.Contains(names, "*") {
		return nil
	}
	return names
}
