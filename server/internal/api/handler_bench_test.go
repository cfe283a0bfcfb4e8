package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/pfxrecryption/pfxrecryption/gen/pfxapi"
	"github.com/pfxrecryption/pfxrecryption/openapi"
	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

const samplePath = BasePath + "/pfxRecryptionRequests/sample"

// BenchmarkHandler answers the page's request in process: ours with echo, token check, validation and the rules of the
// domain, and two handlers of net/http and encoding/json that check nothing. All three keep the object in a map.
func BenchmarkHandler(b *testing.B) {
	b.Run("ours", func(b *testing.B) {
		verifier, token := benchAuthority(b)
		handler, err := New(Config{Service: &pfx.Service{Store: newMemory(b)}, Verifier: verifier})
		if err != nil {
			b.Fatal(err)
		}
		benchHandler(b, handler, token)
	})
	b.Run("bare net/http + encoding/json, our types", func(b *testing.B) {
		benchHandler(b, bareHandler(newMemory(b)), "")
	})
	b.Run("bare net/http + encoding/json, strings", func(b *testing.B) {
		benchHandler(b, plainHandler(), "")
	})
}

// benchHandler drives a handler as net/http would, without a connection: the request and the writer are made once.
func benchHandler(b *testing.B, handler http.Handler, token string) {
	var body bytes.Reader
	r := httptest.NewRequestWithContext(b.Context(), http.MethodPatch, samplePath, nil)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	r.Body = io.NopCloser(&body)
	r.ContentLength = int64(len(openapi.UpdateRequestExample))
	w := sink{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		body.Reset(openapi.UpdateRequestExample)
		clear(w.header)
		w.status = http.StatusOK
		handler.ServeHTTP(&w, r)
		if w.status != http.StatusOK || w.size < len(openapi.UpdateRequestExample)/2 {
			b.Fatalf("got status %d and %d bytes", w.status, w.size)
		}
	}
}

// sink is a response writer that keeps only what shows that there was an answer.
type sink struct {
	header       http.Header
	status, size int
}

func (s *sink) Header() http.Header    { return s.header }
func (s *sink) WriteHeader(status int) { s.status = status }
func (s *sink) Write(p []byte) (int, error) {
	s.size = len(p)
	return len(p), nil
}

// benchAuthority returns a verifier and a token of the page's tenant, both of a development issuer on loopback.
func benchAuthority(b *testing.B) (*auth.Verifier, string) {
	b.Helper()
	server := httptest.NewUnstartedServer(nil)
	issuer, err := auth.NewIssuer("http://"+server.Listener.Addr().String(), nil)
	if err != nil {
		b.Fatal(err)
	}
	server.Config.Handler = issuer
	server.Start()
	b.Cleanup(server.Close)
	verifier, err := auth.New(auth.Config{Issuers: []string{issuer.Template()}, Audiences: []string{auth.DefaultAudience}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(verifier.Close)
	token, err := issuer.Token(auth.Grant{Tenant: sampleRequest(b).TenantID, App: "bench", Roles: []string{auth.DefaultRole}})
	if err != nil {
		b.Fatal(err)
	}
	return verifier, token
}

func sampleRequest(b *testing.B) pfx.Request {
	b.Helper()
	r, err := DecodeEntity(openapi.UpdateResponseExample)
	if err != nil {
		b.Fatal(err)
	}
	r.Version = pfx.NewVersion()
	return r
}

// memory is a store in a map.
type memory struct {
	pfx.Store // for the methods that an update does not call
	mu        sync.Mutex
	requests  map[memoryKey]pfx.Request
}

type memoryKey struct {
	tenant edm.Guid
	id     string
}

func newMemory(b *testing.B) *memory {
	r := sampleRequest(b)
	return &memory{requests: map[memoryKey]pfx.Request{{r.TenantID, r.ID}: r}}
}

func (m *memory) Update(_ context.Context, tenant edm.Guid, id string, fn func(*pfx.Request) error) (*pfx.Request, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	next, ok := m.requests[memoryKey{tenant, id}]
	if !ok {
		return nil, pfx.NotFoundError()
	}
	if err := next.Change(fn); err != nil {
		return nil, err
	}
	m.requests[memoryKey{tenant, id}] = next
	return &next, nil
}

// bareHandler is what one writes without a framework, on the generated types. It believes the body whose tenant it is.
func bareHandler(store pfx.Store) http.Handler {
	service := &pfx.Service{Store: store}
	mux := http.NewServeMux()
	mux.HandleFunc("PATCH "+BasePath+"/pfxRecryptionRequests/{id}", func(w http.ResponseWriter, r *http.Request) {
		var update pfxapi.PfxRecryptionRequestUpdate
		if err := json.NewDecoder(r.Body).Decode(&update); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		tenant, _ := update.TenantID.Get()
		got, err := service.Patch(r.Context(), tenant, r.PathValue("id"), pfx.Condition{}, toPatch(&update))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(fromRequest(got))
	})
	return mux
}

// plainEntity has no type of its own for a GUID or a time: the least that encoding/json can be asked to do. Decoding
// an update into it is a merge.
type plainEntity struct {
	ODataType           string  `json:"@odata.type"`
	ID                  string  `json:"id"`
	TenantID            string  `json:"tenantId"`
	UserID              string  `json:"userId"`
	DeviceID            string  `json:"deviceId"`
	ProfileID           string  `json:"profileId"`
	Thumbprint          *string `json:"thumbprint"`
	DeviceKeyThumbprint *string `json:"deviceKeyThumbprint"`
	Status              int32   `json:"status"`
	SourceType          int32   `json:"sourceType"`
	CreatedTime         string  `json:"createdTime"`
	LastModifiedTime    string  `json:"lastModifiedTime"`
	IsDeleted           bool    `json:"isDeleted"`
	ETag                *string `json:"eTag"`
}

// plainHandler decodes the body right into the object that it keeps.
func plainHandler() http.Handler {
	var mu sync.Mutex
	entities := map[string]plainEntity{"sample": {ID: "sample"}}
	mux := http.NewServeMux()
	mux.HandleFunc("PATCH "+BasePath+"/pfxRecryptionRequests/{id}", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		entity, ok := entities[r.PathValue("id")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if err := json.NewDecoder(r.Body).Decode(&entity); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		entities[entity.ID] = entity
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(&entity)
	})
	return mux
}
