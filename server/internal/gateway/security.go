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

// need is a security scheme and its required scopes.
type need struct {
	validate.Requirement
	credential credential
}

// credential is the kind of credential that satisfies a need.
type credential int

const (
	token       credential = iota // a bearer token: verified if there is a verifier, otherwise ignored
	scheme                        // another scheme of Authorization: must be present
	key                           // an apiKey: must be present
	certificate                   // a client certificate: must be present
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
	return need{r, token} // also for an undefined scheme: nothing else could refuse its request
}

// isAuthorization reports whether an apiKey is the Authorization field: many documents describe tokens that way.
func isAuthorization(r validate.Requirement) bool {
	return r.In == "header" && strings.EqualFold(r.Name, "Authorization")
}

// alternative is a set of needs that must all be met. An empty one needs nothing.
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

// authorize passes a request that satisfies one alternative of its operation, and one of each operation that other servers
// may find for the path. A request without an operation needs a token. If tokens are checked, no policy applies here: a
// check that only watches protects nothing.
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
		return x.noRoute() // the required permission is unknown
	}
	return nil
}

// authorizeUnknown refuses a request without an operation unless its token is valid.
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

// fulfil returns why a request satisfies no alternative of a route. A token that is present is verified even if another
// alternative is satisfied, because it is forwarded.
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

// shows reports whether a request has all credentials of an alternative, and whether they grant its scopes.
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

// has reports whether a request has a credential.
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
	case n.Type == "apiKey": // Authorization must be present
		return len(r.Header["Authorization"]) > 0
	case c.RequireTokens && n.Type != "": // otherwise the document does not say what it needs
		return hasScheme(r.Header["Authorization"], "bearer")
	}
	return true // tokens are optional and not checked
}

// repeated refuses duplicate credentials, because servers disagree on which one counts. If no tokens are checked, duplicates
// are ordinary parameter faults.
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

// verify returns the verified caller.
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

// hasScheme reports whether Authorization has credentials of a scheme. name is in lower case.
func hasScheme(authorization []string, name string) bool {
	for _, value := range authorization {
		if s, credentials, _ := strings.Cut(value, " "); strings.EqualFold(s, name) && strings.Trim(credentials, " ") != "" {
			return true
		}
	}
	return false
}

// describeSecurity precomputes what responses and the log need.
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

// challenge returns the challenge for the client (RFC 9110 §11.6.1). HTTP has no scheme for keys and certificates.
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

// scheme returns the name of the operation's first scheme, for the log.
func (rt *route) scheme() string {
	for _, a := range rt.security {
		for i := range a {
			return a[i].Scheme
		}
	}
	return ""
}
