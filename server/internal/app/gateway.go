package app

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/pfxrecryption/pfxrecryption/openapi/spec"
	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/conns"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/form"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/traffic"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/upstream"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/view"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pace"
)

// GatewayConfig holds the settings of a gateway. Its fields are the flags of pfxrd gateway.
type GatewayConfig struct {
	ConnectionLimits

	Listen          string         `default:"127.0.0.1:8090" help:"Address of the gateway (${default}); port 0 picks a free port." placeholder:"ADDR"`
	AdminListen     string         `default:"127.0.0.1:8091" help:"Address of the live view of the last hour, /healthz, /readyz and /metrics (${default}); empty turns them off." placeholder:"ADDR"`
	Debug           bool           `help:"Serve /debug/pprof/ on --admin-listen. Anyone who can reach it can read the memory and slow the program down."`
	Upstream        string         `required:"" help:"Where requests go: http:// or https:// with a host and an optional path, or unix:/path/of/a/socket. There is one upstream; put a load balancer in front of or behind the gateway for more." placeholder:"URL"`
	UpstreamCA      string         `help:"Certificates that verify the upstream's certificate, PEM. The default is the system's." placeholder:"FILE" name:"upstream-ca"`
	UpstreamCert    string         `help:"Client certificate chain for the upstream, PEM." placeholder:"FILE" name:"upstream-cert"`
	UpstreamKey     string         `help:"Private key of the client certificate, PEM." placeholder:"FILE" name:"upstream-key"`
	UpstreamHTTP2   bool           `help:"Use HTTP/2 to the upstream: with https:// if it offers HTTP/2, with http:// always." name:"upstream-http2"`
	KeepHost        bool           `default:"true" negatable:"" help:"Forward the client's Host, so that the addresses in responses are the gateway's (the default). With --no-keep-host the upstream gets its own name, which virtual hosts need."`
	TrustedProxy    []netip.Prefix `help:"Addresses of proxies in front, such as 10.0.0.0/8; may be repeated. Their X-Forwarded-* fields, X-Real-IP and similar fields are forwarded." placeholder:"CIDR"`
	MaxConns        int            `default:"512" help:"The highest number of connections to the upstream (${default}). Further requests wait up to 100 ms and then get 503."`
	MaxConnAge      time.Duration  `default:"5m" help:"How long a connection to the upstream is used (${default}). A new connection looks the upstream's address up again."`
	Timeout         time.Duration  `default:"10s" help:"How long the upstream may take until the first byte of its response, and for each further piece (${default})."`
	StreamTimeout   time.Duration  `default:"5m" help:"How long a stream, such as text/event-stream, may send nothing (${default})."`
	Upgrade         string         `default:"refuse" help:"allow or refuse a switch to another protocol, such as WebSocket (${default}). The content of such a tunnel is not checked." placeholder:"WHAT"`
	MaxHeader       int            `help:"The largest total size of the header fields of a request, in bytes: names, values and 4 for each; beyond it 431. At most 1048576; the default is 16384." placeholder:"BYTES"`
	MaxRequest      int64          `help:"The largest body of a request, in bytes, before and after decompression; beyond it 413. The default is 1048576 with --spec and 65536 without." placeholder:"BYTES"`
	MaxResponse     int            `default:"8388608" help:"The largest response that is checked, in bytes (${default}). A larger one gets 502 if responses are enforced; otherwise it passes unchecked. This is also the most that is held of one response." placeholder:"BYTES"`
	MaxHeld         int64          `default:"268435456" help:"The most bytes of bodies held for checking at once, in both directions (${default}). Beyond that, requests that must be checked get 503." placeholder:"BYTES"`
	Spec            string         `help:"An OpenAPI 3.0 or 3.1 document, YAML or JSON, instead of the built-in contract." placeholder:"FILE"`
	Docs            bool           `help:"Serve pages about the document for browsers: / and /docs for requests that accept text/html, /openapi.yaml and /openapi.json for all. They replace the upstream's."`
	Policy          string         `help:"A YAML file that says what happens on each violation." placeholder:"FILE"`
	Errors          string         `help:"The format of the gateway's own errors: problem (RFC 9457), graph (Microsoft Graph), or a FILE. The file has a Content-Type: line with a JSON type, an empty line, and a Go template that writes JSON from .Status .Title .Code .Detail .Instance .RequestID .ClientRequestID .Time and .Errors, each with .Pointer .Parameter .In .Keyword .Detail. The default is problem with --spec and graph without." placeholder:"FORM"`
	CORSOrigin      []string       `help:"An origin whose pages may call the API, such as https://app.example, or * for all; may be repeated. The gateway then responds to preflights from the document, and replaces the upstream's Access-Control-* fields. Without it, preflights go to the upstream." placeholder:"ORIGIN" name:"cors-origin"`
	CORSCredentials bool           `help:"Let the pages of --cors-origin send cookies and client certificates; not with *." name:"cors-credentials"`
	Requests        *policy.Mode   `help:"enforce, monitor or off for requests; the default is the policy's, else enforce." placeholder:"MODE"`
	Responses       *policy.Mode   `help:"enforce, monitor or off for responses; the default is the policy's, else monitor." placeholder:"MODE"`
	Unknown         string         `help:"refuse or pass requests that match no route of the contract. The default follows --requests: only enforce refuses." placeholder:"WHAT"`
	Issuer          []string       `help:"Check tokens from this issuer; may be repeated. Without it, tokens are forwarded unchecked, but required credentials must be present: --check says how each scheme is checked." placeholder:"URL"`
	Audience        []string       `help:"Check that tokens are for this audience; may be repeated." placeholder:"AUD"`
	AccessLog       string         `default:"on" enum:"on,off" help:"Log a line for each request: method, operation, path template (the path if no route matches), status, verdict, bytes, durations, caller and request id (${default})."`
	AccessLogSample int            `default:"1" help:"Log one of N requests that passed (${default}: all). Requests that were refused or failed are always logged." placeholder:"N"`
	OTLPEndpoint    string         `help:"Send traces by OTLP over HTTP to this address, such as http://127.0.0.1:4318; /v1/traces is added. The default is OTEL_EXPORTER_OTLP_ENDPOINT; without either, tracing is off." placeholder:"URL" name:"otlp-endpoint"`
	DrainDelay      time.Duration  `default:"1s" help:"Keep accepting requests for this long after SIGTERM while /readyz returns 503; longer than the load balancer's check interval (${default})."`
	TLSCert         string         `help:"Certificate chain, PEM. It is read again when it changes and on SIGHUP. Open connections keep the current one. An invalid pair is not loaded." placeholder:"FILE" name:"tls-cert"`
	TLSKey          string         `help:"Private key of the certificate, PEM. It is read again with the certificate." placeholder:"FILE" name:"tls-key"`
}

// Validate reports settings that are out of range or contradict each other.
func (c *GatewayConfig) Validate() error {
	switch {
	case (len(c.Issuer) == 0) != (len(c.Audience) == 0):
		return errors.New("--issuer and --audience go together: tokens for other services must be rejected")
	case c.upstreamError() != nil:
		return c.upstreamError()
	case c.corsError() != nil:
		return c.corsError()
	case (c.UpstreamCert == "") != (c.UpstreamKey == ""):
		return errors.New("--upstream-cert and --upstream-key go together")
	case (c.UpstreamCert != "" || c.UpstreamCA != "") && !strings.HasPrefix(strings.ToLower(c.Upstream), "https:"):
		return errors.New("--upstream-ca, --upstream-cert and --upstream-key need an --upstream of https://")
	case c.OTLPEndpoint != "" && !isOrigin(strings.TrimSuffix(c.OTLPEndpoint, "/")):
		return errors.New("--otlp-endpoint must be http:// or https:// and an authority: http://127.0.0.1:4318")
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return errors.New("--tls-cert and --tls-key go together")
	case c.Unknown != "" && c.Unknown != "refuse" && c.Unknown != "pass":
		return errors.New("--unknown must be refuse or pass")
	case c.DrainDelay < 0:
		return errors.New("--drain-delay must not be below 0")
	case c.ConnectionLimits.check() != nil:
		return c.ConnectionLimits.check()
	case checkIssuers(c.Issuer, c.Audience) != nil:
		return checkIssuers(c.Issuer, c.Audience)
	case c.MaxRequest < 0:
		return errors.New("--max-request must not be below 0")
	case c.AccessLogSample < 0:
		return errors.New("--access-log-sample must be above 0")
	case c.MaxHeader < 0 || c.MaxHeader > maxMaxHeader:
		return fmt.Errorf("--max-header must be from 0 to %d", maxMaxHeader)
	case c.MaxConns < 1 || c.MaxResponse < 1 || c.Timeout <= 0:
		return errors.New("--max-conns, --max-response and --timeout must be above 0")
	case c.Upgrade != "" && c.Upgrade != "allow" && c.Upgrade != "refuse":
		return errors.New("--upgrade must be allow or refuse")
	case c.MaxHeld != 0 && c.MaxHeld < max(c.MaxRequest, int64(c.MaxResponse)):
		return errors.New("--max-held must not be below --max-request or --max-response: longer bodies could never be checked")
	case c.StreamTimeout < 0 || c.MaxConnAge < 0:
		return errors.New("--stream-timeout and --max-conn-age must not be below 0")
	}
	return nil
}

// maxMaxHeader bounds the memory of header fields over all connections.
const maxMaxHeader = 1 << 20

func (c *GatewayConfig) cors() gateway.CORS {
	return gateway.CORS{Origins: c.CORSOrigin, Credentials: c.CORSCredentials}
}

func (c *GatewayConfig) corsError() error {
	cors := c.cors()
	if err := cors.Validate(); err != nil {
		return fmt.Errorf("--cors-origin: %w", err)
	}
	return nil
}

func (c *GatewayConfig) upstreamError() error {
	if c.Upstream == "" {
		return errors.New("--upstream is required: the service behind the gateway, such as http://127.0.0.1:8080")
	}
	if _, err := upstream.New(upstream.Config{URL: c.Upstream}); err != nil {
		return fmt.Errorf("--upstream: %w", err)
	}
	return nil
}

type gatewayCommand struct {
	GatewayConfig
	Check bool `help:"Read the contract, the policy and the settings, print their effect, and exit."`
}

// Run runs the gateway until ctx is done; with --check it only describes it.
func (c *gatewayCommand) Run(ctx context.Context, stdout io.Writer, log *slog.Logger) error {
	if c.Check {
		return c.check(ctx, stdout, log)
	}
	g, err := OpenGateway(ctx, c.GatewayConfig, log)
	if err != nil {
		return err
	}
	log.Info("serving", "url", g.URL, "admin", g.AdminURL, "upstream", c.Upstream)
	return g.Run(ctx)
}

// check prints the effect of the settings. It opens no listener, since a gateway may be running.
func (c *gatewayCommand) check(ctx context.Context, stdout io.Writer, log *slog.Logger) error {
	g := newGateway(c.GatewayConfig, log)
	g.consult = true
	if err := g.prepare(ctx); err != nil {
		return errors.Join(err, g.close())
	}
	fmt.Fprintf(stdout, "upstream: %s\n", c.Upstream)
	if g.verifier == nil {
		fmt.Fprintln(stdout, "tokens: not checked")
	} else {
		fmt.Fprintf(stdout, "tokens: of %s for %s\n", strings.Join(c.Issuer, ", "), strings.Join(c.Audience, ", "))
	}
	g.current.Describe(stdout)
	g.describeDocument(stdout)
	return g.close()
}

// describeDocument lists the parts of the document that are not judged, and its warnings.
func (g *Gateway) describeDocument(stdout io.Writer) {
	for _, s := range g.remarks.spots {
		fmt.Fprintf(stdout, "not judged: %s: %s\n", s.Pointer, s.Reason)
	}
	for _, w := range g.remarks.warnings {
		fmt.Fprintf(stdout, "warning: %s: %s\n", w.Pointer, w.Text)
	}
}

// Gateway is a gateway with open listeners. It serves once Run is called.
type Gateway struct {
	// URL is the address of the gateway, such as http://127.0.0.1:8090. AdminURL is that of the probes, or "".
	URL, AdminURL string

	config   GatewayConfig
	log      *slog.Logger
	host     *host
	metrics  *gateway.Metrics
	traffic  *traffic.Recorder // nil without an admin listener
	verifier *auth.Verifier
	upstream *upstream.Client
	tracing  *sdktrace.TracerProvider // nil if tracing is off
	current  gateway.Live
	site     liveSite
	budget   *gateway.Budget
	loading  sync.Mutex
	seen     files // the files of the last attempt, valid or not
	remarks  remarks
	consult  bool // also report mistakes in the document that affect no verdict
}

// remarks describe the current document; they are empty for the built-in one. The document itself is not kept, because it
// takes as much memory as the contract.
type remarks struct {
	spots    []validate.Spot
	warnings []spec.Warning
	files    []string
}

// files holds contract, policy and error form as they were read. A missing one is nil.
type files struct {
	spec, policy, errors []byte
	err                  error
}

func (f *files) equal(other *files) bool {
	return bytes.Equal(f.spec, other.spec) && bytes.Equal(f.policy, other.policy) && bytes.Equal(f.errors, other.errors) &&
		fmt.Sprint(f.err) == fmt.Sprint(other.err)
}

// OpenGateway reads contract and policy and opens the listeners, unless ctx is done first. Unless it returns an error, the
// caller must call Run.
func OpenGateway(ctx context.Context, c GatewayConfig, log *slog.Logger) (*Gateway, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	g := newGateway(c, log)
	err := g.prepare(ctx)
	if err == nil {
		err = g.listen()
	}
	if err != nil {
		return nil, errors.Join(err, g.close())
	}
	return g, nil
}

func newGateway(c GatewayConfig, log *slog.Logger) *Gateway {
	budget := gateway.NewBudget(cmp.Or(c.MaxHeld, gateway.DefaultBudget))
	g := &Gateway{config: c, log: log, host: newHost(log, c.DrainDelay), budget: budget}
	g.host.limits = c.ConnectionLimits
	return g
}

// prepare does everything that can fail because of the settings, except listening.
func (g *Gateway) prepare(ctx context.Context) error {
	c := &g.config
	var err error
	if g.metrics, err = gateway.NewMetrics(g.host.metrics); err != nil {
		return err
	}
	if c.AdminListen != "" {
		g.traffic = traffic.New()
	}
	if len(c.Issuer) > 0 {
		if g.verifier, err = auth.New(auth.Config{Issuers: c.Issuer, Audiences: c.Audience, Log: g.log}); err != nil {
			return err
		}
	}
	if err := g.connect(); err != nil {
		return err
	}
	if g.tracing, err = openTracing(ctx, "pfxrd-gateway", c.OTLPEndpoint, g.log); err != nil {
		return err
	}
	g.seen = c.read()
	return g.apply(ctx, &g.seen)
}

// minBodyRate is the lowest average rate of a request's body, in bytes per second.
const minBodyRate = 1 << 10

func (g *Gateway) listen() error {
	c := &g.config
	if g.current.WantsCertificate() {
		g.host.clientAuth = tls.RequestClientCert // to see whether there is one; at most the upstream verifies it
	}
	server, url, err := g.host.open(c.Listen, c.TLSCert, c.TLSKey)
	if err != nil {
		return err
	}
	server.MaxHeaderBytes = max(server.MaxHeaderBytes, 4*c.MaxHeader) // so that our own response comes first, not net/http's
	server.WriteTimeout += c.Timeout                                  // until the upstream's first byte; each further piece has its own deadline
	pieces := pace.Config{Piece: server.ReadTimeout, Rate: minBodyRate, Response: server.WriteTimeout}
	server.Handler, g.URL = pace.Handler(pieces, g.site.handler(g.current.Handler(g.upstream))), url
	server.RegisterOnShutdown(g.upstream.EndStreams)
	g.AdminURL, err = g.host.openAdmin(c.AdminListen, c.Debug, g.notReady, view.New(g.traffic))
	return err
}

func (g *Gateway) connect() error {
	config := upstream.Config{
		URL: g.config.Upstream, KeepHost: g.config.KeepHost, Trusted: g.config.TrustedProxy, MaxConns: g.config.MaxConns,
		Timeout: g.config.Timeout, StreamTimeout: g.config.StreamTimeout, Upgrade: g.config.Upgrade == "allow",
		MaxConnAge: g.config.MaxConnAge, HTTP2: g.config.UpstreamHTTP2, Fail: g.fail,
	}
	var err error
	if config.TLS, err = g.config.upstreamTLS(); err != nil {
		return err
	}
	if g.upstream, err = upstream.New(config); err != nil {
		return fmt.Errorf("--upstream: %w", err)
	}
	return nil
}

// upstreamTLS returns the settings of TLS connections to the upstream.
func (c *GatewayConfig) upstreamTLS() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.UpstreamCA != "" {
		pem, err := os.ReadFile(c.UpstreamCA)
		if err != nil {
			return nil, fmt.Errorf("reading --upstream-ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("reading --upstream-ca: it contains no certificate")
		}
	}
	if c.UpstreamCert != "" {
		pair, err := tls.LoadX509KeyPair(c.UpstreamCert, c.UpstreamKey)
		if err != nil {
			return nil, fmt.Errorf("loading --upstream-cert and --upstream-key: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// fail responds when the upstream has not.
func (g *Gateway) fail(w http.ResponseWriter, r *http.Request, err error) {
	e, ok := errors.AsType[*upstream.Error](err)
	if !ok {
		e = &upstream.Error{Err: err}
	}
	p, level := problemOf(e), slog.LevelError
	if e.Kind == upstream.NoUpgrade || e.Kind == upstream.Slow || e.Kind == upstream.Gone || conns.Left(r.Context()) {
		level = slog.LevelInfo // caused by the client
	}
	g.log.Log(r.Context(), level, "no response from the upstream", "status", p.Status, "err", err)
	gateway.Fail(w, p)
}

// problemOf returns the problem for the client. Once part of the request was sent, no status may claim that it was not
// applied.
func problemOf(e *upstream.Error) *graph.Problem {
	switch {
	case e.Kind == upstream.Timeout:
		return gateway.LateAnswer()
	case e.Kind == upstream.Broken, e.Begun:
		return gateway.BrokenAnswer()
	case e.Kind == upstream.NoUpgrade:
		return gateway.NoUpgrade()
	case e.Kind == upstream.Slow:
		return graph.SlowBody(e)
	case e.Kind == upstream.Gone:
		return graph.MalformedBody(e)
	}
	return gateway.Unsent(e)
}

// read reads the files that configure the gateway.
func (c *GatewayConfig) read() files {
	var f files
	for _, file := range []struct {
		flag, name string
		into       *[]byte
	}{{"--spec", c.Spec, &f.spec}, {"--policy", c.Policy, &f.policy}, {"--errors", c.errorFile(), &f.errors}} {
		if file.name == "" {
			continue
		}
		data, err := readFile(file.name)
		if err != nil {
			return files{err: fmt.Errorf("reading %s: %w", file.flag, err)}
		}
		*file.into = data
	}
	return f
}

// maxFile bounds the size of a contract or a policy, in bytes. Their parsers have lower bounds of their own.
const maxFile = 64 << 20

// readFile bounds the size of a file, so that an endless one cannot end a running gateway.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("it is larger than %d MiB", maxFile>>20)
	}
	return data, err
}

// apply puts files into effect. On an error it changes nothing.
func (g *Gateway) apply(ctx context.Context, f *files) error {
	if f.err != nil {
		return f.err
	}
	contract, document, err := g.contract(ctx, f.spec)
	if err != nil {
		return err
	}
	contract.MaxBody = cmp.Or(g.config.MaxRequest, contract.MaxBody)
	site, err := g.config.pages(f.spec, document, g.log)
	if err != nil {
		return err
	}
	var rules *policy.Policy
	if f.policy != nil {
		if rules, err = policy.Parse(f.policy); err != nil {
			return fmt.Errorf("%s: %w", g.config.Policy, err)
		}
	}
	errorForm, err := g.config.errorForm(f.errors)
	if err != nil {
		return err
	}
	config := gateway.Config{
		Contract: contract, Policy: rules, Errors: errorForm, CORS: g.config.cors(), Address: g.upstream.Address,
		MaxHeader: g.config.MaxHeader, MaxResponse: g.config.MaxResponse, Budget: g.budget, Metrics: g.metrics, Traffic: g.traffic, Log: g.log,
		Defaults: policy.Defaults{
			Responses: policy.Monitor, ForceRequests: g.config.Requests, ForceResponses: g.config.Responses, Unknown: unknown(g.config.Unknown),
		},
	}
	config.Upstream, config.Caller = g.upstream.Name(), g.upstream.Caller
	if g.config.AccessLog == "on" && g.log.Enabled(ctx, slog.LevelInfo) {
		config.Access, config.AccessSample = g.log.Handler(), g.config.AccessLogSample
	}
	config.Tracer = tracerOf(g.tracing)
	if g.verifier != nil {
		config.Verifier = g.verifier
	}
	gate, err := gateway.New(config)
	if err != nil {
		return err
	}
	g.current.Replace(gate)
	g.site.current.Store(site)
	g.remarks = remarks{}
	if document != nil {
		g.remarks = remarks{document.Spots, document.Warnings, document.Files}
		debug.FreeOSMemory() // frees the memory of parsing
	}
	return nil
}

// errorFile returns the file that --errors names, or "".
func (c *GatewayConfig) errorFile() string {
	switch c.Errors {
	case "problem", "graph":
		return ""
	}
	return c.Errors
}

// errorForm returns the form of the gateway's own responses, or nil for that of the contract.
func (c *GatewayConfig) errorForm(template []byte) (*form.Form, error) {
	switch {
	case template != nil:
		return form.Parse(c.Errors, template)
	case c.Errors == "problem":
		return form.Problem(), nil
	case c.Errors == "graph":
		return form.Graph(), nil
	}
	return nil, nil //nolint:nilnil // nil is a valid setting
}

// readingTime bounds the time for parsing a document.
const readingTime = time.Minute

// contract returns the contract of a document, or the built-in one if data is nil.
func (g *Gateway) contract(ctx context.Context, data []byte) (*gateway.Contract, *spec.Document, error) {
	if data == nil {
		return gateway.Builtin(), nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, readingTime)
	defer cancel()
	contract, document, err := gateway.Read(ctx, data, spec.Options{
		Folder: filepath.Dir(g.config.Spec), Name: filepath.Base(g.config.Spec), Consult: g.consult,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", g.config.Spec, err)
	}
	if n := len(document.Spots); n > 0 {
		g.log.Warn("parts of the document are not judged; --check lists them", "parts", n, "first", document.Spots[0].Pointer)
	}
	return contract, document, nil
}

func unknown(word string) *policy.Mode {
	modes := map[string]policy.Mode{"refuse": policy.Enforce, "pass": policy.Monitor}
	if mode, ok := modes[word]; ok {
		return &mode
	}
	return nil
}

// reload reads the contract, policy and error form again. If they are invalid, the current ones stay in effect.
func (g *Gateway) reload(ctx context.Context, always bool) {
	g.loading.Lock()
	defer g.loading.Unlock()
	f := g.config.read()
	if !always && f.equal(&g.seen) && len(g.remarks.files) == 0 {
		return // another file in the folder has changed
	}
	g.seen = f
	err := g.apply(ctx, &f)
	g.metrics.Reloaded(err)
	if err != nil {
		g.log.Error("contract and policy not reloaded: the current ones stay in effect", "err", err)
		return
	}
	g.log.Info("contract and policy reloaded")
}

func (g *Gateway) notReady(ctx context.Context) string {
	if g.verifier != nil && g.verifier.Ready(ctx) != nil {
		return "an issuer's keys cannot be read"
	}
	return ""
}

// Run serves until ctx is done. It reads contract, policy, error form and certificate again on SIGHUP and when their files
// change.
func (g *Gateway) Run(ctx context.Context) error {
	g.host.onReload(g.reload, g.config.Spec, g.config.Policy, g.config.errorFile())
	return errors.Join(g.host.serve(ctx), g.close())
}

func (g *Gateway) close() error {
	if g.verifier != nil {
		g.verifier.Close()
	}
	if g.upstream != nil {
		g.upstream.Close()
	}
	closeTracing(g.tracing, g.log)
	return g.host.close()
}
