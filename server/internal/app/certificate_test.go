package app

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// pair returns a certificate for loopback and its key, in PEM.
func pair(t *testing.T, serial int64, expires time.Time) (string, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: expires.Add(-time.Hour), NotAfter: expires,
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return encodePEM("CERTIFICATE", der), encodePEM("PRIVATE KEY", secret)
}

func encodePEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// secured is a server whose certificate is in files.
type secured struct {
	*Server
	cert, key string
	log       *lines
}

func startSecured(t *testing.T, change ...func(*Config)) *secured {
	t.Helper()
	dir := t.TempDir()
	s := &secured{cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem"), log: &lines{told: make(chan string, 10_000)}}
	cert, key := pair(t, 1, time.Now().Add(time.Hour))
	s.write(t, cert, key)
	c := Config{
		Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0", Store: "sqlite:" + filepath.Join(dir, "pfxr.db"), Dev: true,
		TLSCert: s.cert, TLSKey: s.key,
	}
	for _, f := range change {
		f(&c)
	}
	server, err := Open(t.Context(), c, slog.New(slog.NewJSONHandler(s.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	s.Server = server
	runServer(t, server)
	return s
}

// runServer runs a server until the test ends.
func runServer(t *testing.T, s *Server) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- s.Run(ctx) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		stop()
		if err := <-stopped; err != nil {
			t.Errorf("stopping the server: %v", err)
		}
	})
}

func (s *secured) write(t *testing.T, cert, key string) {
	t.Helper()
	for name, text := range map[string]string{s.key: key, s.cert: cert} {
		replace(t, name, text)
	}
}

// newClient returns a client with one connection that accepts any certificate.
func (s *secured) newClient(t *testing.T, http2 bool) *http.Client {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!http2)
	protocols.SetHTTP2(http2)
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, Protocols: protocols, MaxConnsPerHost: 1} //nolint:gosec // the test checks the certificate itself
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// serial sends a request and returns the serial number of its connection's certificate.
func (s *secured) serial(t *testing.T, c *http.Client) int64 {
	t.Helper()
	resp, err := c.Get(s.URL + "/beta/pfxRecryptionRequests/sample")
	if err != nil {
		t.Error(err)
		return 0
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("got %s, %v, want 401", resp.Status, err)
	}
	return resp.TLS.PeerCertificates[0].SerialNumber.Int64()
}

// TestCertificateReload: open connections keep their certificate and new ones get the new one. No connection fails, and an
// invalid pair changes nothing.
func TestCertificateReload(t *testing.T) {
	t.Parallel()
	s := startSecured(t)
	before := map[string]*http.Client{"HTTP/1.1": s.newClient(t, false), "HTTP/2": s.newClient(t, true)}
	for name, c := range before {
		if got := s.serial(t, c); got != 1 {
			t.Fatalf("%s: got certificate %d, want 1", name, got)
		}
	}
	var calls atomic.Int64
	stop := make(chan struct{})
	var load sync.WaitGroup
	for _, http2 := range []bool{false, true} {
		load.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					c := s.newClient(t, http2)
					s.serial(t, c)
					c.CloseIdleConnections()
					calls.Add(1)
				}
			}
		})
	}
	good, goodKey := pair(t, 2, time.Now().Add(time.Hour))
	other, _ := pair(t, 3, time.Now().Add(time.Hour))
	old, oldKey := pair(t, 4, time.Now().Add(-time.Minute))
	for _, step := range []struct {
		name, cert, key, log string
		serial               int64
	}{
		{"another pair", good, goodKey, `"msg":"certificate reloaded"`, 2},
		{"a certificate of another key", other, goodKey, "certificate not reloaded", 2},
		{"no certificate", "", goodKey, "certificate not reloaded", 2},
		{"an expired pair", old, oldKey, "the certificate expired on", 2},
		{"a valid pair again", good, goodKey, "", 2},
	} {
		s.write(t, step.cert, step.key)
		if step.log != "" {
			s.log.await(step.log)
		}
		if got := s.serial(t, s.newClient(t, true)); got != step.serial && step.log != "" {
			t.Errorf("%s: got certificate %d, want %d", step.name, got, step.serial)
		}
	}
	close(stop)
	load.Wait()
	for name, c := range before {
		if got := s.serial(t, c); got != 1 {
			t.Errorf("%s: the connection from before has certificate %d: it was dropped", name, got)
		}
	}
	if calls.Load() == 0 {
		t.Error("there was no load")
	}
	metrics := metricsOf(t, s.AdminURL)
	for _, want := range []string{`pfxr_reloads_total{result="failed",what="certificate"} `, "pfxr_certificate_expiry_timestamp_seconds "} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}

func metricsOf(t *testing.T, admin string) string {
	t.Helper()
	resp, err := http.Get(admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestHangup: SIGHUP ends no connection. The signal goes to the test process, so every server in it reloads.
func TestHangup(t *testing.T) {
	s := startSecured(t)
	if got := s.serial(t, s.newClient(t, false)); got != 1 { // the server serves
		t.Fatalf("got certificate %d, want 1", got)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	s.log.await(`"msg":"certificate reloaded"`)
	s.log.await(`"msg":"keys of the issuers reloaded"`)
	if got := s.serial(t, s.newClient(t, false)); got != 1 {
		t.Errorf("got certificate %d, want 1", got)
	}
}

// TestNoCertificate: an invalid first pair is reported before anything is opened.
func TestNoCertificate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "cert.pem")
	if err := os.WriteFile(file, []byte("none"), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	s, err := Open(t.Context(), Config{
		Listen: "127.0.0.1:0", Store: "sqlite:" + filepath.Join(dir, "pfxr.db"), Dev: true, TLSCert: file, TLSKey: file,
	}, slog.New(slog.NewJSONHandler(&log, nil)))
	if s != nil || err == nil || !strings.Contains(err.Error(), "loading --tls-cert and --tls-key") {
		t.Errorf("got %v, %v", s, err)
	}
}
