package app

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pfxrecryption/pfxrecryption/openapi"
	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/server/internal/faultinject"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/internal/mock"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pace"
)

// MockConfig holds the settings of a mock. Its fields are the flags of pfxrd mock.
type MockConfig struct {
	Listen          string              `default:"127.0.0.1:4010" help:"Address of the mock (${default}); port 0 picks a free port." placeholder:"ADDR"`
	Spec            string              `help:"An OpenAPI 3.0 or 3.1 document, YAML or JSON, instead of the built-in contract. It is read again when it changes." placeholder:"FILE"`
	Errors          string              `help:"The format of errors: problem (RFC 9457), graph (Microsoft Graph), or a FILE with a template, as for pfxrd gateway. The default is problem with --spec and graph without." placeholder:"FORM"`
	Seed            uint64              `default:"1" env:"PFXR_MOCK_SEED" help:"The seed of generated values (${default}): the same seed generates the same values." placeholder:"N"`
	Dynamic         bool                `help:"Generate a value for each request instead of sending examples, as Prefer: dynamic=true does."`
	Stateful        bool                `help:"Keep the objects that POST creates in memory: GET, PUT, PATCH and DELETE act on them, and lists contain them. They are lost when the document changes."`
	MaxObjects      int                 `default:"10000" help:"The most objects that --stateful keeps (${default}), at most 64 MiB together; beyond that POST gets 507." placeholder:"N"`
	Pester          faultinject.Percent `help:"Make this share of the valid requests fail on purpose, such as 5%: 429, 503, 412, slow responses, broken connections." placeholder:"P%"`
	MaxRequest      int64               `help:"The largest body of a request, in bytes; beyond it 413. The default is 1048576 with --spec and 65536 without." placeholder:"BYTES"`
	CORSOrigin      []string            `help:"An origin whose pages may call the mock, such as https://app.example, or * for all; may be repeated." placeholder:"ORIGIN" name:"cors-origin"`
	CORSCredentials bool                `help:"Let the pages of --cors-origin send cookies and client certificates; not with *." name:"cors-credentials"`
	AccessLog       string              `default:"on" enum:"on,off" help:"Log a line for each request, as pfxrd gateway does (${default})."`
	DrainDelay      time.Duration       `default:"0s" help:"Keep accepting requests for this long after SIGTERM (${default})."`
	TLSCert         string              `help:"Certificate chain, PEM." placeholder:"FILE" name:"tls-cert"`
	TLSKey          string              `help:"Private key, PEM." placeholder:"FILE" name:"tls-key"`
}

// Validate reports settings that are out of range or contradict each other.
func (c *MockConfig) Validate() error {
	if err := faultinject.Validate(c.Pester, nil); err != nil {
		return err
	}
	g := c.gateway()
	switch {
	case g.corsError() != nil:
		return g.corsError()
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return errors.New("--tls-cert and --tls-key go together")
	case c.MaxObjects < 1:
		return errors.New("--max-objects must be above 0")
	case c.MaxRequest < 0 || c.DrainDelay < 0:
		return errors.New("--max-request and --drain-delay must not be below 0")
	}
	return nil
}

// gateway returns the settings of the gate in front of the mock, which pfxrd gateway shares.
func (c *MockConfig) gateway() GatewayConfig {
	return GatewayConfig{Spec: c.Spec, Errors: c.Errors, CORSOrigin: c.CORSOrigin, CORSCredentials: c.CORSCredentials}
}

type mockCommand struct{ MockConfig }

func (*mockCommand) Help() string {
	return `Requests are checked and refused as by pfxrd gateway. The response is an example from the document, or a value generated from the schema.

Serve a document, and ask for another of its responses:

  pfxrd mock --spec openapi.yaml
  curl -i http://127.0.0.1:4010/pets -H 'Prefer: code=404, example=unknown'

Keep what is created, and let one request in twenty fail:

  pfxrd mock --spec openapi.yaml --stateful --pester 5%

Prefer: code=N, example=NAME and dynamic=true choose the response, as with Prism.`
}

// Run opens the mock and runs it until ctx is done.
func (c *mockCommand) Run(ctx context.Context, log *slog.Logger) error {
	m, err := OpenMock(ctx, c.MockConfig, log)
	if err != nil {
		return err
	}
	log.Info("serving", "url", m.URL, "stateful", c.Stateful)
	return m.Run(ctx)
}

// Mock is a mock with an open listener. It serves once Run is called.
type Mock struct {
	// URL is the address of the mock, such as http://127.0.0.1:4010.
	URL string

	config   MockConfig
	gateway  GatewayConfig
	log      *slog.Logger
	host     *host
	metrics  *gateway.Metrics
	current  atomic.Pointer[http.Handler]
	loading  sync.Mutex
	seen     files // the files of the last attempt, valid or not
	document *spec.Document
	wantsTLS bool // an operation requires a client certificate
}

// OpenMock reads the document and opens the listener. Unless it returns an error, the caller must call Run.
func OpenMock(ctx context.Context, c MockConfig, log *slog.Logger) (*Mock, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	m := &Mock{config: c, gateway: c.gateway(), log: log, host: newHost(log, c.DrainDelay)}
	err := m.prepare(ctx)
	if err == nil {
		err = m.listen()
	}
	if err != nil {
		return nil, errors.Join(err, m.host.close())
	}
	return m, nil
}

func (m *Mock) prepare(ctx context.Context) error {
	var err error
	if m.metrics, err = gateway.NewMetrics(m.host.metrics); err != nil {
		return err
	}
	m.seen = m.gateway.read()
	return m.apply(ctx, &m.seen)
}

func (m *Mock) listen() error {
	if m.wantsTLS {
		m.host.clientAuth = tls.RequestClientCert
	}
	server, url, err := m.host.open(m.config.Listen, m.config.TLSCert, m.config.TLSKey)
	if err != nil {
		return err
	}
	pieces := pace.Config{Piece: server.ReadTimeout, Rate: minBodyRate, Response: server.WriteTimeout}
	server.Handler, m.URL = pace.Handler(pieces, m), url
	return nil
}

// ServeHTTP responds with the document that is current when the request arrives.
func (m *Mock) ServeHTTP(w http.ResponseWriter, r *http.Request) { (*m.current.Load()).ServeHTTP(w, r) }

// apply puts files into effect. On an error it changes nothing.
func (m *Mock) apply(ctx context.Context, f *files) error {
	if f.err != nil {
		return f.err
	}
	contract, document, err := m.contract(ctx, f.spec)
	if err != nil {
		return err
	}
	errorForm, err := m.gateway.errorForm(f.errors)
	if err != nil {
		return err
	}
	contract.MaxBody = cmp.Or(m.config.MaxRequest, contract.MaxBody)
	off := policy.Off
	config := gateway.Config{
		Contract: contract, Errors: errorForm, CORS: m.gateway.cors(), RequireTokens: true, Metrics: m.metrics, Log: m.log,
		Upstream: "mock", Defaults: policy.Defaults{ForceResponses: &off}, // the mock has checked its own responses
	}
	if m.config.AccessLog == "on" {
		config.Access = m.log.Handler()
	}
	gate, err := gateway.New(config)
	if err != nil {
		return err
	}
	answers, err := mock.New(ctx, mock.Config{
		Document: document, Words: contract.Words, Seed: m.config.Seed, Dynamic: m.config.Dynamic, Stateful: m.config.Stateful,
		MaxObjects: m.config.MaxObjects, Log: m.log,
	})
	if err != nil {
		return err
	}
	handler := gate.Handler(m.injectFaults(answers))
	m.current.Store(&handler)
	m.document, m.wantsTLS = document, gate.WantsCertificate()
	return nil
}

// contract returns the contract and the document with its examples. If data is nil, they are the built-in ones.
func (m *Mock) contract(ctx context.Context, data []byte) (*gateway.Contract, *spec.Document, error) {
	ctx, cancel := context.WithTimeout(ctx, readingTime)
	defer cancel()
	options := spec.Options{Examples: true}
	if data == nil {
		document, err := spec.Load(ctx, ourDocument(), options)
		return gateway.Builtin(), document, err
	}
	options.Folder, options.Name = filepath.Dir(m.config.Spec), filepath.Base(m.config.Spec)
	contract, document, err := gateway.Read(ctx, data, options)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", m.config.Spec, err)
	}
	if n := len(document.Spots); n > 0 {
		m.log.Warn("parts of the document are not judged; pfxrd gateway --check lists them", "parts", n, "first", document.Spots[0].Pointer)
	}
	return contract, document, nil
}

// ourDocument returns the built-in contract with the response of Microsoft's page, which the document refers to in a file.
func ourDocument() []byte {
	var example bytes.Buffer
	if err := json.Compact(&example, openapi.UpdateResponseExample); err != nil {
		return openapi.Document
	}
	return bytes.ReplaceAll(openapi.Document, []byte("externalValue: examples/update-response.json"), append([]byte("value: "), example.Bytes()...))
}

// injectFaults makes requests fail on purpose if the settings ask for them.
func (m *Mock) injectFaults(next http.Handler) http.Handler {
	if m.config.Pester == 0 {
		return next
	}
	refuse := func(w http.ResponseWriter, _ *http.Request, status int, retryAfter time.Duration) {
		gateway.Refuse(w, graph.Refusal(status, retryAfter))
	}
	return faultinject.New(faultinject.Config{Percent: m.config.Pester, Seed: m.config.Seed, Refuse: refuse, Log: m.log}, next)
}

// reload reads the document and the error form again. If they are invalid, the current ones stay in effect.
func (m *Mock) reload(ctx context.Context, always bool) {
	m.loading.Lock()
	defer m.loading.Unlock()
	f := m.gateway.read()
	if !always && f.equal(&m.seen) && len(m.document.Files) == 0 {
		return // another file in the folder has changed
	}
	m.seen = f
	m.host.reloaded("document", true, m.apply(ctx, &f))
}

// Run serves until ctx is done. It reads the document and the error form again on SIGHUP and when their files change.
func (m *Mock) Run(ctx context.Context) error {
	m.host.onReload(m.reload, m.gateway.Spec, m.gateway.errorFile())
	return errors.Join(m.host.serve(ctx), m.host.close())
}
