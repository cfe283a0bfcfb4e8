package pfxtest_test

import (
	"bufio"
	"log/slog"
	"strings"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/app"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/pfxtest"
)

// intrusions are requests for another tenant's {object} with an intruder's token.
var intrusions = map[string]string{
	"get":                          "GET {object} HTTP/1.1",
	"get quoted":                   "GET {quoted} HTTP/1.1",
	"get selected":                 "GET {object}?$select=id,status HTTP/1.1",
	"get if changed":               "GET {object} HTTP/1.1\nIf-None-Match: {{etag}}",
	"get if missing":               "GET {object} HTTP/1.1\nIf-None-Match: *",
	"head":                         "HEAD {object} HTTP/1.1",
	"patch nothing":                "PATCH {object} HTTP/1.1\nContent-Type: application/json\n\n{}",
	"patch":                        "PATCH {object} HTTP/1.1\nContent-Type: application/json\n\n{\"status\":1}",
	"patch quoted":                 "PATCH {quoted} HTTP/1.1\nContent-Type: application/json\n\n{\"status\":1}",
	"patch the page":               "PATCH {object} HTTP/1.1\nContent-Type: application/json\n\n{{page}}",
	"patch by merge-patch":         "PATCH {object} HTTP/1.1\nContent-Type: application/merge-patch+json\n\n{\"status\":1}",
	"patch by gzip":                "PATCH {object} HTTP/1.1\nContent-Type: application/json\nContent-Encoding: gzip\n\n{{gzip \"{\\\"status\\\":1}\"}}",
	"patch in chunks":              "PATCH {object} HTTP/1.1\nContent-Type: application/json\nTransfer-Encoding: chunked\n\n{{chunk \"{\\\"status\\\":1}\"}}",
	"patch if any":                 "PATCH {object} HTTP/1.1\nContent-Type: application/json\nIf-Match: *\n\n{\"status\":1}",
	"patch if current":             "PATCH {object} HTTP/1.1\nContent-Type: application/json\nIf-Match: {{etag}}\n\n{\"status\":1}",
	"patch if stale":               "PATCH {object} HTTP/1.1\nContent-Type: application/json\nIf-Match: \"0\"\n\n{\"status\":1}",
	"patch, response without body": "PATCH {object} HTTP/1.1\nContent-Type: application/json\nPrefer: return=minimal\n\n{\"status\":1}",
	"patch as the owner":           "PATCH {object} HTTP/1.1\nContent-Type: application/json\n\n{\"tenantId\":\"f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9\"}",
	"patch into the own tenant":    "PATCH {object} HTTP/1.1\nContent-Type: application/json\n\n{\"tenantId\":\"00000000-0000-0000-0000-000000000001\"}",
	"patch malformed":              "PATCH {object} HTTP/1.1\nContent-Type: application/json\n\n{\"status\":\"x\"}",
	"delete":                       "DELETE {object} HTTP/1.1",
	"delete quoted":                "DELETE {quoted} HTTP/1.1",
	"delete if any":                "DELETE {object} HTTP/1.1\nIf-Match: *",
	"delete if current":            "DELETE {object} HTTP/1.1\nIf-Match: {{etag}}",
	"list":                         "GET {objects} HTTP/1.1",
	"list with the count":          "GET {objects}?$count=true HTTP/1.1",
	"list by status":               "GET {objects}?$filter=status%20ge%200 HTTP/1.1",
}

// TestTenants: for another tenant's object, a tenant gets the same bytes as for a missing one and changes nothing. That
// holds for applications and users, on the server and through a gateway.
func TestTenants(t *testing.T) {
	t.Parallel()
	server := pfxtest.Start(t, pfxtest.Config{})
	behind := *server
	c := app.GatewayConfig{Upstream: strings.TrimSuffix(server.URL, graph.BasePath), KeepHost: true}
	behind.URL = openGateway(t, server, c, slog.DiscardHandler) + graph.BasePath
	// Each in its own tenant: an object that one intruder creates must not exist for another.
	own := &wireCase{t: t, server: server, key: "sample"}
	before := own.exchange("GET /beta/pfxRecryptionRequests/sample HTTP/1.1\nAuthorization: Bearer {{token}}")
	tag := own.exactTag()
	t.Run("rows", func(t *testing.T) {
		for front, asked := range map[string]*pfxtest.Server{"server": server, "gateway": &behind} {
			for caller, grant := range map[string]pfxtest.Grant{
				"application": {Tenant: edm.Guid{15: 1}},
				"user":        {Tenant: edm.Guid{15: 1}, Delegated: true},
			} {
				for name, text := range intrusions {
					t.Run(front+"/"+caller+"/"+name, func(t *testing.T) {
						t.Parallel()
						intrude(t, asked, asked.Token(t, grant), strings.ReplaceAll(text, "{{etag}}", tag))
					})
				}
			}
		}
	})
	if after := own.exchange("GET /beta/pfxRecryptionRequests/sample HTTP/1.1\nAuthorization: Bearer {{token}}"); after != before || own.exactTag() != tag {
		t.Errorf("the object was changed: got\n%s\nwant\n%s", after, before)
	}
}

// intrude compares the responses for the other tenant's object and for one that does not exist.
func intrude(t *testing.T, server *pfxtest.Server, token, text string) {
	c := &wireCase{t: t, server: server, key: "sample"}
	ask := func(key string) string {
		const objects = "/beta/pfxRecryptionRequests"
		request := strings.NewReplacer("{object}", objects+"/"+key, "{quoted}", objects+"('"+key+"')", "{objects}", objects,
			" HTTP/1.1", " HTTP/1.1\nAuthorization: Bearer "+token).Replace(text)
		return strings.ReplaceAll(c.exchange(request), key, "{key}")
	}
	foreign, unknown := ask("sample"), ask("nobody")
	if foreign != unknown || strings.HasPrefix(foreign, "HTTP/1.1 5") {
		t.Errorf("got\n%s\nfor an object of another tenant and\n%s\nfor none", foreign, unknown)
	}
	if strings.HasPrefix(foreign, "HTTP/1.1 2") && !strings.Contains(foreign, `"value":[]`) {
		t.Errorf("got %s", foreign)
	}
}

// exactTag is the entity tag of the case's object, which exchange masks.
func (c *wireCase) exactTag() string {
	_, conn := c.send("GET /beta/pfxRecryptionRequests/{{key}} HTTP/1.1\nAuthorization: Bearer {{token}}")
	head, err := readHead(bufio.NewReader(conn))
	tag := entityTag.FindString(head)
	if err != nil || tag == "" {
		c.t.Fatalf("the object has no entity tag: %s, %v", head, err)
	}
	return tag
}
