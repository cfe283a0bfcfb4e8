package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/pfxrecryption/pfxrecryption/openapi"
	"github.com/pfxrecryption/pfxrecryption/openapi/edm"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pfx"
)

const samplePath = graph.BasePath + "/pfxRecryptionRequests/sample"

// benchBodies are the columns: the page's request, one of two members, and the page's with a status that is no number.
var benchBodies = []struct {
	name   string
	text   []byte
	status int
}{
	{"full", openapi.UpdateRequestExample, http.StatusOK},
	{"small", []byte(`{"status":7,"isDeleted":false}`), http.StatusOK},
	{"invalid", bytes.Replace(openapi.UpdateRequestExample, []byte(`"status": 6`), []byte(`"status": "x"`), 1), http.StatusBadRequest},
}

// BenchmarkHandler answers updates in process: ours with routing, token check, validation and the rules of the domain, and
// handlers of net/http and encoding/json that check nothing but what decoding does. All keep the object in a map.
func BenchmarkHandler(b *testing.B) {
	b.Run("ours", func(b *testing.B) {
		verifier, token := benchAuthority(b)
		handler, err := New(Config{Service: &pfx.Service{Store: newMemory(b)}, Verifier: verifier})
		if err != nil {
			b.Fatal(err)
		}
		benchHandler(b, handler, token)
	})
	b.Run("bare net/http + encoding/json, stock oapi-codegen types", func(b *testing.B) {
		benchHandler(b, stockHandler(), "")
	})
	b.Run("bare net/http + encoding/json, our types", func(b *testing.B) {
		benchHandler(b, bareHandler(newMemory(b), sampleRequest(b).TenantID), "")
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
	w := sink{header: http.Header{}}
	for _, sent := range benchBodies {
		r.ContentLength = int64(len(sent.text))
		b.Run(sent.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				body.Reset(sent.text)
				clear(w.header)
				w.status, w.size = http.StatusOK, 0
				handler.ServeHTTP(&w, r)
				if w.status != sent.status || w.size == 0 {
					b.Fatalf("got status %d and %d bytes", w.status, w.size)
				}
			}
		})
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

// route is where every handler serves.
const route = "PATCH " + graph.BasePath + "/pfxRecryptionRequests/{id}"

// stockUpdate and stockEntity are the models that oapi-codegen makes of the page by default: what one begins with.
type stockUpdate struct {
	ODataType           *string    `json:"@odata.type,omitempty"`
	TenantID            *uuid.UUID `json:"tenantId,omitempty"`
	UserID              *uuid.UUID `json:"userId,omitempty"`
	DeviceID            *uuid.UUID `json:"deviceId,omitempty"`
	ProfileID           *uuid.UUID `json:"profileId,omitempty"`
	Thumbprint          *string    `json:"thumbprint,omitempty"`
	DeviceKeyThumbprint *string    `json:"deviceKeyThumbprint,omitempty"`
	Status              *int32     `json:"status,omitempty"`
	SourceType          *int32     `json:"sourceType,omitempty"`
	CreatedTime         *time.Time `json:"createdTime,omitempty"`
	LastModifiedTime    *time.Time `json:"lastModifiedTime,omitempty"`
	IsDeleted           *bool      `json:"isDeleted,omitempty"`
	ETag                *string    `json:"eTag,omitempty"`
}

type stockEntity struct {
	ODataType           string    `json:"@odata.type"`
	ID                  string    `json:"id"`
	TenantID            uuid.UUID `json:"tenantId"`
	UserID              uuid.UUID `json:"userId"`
	DeviceID            uuid.UUID `json:"deviceId"`
	ProfileID           uuid.UUID `json:"profileId"`
	Thumbprint          *string   `json:"thumbprint"`
	DeviceKeyThumbprint *string   `json:"deviceKeyThumbprint"`
	Status              int32     `json:"status"`
	SourceType          int32     `json:"sourceType"`
	CreatedTime         time.Time `json:"createdTime"`
	LastModifiedTime    time.Time `json:"lastModifiedTime"`
	IsDeleted           bool      `json:"isDeleted"`
	ETag                *string   `json:"eTag"`
}

func (u *stockUpdate) merge(e *stockEntity) {
	assign(&e.TenantID, u.TenantID)
	assign(&e.UserID, u.UserID)
	assign(&e.DeviceID, u.DeviceID)
	assign(&e.ProfileID, u.ProfileID)
	assign(&e.Status, u.Status)
	assign(&e.SourceType, u.SourceType)
	assign(&e.CreatedTime, u.CreatedTime)
	assign(&e.LastModifiedTime, u.LastModifiedTime)
	assign(&e.IsDeleted, u.IsDeleted)
	e.Thumbprint = cmp.Or(u.Thumbprint, e.Thumbprint)
	e.DeviceKeyThumbprint = cmp.Or(u.DeviceKeyThumbprint, e.DeviceKeyThumbprint)
	e.ETag = cmp.Or(u.ETag, e.ETag)
}

func assign[T any](member, named *T) {
	if named != nil {
		*member = *named
	}
}

// stockHandler is what one writes without a framework: decode, merge, encode.
func stockHandler() http.Handler {
	var mu sync.Mutex
	entities := map[string]stockEntity{"sample": {ODataType: "#microsoft.graph.pfxRecryptionRequest", ID: "sample"}}
	mux := http.NewServeMux()
	mux.HandleFunc(route, func(w http.ResponseWriter, r *http.Request) {
		var update stockUpdate
		if err := json.NewDecoder(r.Body).Decode(&update); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		mu.Lock()
		entity, ok := entities[r.PathValue("id")]
		if !ok {
			mu.Unlock()
			http.NotFound(w, r)
			return
		}
		update.merge(&entity)
		entities[entity.ID] = entity
		mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(&entity)
	})
	return mux
}

// bareHandler does the same with our types and the domain's merge.
func bareHandler(store pfx.Store, tenant edm.Guid) http.Handler {
	service := &pfx.Service{Store: store}
	mux := http.NewServeMux()
	mux.HandleFunc(route, func(w http.ResponseWriter, r *http.Request) {
		var patch pfx.Patch
		if err := json.NewDecoder(r.Body).Decode(&patch); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		got, err := service.Patch(r.Context(), tenant, r.PathValue("id"), pfx.Condition{}, &patch)
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
	mux.HandleFunc(route, func(w http.ResponseWriter, r *http.Request) {
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
