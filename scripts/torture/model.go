//go:build linux

package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// modelBased does the same sequences of steps, drawn by chance, to servers on both stores and to the reference, and compares
// each whole answer. A sequence that shows a difference is made as short as can be.
func modelBased(ctx context.Context, r *rig) (string, error) {
	testing.Init() // rapid asks for -test.short, and of the common flags, which must have been parsed
	if err := flag.CommandLine.Parse(nil); err != nil {
		return "", err
	}
	for name, value := range map[string]any{
		"rapid.checks": of(r.size, 100, 500, 20_000), "rapid.seed": r.seed, "rapid.nofailfile": true, "rapid.shrinktime": of(r.size, 20*time.Second, 30*time.Second, 2*time.Minute),
	} {
		if err := flag.Set(name, fmt.Sprint(value)); err != nil {
			return "", err
		}
	}
	worlds := []*world{{rig: r, name: "one server on SQLite", stores: []string{"sqlite:" + r.path("pfxr.db")}}}
	db, err := r.cluster(ctx)
	left := ""
	switch {
	case notInstalled(err):
		left = "; left out: " + err.Error()
	case err != nil:
		return "", err
	default:
		store, err := r.store(ctx, db)
		if err != nil {
			return "", err
		}
		worlds = append(worlds, &world{rig: r, name: "two on PostgreSQL", stores: []string{store, store}})
	}
	lines, errs := make([]string, len(worlds)), make([]error, len(worlds))
	var all sync.WaitGroup
	for i, w := range worlds {
		all.Go(func() { lines[i], errs[i] = w.explore(ctx, i) })
	}
	all.Wait()
	return strings.Join(lines, "; ") + left, errors.Join(errs...)
}

// world is some servers with one store, the issuer of their tokens, and what they must answer.
type world struct {
	rig    *rig
	name   string
	stores []string // each server's address of the store

	ctx     context.Context
	id      int
	issuer  *server
	servers []*replaceable
	http    *http.Client

	// Of a sequence.
	reference *reference
	tenants   [2]string
	made      []string // keys that the servers made
	tokens    map[[2]string]string
	cursors   [2]*cursor

	failure                               string
	sequences, steps, restarts, rotations int
}

// replaceable is a server, and what was done to it.
type replaceable struct {
	*server
	required bool // whether it wants If-Match
	time     *clock
	offset   time.Duration
	rotated  bool // it has fetched keys for the sake of a new one, which it does only every five minutes
}

// cursor is where a list goes on.
type cursor struct {
	uri   string // without the server
	query []string
	after string
}

const (
	anyone = "DeviceManagementConfiguration.ReadWrite.All"
	reader = "DeviceManagementConfiguration.Read.All"
)

// explore runs the sequences.
func (w *world) explore(ctx context.Context, id int) (string, error) {
	w.ctx, w.id = ctx, id
	w.http = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableCompression: true}}
	defer w.http.CloseIdleConnections()
	if err := w.issue(); err != nil {
		return "", err
	}
	for i := range w.stores {
		w.servers = append(w.servers, &replaceable{})
		if err := w.start(i); err != nil {
			return "", err
		}
	}
	t := &standIn{name: w.name}
	ended := make(chan struct{})
	go func() { // FailNow ends it
		defer close(ended)
		rapid.Check(t, w.sequence)
	}()
	<-ended
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if t.failed {
		err := fmt.Errorf("%s: %s\n%s", w.name, t.report(), w.failure)
		return "", errors.Join(err, os.WriteFile(w.rig.path(fmt.Sprintf("sequence-%d.txt", w.id)), []byte(err.Error()), 0o600))
	}
	return fmt.Sprintf("%s: %d sequences, %d steps, %d restarts, %d rotations of keys, 0 divergences",
		w.name, w.sequences, w.steps, w.restarts, w.rotations), nil
}

// issue starts the issuer, at first or in the place of another, whose keys are gone then.
func (w *world) issue() error {
	args := []string{"--dev", "--store", "sqlite:" + w.rig.path(fmt.Sprintf("issuer-%d.db", w.id))}
	if w.issuer != nil {
		w.issuer.kill()
		args = append(args, "--listen", strings.TrimPrefix(w.issuer.origin, "http://"))
	}
	s, err := w.rig.launch(w.ctx, fmt.Sprintf("issuer-%d", w.id), launch{args: args})
	if err == nil {
		w.issuer, w.tokens = s, map[[2]string]string{}
	}
	return err
}

// start starts a server as its place says.
func (w *world) start(i int) error {
	at := w.servers[i]
	args := []string{"--store", w.stores[i], "--issuer", w.issuer.origin + "/dev/{tenantid}/v2.0", "--audience", audience, "--drain-delay", "10ms"}
	if at.required {
		args = append(args, "--require-if-match")
	}
	s, err := w.rig.launch(w.ctx, fmt.Sprintf("model-%d-%d", w.id, i), launch{args: args})
	if err == nil {
		*at = replaceable{server: s, required: at.required}
	}
	return err
}

func (w *world) replace(i int) error {
	w.servers[i].kill()
	w.restarts++
	return w.start(i)
}

// token returns the tenant's token with a permission.
func (w *world) token(tenant, permission string) (string, error) {
	if token := w.tokens[[2]string{tenant, permission}]; token != "" {
		return token, nil
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"torture"}, "scope": {audience + "/.default"}, "roles": {permission}}
	req, err := http.NewRequestWithContext(w.ctx, http.MethodPost, w.issuer.origin+"/dev/"+tenant+"/oauth2/v2.0/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := w.http.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return "", fmt.Errorf("reading a token: %w", err)
	}
	if answer.Token == "" {
		return "", fmt.Errorf("the issuer gave no token, but status %d", resp.StatusCode)
	}
	w.tokens[[2]string{tenant, permission}] = answer.Token
	return answer.Token, nil
}

// sequence is the property: whatever is done, the servers answer as the reference does. What it fails with is the same
// in each run, or rapid would not make it shorter; failure has what has differed in the last that failed.
func (w *world) sequence(t *rapid.T) {
	steps := sequences.Draw(t, "")
	if w.ctx.Err() != nil {
		return
	}
	w.sequences++
	w.tenants, w.made, w.cursors = [2]string{uuid.NewString(), uuid.NewString()}, nil, [2]*cursor{}
	w.tokens = map[[2]string]string{}
	w.reference = &reference{items: map[string]map[string]*item{w.tenants[0]: {}, w.tenants[1]: {}}, used: map[string][]string{}}
	if err := w.reset(); err != nil {
		t.Fatalf("between two sequences: %v", err)
	}
	var told strings.Builder
	fail := func(what string) {
		w.failure = told.String()
		t.Fatalf("%s", what)
	}
	for i, s := range steps {
		w.steps++
		d, err := w.do(s)
		if w.ctx.Err() != nil {
			return
		}
		fmt.Fprintf(&told, "%2d. %s\n", i+1, s)
		if err != nil {
			fmt.Fprintf(&told, "    %v\n", err)
			fail(s.do + " fails")
		}
		for _, one := range d {
			fmt.Fprintf(&told, "    %.2000s\n", one[1])
		}
		if len(d) > 0 {
			fail(s.do + " differs in " + d[0][0])
		}
	}
}

// reset has all servers be as at the beginning.
func (w *world) reset() error {
	for i, at := range w.servers {
		if at.required || at.gone() {
			at.required = false
			if err := w.replace(i); err != nil {
				return err
			}
		}
		if at.offset != 0 {
			if err := at.set(0); err != nil {
				return err
			}
		}
	}
	return nil
}

func (at *replaceable) gone() bool {
	select {
	case <-at.ended:
		return true
	default:
		return false
	}
}

// set sets the server's clock.
func (at *replaceable) set(offset time.Duration) error {
	if at.time == nil {
		var err error
		if at.time, err = at.clock(); err != nil {
			return err
		}
	}
	at.offset = offset
	return at.time.set(offset)
}

// do does a step. An error is something that only stays out if all is well, too.
func (w *world) do(s step) (differences, error) {
	i := s.server % len(w.servers)
	at := w.servers[i]
	what, offset, _ := strings.Cut(s.do, " ")
	switch what {
	case "kill":
		return nil, w.replace(i)
	case "stop":
		if err := at.stop(10 * time.Second); err != nil {
			return nil, err
		}
		return nil, w.replace(i)
	case "require":
		at.required = !at.required
		return nil, w.replace(i)
	case "clock":
		d, err := time.ParseDuration(offset)
		return nil, errors.Join(err, at.set(d))
	case "day":
		return w.anotherDay(at, offset)
	case "rotate":
		return w.rotate()
	}
	if c := w.cursors[s.tenant]; s.do == "next" && c != nil {
		s.query, s.after = c.query, c.after
	} else if s.do == "next" {
		s.do = "list"
	}
	s.ask.tenant, s.required = w.tenants[s.tenant], at.required
	if s.method != http.MethodPost && s.do != "list" && s.do != "next" {
		s.ask.key = w.key(s.key)
	}
	w.expand(&s)
	d, err := w.send(at, s, "")
	for range s.pages {
		c := w.cursors[s.tenant]
		if len(d) > 0 || err != nil || c == nil {
			break
		}
		s.do, s.query, s.after = "next", c.query, c.after
		d, err = w.send(at, s, "")
	}
	return d, err
}

// anotherDay sets the clock for one request, to where no token is good.
func (w *world) anotherDay(at *replaceable, offset string) (differences, error) {
	d, err := time.ParseDuration(offset)
	if err := errors.Join(err, at.set(d)); err != nil {
		return nil, err
	}
	who := "late"
	if d < 0 {
		who = "early"
	}
	found, err := w.send(at, step{do: "list", ask: ask{method: http.MethodGet, tenant: w.tenants[0], who: who}}, "")
	return found, errors.Join(err, at.set(0))
}

// rotate replaces the issuer's key. Servers take the new one at once, and from then on not the old one.
func (w *world) rotate() (differences, error) {
	w.rotations++
	before, err := w.token(w.tenants[0], anyone)
	if err != nil {
		return nil, err
	}
	if err := w.issue(); err != nil {
		return nil, err
	}
	for i, at := range w.servers {
		if at.rotated {
			if err := w.replace(i); err != nil {
				return nil, err
			}
		}
		at.rotated = true
		read := step{do: "list", ask: ask{method: http.MethodGet, tenant: w.tenants[0]}}
		if d, err := w.send(at, read, ""); err != nil || len(d) > 0 {
			return d, err
		}
		read.who = "withdrawn"
		if d, err := w.send(at, read, before); err != nil || len(d) > 0 {
			return d, err
		}
	}
	return nil, nil
}

var keys = []string{"a", "B", "b.x~", strings.Repeat("0-_z", 32)}

// key returns the n-th key: after the fixed ones those that the servers made.
func (w *world) key(n int) string {
	if n -= len(keys); n >= 0 && n < len(w.made) {
		return w.made[len(w.made)-1-n]
	}
	return keys[(n+len(keys))%len(keys)]
}

// expand puts what is known now in the place of its names.
func (w *world) expand(s *step) {
	own, other := w.tenants[s.tenant], w.tenants[1-s.tenant]
	tag, old, theirs := `"none"`, `"gone"`, `"nobody's"`
	if it := w.reference.items[own][s.ask.key]; it != nil {
		tag = it.tag
	}
	if it := w.reference.items[other][s.ask.key]; it != nil {
		theirs = it.tag
	}
	for _, t := range w.reference.used[own+s.ask.key] {
		if t != tag {
			old = t
		}
	}
	names := strings.NewReplacer("$own", own, "$OWN", strings.ToUpper(own), "$other", other, "$key", s.ask.key, "$tag", tag, "$old", old, "$theirs", theirs)
	for _, text := range []*string{&s.body, &s.ifMatch, &s.ifNoneMatch} {
		*text = names.Replace(*text)
	}
	if s.do == "list" {
		s.query = slices.Clone(s.query)
		for i := 1; i < len(s.query); i += 2 {
			s.query[i] = names.Replace(s.query[i])
		}
	}
}

// uri returns the address of what the step is for, without the server.
func (s step) uri() string {
	address := "/beta/pfxRecryptionRequests"
	if s.ask.key != "" {
		address += fmt.Sprintf([]string{"/%s", "('%s')", "(%s)"}[s.form], s.ask.key)
	}
	for i := 0; i < len(s.query); i += 2 {
		address += string("?&"[min(i, 1)]) + url.PathEscape(s.query[i]) + "=" + strings.ReplaceAll(url.QueryEscape(s.query[i+1]), "+", "%20")
	}
	return address
}

func (s step) setHeader(h http.Header) {
	encoding := ""
	if s.gzip {
		encoding = "gzip"
	}
	for name, value := range map[string]string{"Accept": s.accept, "Content-Type": s.contentType, "Content-Encoding": encoding, "If-Match": s.ifMatch,
		"If-None-Match": s.ifNoneMatch, "Prefer": s.prefer, "Client-Request-Id": s.correlation} {
		if value != "" {
			h.Set(name, value)
		}
	}
}

// send sends a request and compares the answer. A token, if there is one, is sent in the place of the caller's.
func (w *world) send(at *replaceable, s step, token string) (differences, error) {
	uri := s.uri()
	if s.do == "next" {
		uri = w.cursors[s.tenant].uri
	}
	body := []byte(s.body)
	if s.gzip {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(body) // to memory
		_ = z.Close()
		body = b.Bytes()
	}
	req, err := http.NewRequestWithContext(w.ctx, s.method, at.origin+uri, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	s.setHeader(req.Header)
	if token == "" && s.who != "nobody" {
		permission := anyone
		if s.who == "reader" {
			permission = reader
		}
		if token, err = w.token(s.ask.tenant, permission); err != nil {
			return nil, err
		}
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := w.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	if err != nil {
		return nil, err
	}
	expected := w.reference.answer(s.ask)
	a := answered{s.method, at.origin, s.ask.tenant, s.correlation, time.Now().Add(at.offset), resp, string(text)}
	d := w.reference.compare(a, expected)
	if len(d) > 0 && expected.or != nil {
		d = w.reference.compare(a, expected.or)
	}
	if expected.made {
		w.made = append(w.made, expected.key)
	}
	if p := expected.page; p != nil {
		w.cursors[s.tenant] = nil
		if p.more != "" && len(d) == 0 {
			w.cursors[s.tenant] = &cursor{strings.TrimPrefix(p.next, at.origin), s.query, p.more}
		}
	}
	return d, nil
}

// standIn takes the place of a *testing.T.
type standIn struct {
	rapid.TB // what rapid does not call
	name     string
	failed   bool
	said     string
}

func (t *standIn) Helper()             {}
func (t *standIn) Name() string        { return t.name }
func (t *standIn) Failed() bool        { return t.failed }
func (t *standIn) FailNow()            { t.failed = true; runtime.Goexit() }
func (t *standIn) Log(...any)          {} // the sequence tells of itself
func (t *standIn) Logf(string, ...any) {}

func (t *standIn) Errorf(format string, args ...any) {
	t.failed, t.said = true, fmt.Sprintf(format, args...)
}

var rapidSeed = regexp.MustCompile(`-rapid\.seed=(\d+)`)

// report says what rapid has found, and how to find it again.
func (t *standIn) report() string {
	said, rest, _ := strings.Cut(strings.TrimPrefix(t.said, "[rapid] "), "\n")
	if m := rapidSeed.FindStringSubmatch(rest); m != nil {
		said += "; -seed " + m[1] + " begins with it"
	}
	return said
}
