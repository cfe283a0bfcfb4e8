package strict

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/message"
)

// Scheme verifies the credential of a security scheme and returns its owner. The credential is a bearer token, user:password
// for basic, or the key. For a client certificate it is "", and the certificate is in From(ctx).Request.TLS. ErrForbidden
// means that the client is known but not allowed. A [*Problem] is the response. Any other error means that the credential is
// invalid, and is only logged.
type Scheme func(ctx context.Context, credential string, scopes []string) (principal any, err error)

// ErrForbidden is the error of a [Scheme] for a credential that does not grant the scopes.
var ErrForbidden = errors.New("the credential does not grant the scopes")

// Schemes returns a function for [Config.Authorize] that calls the schemes by their names in the document. All schemes of
// one alternative must succeed. The principal is that of its first scheme, or nil for an empty alternative.
func Schemes(schemes map[string]Scheme) func(x *Exchange) (any, error) {
	return func(x *Exchange) (any, error) {
		var worst error
		for _, alternative := range x.Operation.Security {
			principal, err := fulfil(x, schemes, alternative)
			if err == nil {
				return principal, nil
			}
			if worst == nil || !errors.Is(err, errMissing) {
				worst = err
			}
		}
		return nil, x.refusal(worst)
	}
}

var errMissing = errors.New("the credential is missing")

// fulfil calls the schemes of an alternative.
func fulfil(x *Exchange, schemes map[string]Scheme, alternative validate.Alternative) (any, error) {
	var first any
	for i, r := range alternative {
		credential, ok := Credential(x.Request, r)
		verify := schemes[r.Scheme]
		if !ok || verify == nil {
			return nil, errMissing
		}
		principal, err := verify(x, credential, r.Scopes)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			first = principal
		}
	}
	return first, nil
}

// refusal returns the problem of insufficient credentials.
func (x *Exchange) refusal(err error) error {
	if _, ok := errors.AsType[*Problem](err); ok {
		return err
	}
	if errors.Is(err, ErrForbidden) {
		return &Problem{Status: http.StatusForbidden, Code: CodeForbidden, Message: "The credentials do not allow this operation."}
	}
	var challenges []string
	for _, alternative := range x.Operation.Security {
		for _, r := range alternative {
			if c := challenge(r); !slices.Contains(challenges, c) {
				challenges = append(challenges, c)
			}
		}
	}
	text := "Credentials are missing, or not all of those that the operation needs together."
	if !errors.Is(err, errMissing) {
		text = "The credentials are invalid."
	}
	return &Problem{
		Status: http.StatusUnauthorized, Code: CodeUnauthorized, Message: text,
		Header: []Field{{"WWW-Authenticate", strings.Join(challenges, ", ")}}, Cause: err,
	}
}

// challenge returns the challenge for a credential (RFC 9110 §11.6.1). HTTP has no scheme for keys and certificates.
func challenge(r validate.Requirement) string {
	const realm = ` realm="api"`
	quoted := func(s string) string { return `"` + strings.NewReplacer(`"`, "'", `\`, "/").Replace(s) + `"` }
	switch {
	case r.Type == "apiKey":
		return "ApiKey" + realm + ", in=" + quoted(r.In) + ", name=" + quoted(r.Name)
	case r.Type == "mutualTLS":
		return "Certificate" + realm
	case r.Type == "http" && r.Name != "" && r.Name != "bearer":
		return strings.ToUpper(r.Name[:1]) + r.Name[1:] + realm
	}
	return "Bearer" + realm
}

// Credential returns the credential of a request for a requirement, and whether there is exactly one: servers disagree on
// which of several counts.
func Credential(r *http.Request, of validate.Requirement) (string, bool) {
	switch of.Type {
	case "apiKey":
		return only(message.Keys(r, of.In, of.Name))
	case "mutualTLS":
		return "", r.TLS != nil && len(r.TLS.PeerCertificates) > 0
	}
	line, ok := only(r.Header["Authorization"])
	name, credential, _ := strings.Cut(line, " ")
	credential = strings.Trim(credential, " ")
	want := "bearer"
	if of.Type == "http" && of.Name != "" {
		want = of.Name
	}
	if !ok || credential == "" || !strings.EqualFold(name, want) {
		return "", false
	}
	if want != "basic" {
		return credential, true
	}
	text, err := base64.StdEncoding.DecodeString(credential)
	return string(text), err == nil && strings.Contains(string(text), ":")
}

func only(values []string) (string, bool) {
	if len(values) != 1 || values[0] == "" {
		return "", false
	}
	return values[0], true
}
