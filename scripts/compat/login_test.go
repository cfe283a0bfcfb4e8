package compat

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/pfxrecryption/pfxrecryption/scripts/programtest"
)

const (
	pageTenant = "f9882bcd-2bcd-f988-cd2b-88f9cd2b88f9"
	clientID   = "11111111-2222-3333-4444-555555555555"
	graphScope = "https://graph.microsoft.com/.default"
	redirect   = "http://localhost:3000/back"
)

// securedServer is pfxrd serve --dev with a certificate.
type securedServer struct {
	url    string // of the origin, with the name localhost
	caFile string
	client *http.Client
}

func startSecured(t *testing.T) *securedServer {
	t.Helper()
	dir := t.TempDir()
	s := &securedServer{caFile: filepath.Join(dir, "cert.pem")}
	pool := writePair(t, s.caFile, filepath.Join(dir, "key.pem"))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	t.Cleanup(transport.CloseIdleConnections)
	s.client = &http.Client{Transport: transport}
	address, _ := startServe(t, "--store", "sqlite:"+filepath.Join(dir, "pfxr.db"), "--dev", "--tls-cert", s.caFile, "--tls-key", filepath.Join(dir, "key.pem"))
	s.url = strings.Replace(address, "127.0.0.1", "localhost", 1)
	return s
}

// startServe runs pfxrd serve until the test ends and returns its origin and its process.
func startServe(t *testing.T, args ...string) (string, *os.Process) {
	t.Helper()
	s := programtest.Serve(t, programtest.Pfxrd(t, append([]string{"serve", "--admin-listen="}, args...)...))
	return s.Origin, s.Process
}

// writePair writes a certificate for loopback and its key, and returns a pool that trusts it.
func writePair(t *testing.T, certFile, keyFile string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, text := range map[string][]byte{certFile: cert, keyFile: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return pool
}

// wantGood checks that a token can read the page's object.
func (s *securedServer) wantGood(t *testing.T, name, token string) {
	t.Helper()
	if got := statusOf(t, s.client, s.url, token); got != http.StatusOK {
		t.Errorf("%s: got %d, want 200", name, got)
	}
}

// statusOf reads the page's object with a token and returns the status.
func statusOf(t *testing.T, client *http.Client, origin, token string) int {
	t.Helper()
	status, err := askStatus(t.Context(), client, origin, token)
	if err != nil {
		t.Fatal(err)
	}
	return status
}

// askStatus is statusOf for goroutines other than the test's.
func askStatus(ctx context.Context, client *http.Client, origin, token string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, origin+"/beta/pfxRecryptionRequests/sample", http.NoBody)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body) // for the next request on the connection
	return resp.StatusCode, err
}

// TestMSAL logs in with @azure/msal-node at each address of the development issuer for a tenant.
func TestMSAL(t *testing.T) {
	t.Parallel()
	s := startSecured(t)
	for name, authority := range map[string]string{"localhost": s.url + "/" + pageTenant, "127.0.0.1": strings.Replace(s.url, "localhost", "127.0.0.1", 1) + "/" + pageTenant} {
		cmd := exec.CommandContext(t.Context(), "node", "js/login.js", authority, clientID, graphScope, redirect)
		cmd.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+s.caFile)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		tokens := map[string]string{}
		if err := json.Unmarshal(out, &tokens); err != nil || len(tokens) != 3 {
			t.Fatalf("%s: got %s, %v", name, out, err)
		}
		for way, token := range tokens {
			s.wantGood(t, name+", "+way, token)
		}
	}
}

// TestAzureIdentity logs in with azidentity.
func TestAzureIdentity(t *testing.T) {
	t.Parallel()
	s := startSecured(t)
	options := policy.ClientOptions{Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: s.url + "/"}, Transport: s.client}
	application, err := azidentity.NewClientSecretCredential(pageTenant, clientID, "any", &azidentity.ClientSecretCredentialOptions{
		ClientOptions: options, DisableInstanceDiscovery: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	user, err := azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
		ClientOptions: options, DisableInstanceDiscovery: true, TenantID: pageTenant, ClientID: clientID,
		UserPrompt: func(context.Context, azidentity.DeviceCodeMessage) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, credential := range map[string]azcore.TokenCredential{"client secret": application, "device code": user} {
		token, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{graphScope}})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		s.wantGood(t, name, token.Token)
	}
}
