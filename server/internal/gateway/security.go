package gateway

import (
	"net/http"
	"slices"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/auth"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
	"github.com/pfxrecryption/pfxrecryption/server/internal/graph"
	"github.com/pfxrecryption/pfxrecryption/server/internal/message"
	"github.com/pfxrecryption/pfxrecryption/server/internal/pace"
)

// need is a security scheme with the scopes that it must grant.
type need struct {
	validate.Requirement
	credential credential
}

// credential is how a request fulfils a need.
type credential int

const (
	token       credential = iota // a bearer token: verified if there is a verifier, else not looked at
	scheme                        // another scheme of Authorization: looked for
	key                           // an apiKey: looked for
	certificate                   // of the caller's TLS connection: looked for
)

func needOf(r validate.Requirement) need {
	switch {
	case r.Type == "apiKey" && !isAuthorization(r):
		return need{r, key}
	case r.Type == "mutualTLS":
		return need{r, certificate}
	case r.Type == "http" && r.Name != "bearer":
		return need{r, scheme}
	}
	return need{r, token} // a scheme that the document does not define, too: nothing else could refuse its request
}

// isAuthorization reports whether a key is the field that tokens are in: many documents describe their tokens so.
func isAuthorization(r validate.Requirement) bool {
	return r.In == "header" && strings.EqualFold(r.Name, "Authorization")
}

// alternative is a set of needs that hold together. The empty one needs nothing.
type alternative []need

func alternativesOf(op *validate.Operation) []alternative {
	var all []alternative
	for _, requirements := range op.Security {
		a := alternative{}
		for _, r := range requirements {
			a = append(a, needOf(r))
		}
		all = append(all, a)
	}
	return all
}

// authorize lets a request pass that fulfils one alternative of its operation, and one of each operation that other readers
// of the path would find. What no operation has needs a token. Where tokens are checked it knows no policy: a token that is
// only looked at protects nothing.
func (x *exchange) authorize(found *match) *graph.Problem {
	verifies := x.gate.config.Verifier != nil
	var refusal *graph.Problem
	switch {
	case x.route != nil:
		refusal = x.authorizeFor(x.route)
	case verifies:
		refusal = x.authorizeUnknown()
	}
	if refusal != nil {
		return refusal
	}
	for _, rt := range x.siblings(found) {
		if refusal := x.authorizeFor(rt); refusal != nil {
			return refusal
		}
	}
	judged := x.route != nil && x.route.rules[policy.Requests][policy.Path] == policy.Enforce
	if found.ambiguous && verifies && !judged {
		return x.noRoute() // there is no telling whose permission it needs
	}
	return nil
}

// authorizeUnknown refuses a request that no operation has unless its token holds.
func (x *exchange) authorizeUnknown() *graph.Problem {
	principal, refusal := x.verify()
	if refusal == nil && principal.Personal() {
		return graph.PersonalAccount()
	}
	return refusal
}

func (x *exchange) authorizeFor(rt *route) *graph.Problem {
	if len(rt.security) == 0 {
		return nil
	}
	refusal := x.fulfil(rt)
	if refusal == nil || x.gate.config.Verifier != nil {
		return refusal
	}
	if x.judge(violation{kind: policy.Credentials, in: "header", name: rt.scheme(), keyword: "security"}) {
		return refusal
	}
	return nil
}

// fulfil returns why a request fulfils no alternative of a route. A token that is there is verified even if another
// alternative holds: it is forwarded.
func (x *exchange) fulfil(rt *route) *graph.Problem {
	var principal *auth.Principal
	var invalid *graph.Problem
	if x.gate.config.Verifier != nil && rt.takesToken {
		principal, invalid = x.verify()
		if invalid != nil && hasScheme(x.request.Header["Authorization"], "bearer") {
			return invalid
		}
	}
	if p := x.repeated(rt); p != nil {
		return p
	}
	shown := false
	for _, a := range rt.security {
		switch complete, granted := x.shows(a, principal); {
		case complete && granted && principal != nil && principal.Personal():
			return graph.PersonalAccount()
		case complete && granted:
			return nil
		case complete:
			shown = true
		}
	}
	switch {
	case shown:
		return graph.Forbidden(rt.scopes)
	case invalid != nil:
		return invalid
	}
	return graph.Unauthenticated(rt.challenges)
}

// shows reports whether a request shows all credentials of an alternative, and whether they grant its scopes.
func (x *exchange) shows(a alternative, principal *auth.Principal) (complete, granted bool) {
	granted = true
	for i := range a {
		n := &a[i]
		if !x.has(n, principal) {
			return false, false
		}
		if principal != nil && n.credential == token {
			granted = granted && !slices.ContainsFunc(n.Scopes, func(s string) bool { return !principal.Allows(s) })
		}
	}
	return true, granted
}

// has reports whether a request shows a credential.
func (x *exchange) has(n *need, principal *auth.Principal) bool {
	r := x.request
	switch n.credential {
	case scheme:
		return hasScheme(r.Header["Authorization"], n.Name)
	case key:
		return slices.ContainsFunc(message.Keys(r, n.In, n.Name), func(value string) bool { return value != "" })
	case certificate:
		return r.TLS != nil && len(r.TLS.PeerCertificates) > 0
	}
	switch c := &x.gate.config; {
	case c.Verifier != nil:
		return principal != nil
	case n.Type == "apiKey": // Authorization must be there
		return len(r.Header["Authorization"]) > 0
	case c.RequireTokens && n.Type != "": // else the document does not say what it wants
		return hasScheme(r.Header["Authorization"], "bearer")
	}
	return true // tokens pass as they are, or are not there
}

// repeated refuses a credential that is there more than once: readers disagree which one counts. Where no token is checked,
// that is a parameter's fault like others.
func (x *exchange) repeated(rt *route) *graph.Problem {
	if x.gate.config.Verifier == nil {
		return nil
	}
	if len(x.request.Header["Authorization"]) > 1 {
		return problemOf(auth.Repeated())
	}
	for _, a := range rt.security {
		for i := range a {
			if n := &a[i]; n.credential == key && len(message.Keys(x.request, n.In, n.Name)) > 1 {
				return graph.BadParameter(n.Name, "was sent more than once")
			}
		}
	}
	return nil
}

// verify returns who calls.
func (x *exchange) verify() (*auth.Principal, *graph.Problem) {
	principal, err := x.gate.config.Verifier.Verify(pace.Context(x.request), x.request.Header["Authorization"])
	if err == nil {
		x.client = principal.App
		return principal, nil
	}
	p := problemOf(err)
	if p.Status >= http.StatusInternalServerError {
		x.gate.config.Log.Error("a token could not be checked", "err", err)
	}
	return nil, p
}

// hasScheme reports whether Authorization has credentials of a scheme, whose name is in lower case.
func hasScheme(authorization []string, name string) bool {
	for _, value := range authorization {
		if s, credentials, _ := strings.Cut(value, " "); strings.EqualFold(s, name) && strings.Trim(credentials, " ") != "" {
			return true
		}
	}
	return false
}

// describeSecurity says of the route what answers and the log need.
func (rt *route) describeSecurity() {
	for _, a := range rt.security {
		var scopes []string
		for i := range a {
			n := &a[i]
			rt.takesToken = rt.takesToken || n.credential == token
			scopes = append(scopes, n.Scopes...)
			if c := n.challenge(); !slices.Contains(rt.challenges, c) {
				rt.challenges = append(rt.challenges, c)
			}
		}
		if len(scopes) > 0 && !slices.ContainsFunc(rt.scopes, func(other []string) bool { return slices.Equal(other, scopes) }) {
			rt.scopes = append(rt.scopes, scopes)
		}
	}
	slices.SortStableFunc(rt.scopes, slices.Compare)
}

// challenge returns what a caller is told to send (RFC 9110 §11.6.1): HTTP has no scheme for keys and certificates.
func (n *need) challenge() graph.Challenge {
	switch n.credential {
	case scheme:
		return graph.Challenge{Scheme: n.Name}
	case key:
		return graph.Challenge{Scheme: "ApiKey", In: n.In, Name: n.Name}
	case certificate:
		return graph.Challenge{Scheme: "Certificate"}
	}
	return graph.Challenge{Scheme: "Bearer"}
}

// scheme names the first scheme of the operation, for the log.
func (rt *route) scheme() string {
	for _, a := range rt.security {
		for i := range a {
			return a[i].Scheme
		}
	}
	return ""
}
