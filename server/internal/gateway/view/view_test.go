package view

import (
	"bufio"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/traffic"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 1, 2, 12, 0, 30, 0, time.UTC)

// stand serves the page of a recorder; the test controls its ticks.
type stand struct {
	*httptest.Server
	page     *Page
	recorder *traffic.Recorder
	thing    *traffic.Counter
	ticks    chan time.Time
}

func newStand(t *testing.T, mode policy.Mode) *stand {
	t.Helper()
	var rules policy.Rules
	for kind := range rules {
		rules[kind] = mode
	}
	both := [2]policy.Rules{rules, rules}
	s := &stand{recorder: traffic.New(), ticks: make(chan time.Time)}
	s.thing = s.recorder.Use(traffic.Contract{
		Operations: []traffic.Operation{{ID: "getThing", Method: "GET", Path: "/things/{id}", Rules: both}},
		Spots:      []traffic.Spot{{Pointer: "/paths/~1things/get", Reason: "is <XML>"}}, Unknown: both,
	})[0]
	s.page = New(s.recorder)
	s.page.now = func() time.Time { return noon }
	s.page.tick = func() (<-chan time.Time, func()) { return s.ticks, func() {} }
	mux := http.NewServeMux()
	s.page.Register(mux)
	s.Server = httptest.NewServer(mux)
	t.Cleanup(func() {
		s.page.Close()
		s.Close()
	})
	return s
}

func (s *stand) get(t *testing.T, path string) (*http.Response, string) {
	t.Helper()
	resp, err := s.Client().Get(s.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

// hostile is a name from a client.
const hostile = `"><script>alert(1)</script><img src=x onerror=alert(2)>`

// violate adds a request with a violation that enforcing would refuse.
func (s *stand) violate(name string) {
	s.recorder.Add(s.thing, &traffic.Exchange{
		Time: noon, Operation: "getThing", Method: "GET", Path: "/things/{id}", Status: 200, Request: "r-1", Outcome: traffic.Watched,
		Violations: []traffic.Violation{{Operation: "getThing", Kind: policy.UnknownMember, Place: traffic.Place{Name: "/" + name, Keyword: "additionalProperties"}, Would: true}},
	})
}

func TestPage(t *testing.T) {
	t.Parallel()
	s := newStand(t, policy.Monitor)
	for range 1233 {
		s.thing.Pass(noon)
	}
	s.violate(hostile)
	s.recorder.Add(s.recorder.Unknown(), &traffic.Exchange{Time: noon, Method: "GET", Path: "/" + hostile, Status: 404, Code: "NotFound", Outcome: traffic.Refused, Request: "r-2"})
	resp, page := s.get(t, "/")
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	text := html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page, ""))
	for _, want := range []string{
		"Enforcing would have refused 1 of 1,235 requests.", "operations: {getThing: {requests: {violations: {unknown-member: monitor}}}}",
		"GET /things/{id}", "/paths/~1things/get", "is <XML>", "NotFound", "r-1", "r-2", "12:00:30",
	} {
		if !strings.Contains(strings.ReplaceAll(text, "\n", ""), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, no := range []string{"<script>", "<img src=x", "style=", "onclick", "http://", "https://"} {
		if strings.Contains(page, no) {
			t.Errorf("the page has %q", no)
		}
	}
}

// TestExempt: kinds that the policy exempts are not counted as refused, but listed.
func TestExempt(t *testing.T) {
	t.Parallel()
	s := newStand(t, policy.Monitor)
	if _, page := s.get(t, "/"); strings.Contains(page, "exempts</summary>") {
		t.Error("the page lists exemptions without any")
	}
	s.recorder.Add(s.thing, &traffic.Exchange{
		Time: noon, Operation: "getThing", Status: http.StatusOK, Outcome: traffic.Watched,
		Violations: []traffic.Violation{{Operation: "getThing", Direction: policy.Responses, Kind: policy.Status}},
	})
	_, page := s.get(t, "/")
	for _, want := range []string{"refused <strong>0</strong> of 1 request.", "What the policy exempts</summary>", "status <small>response</small>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "<code id=") {
		t.Error("the page has a line for a kind that already passes")
	}
}

// TestHeader: the page loads nothing from other origins, and no other page can read or frame it.
func TestHeader(t *testing.T) {
	t.Parallel()
	s := newStand(t, policy.Monitor)
	for path, mediaType := range map[string]string{"/": "text/html", "/view/style.css": "text/css", "/view/script.js": "text/javascript", "/view/icon.svg": "image/svg+xml"} {
		resp, _ := s.get(t, path)
		csp := resp.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(resp.Header.Get("Content-Type"), mediaType) || !strings.HasPrefix(csp, "default-src 'none'; ") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: %v", path, resp.Header)
		}
	}
	for path, want := range map[string]int{"/other": 404, "/view/": 404, "/view/page.html": 404} {
		if resp, _ := s.get(t, path); resp.StatusCode != want {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
	resp, err := s.Client().Post(s.URL+"/", "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", resp.StatusCode)
	}
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		mode     policy.Mode
		requests int
		want     string
	}{
		"none":            {policy.Monitor, 0, "There were no requests."},
		"nothing found":   {policy.Monitor, 1, "Enforcing would have refused <strong>0</strong> of 1 request."},
		"all is enforced": {policy.Enforce, 2, "Nothing is in monitor mode: <strong>0</strong> of 2 requests were refused."},
		"all is off":      {policy.Off, 2, "not looked at"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t, tt.mode)
			for range tt.requests {
				s.thing.Pass(noon)
			}
			if _, page := s.get(t, "/"); !strings.Contains(page, tt.want) {
				t.Errorf("the page lacks %q", tt.want)
			}
		})
	}
}

// TestEvents: a page that follows gets each section once, then those that change, until the host drains.
func TestEvents(t *testing.T) {
	t.Parallel()
	s := newStand(t, policy.Monitor)
	resp, err := s.Client().Get(s.URL + "/view/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	in := bufio.NewReader(resp.Body)
	if got := sent(t, in); len(got) != len(sections) {
		t.Errorf("at first: %q", got)
	}
	s.ticks <- noon
	if got := sent(t, in); len(got) != 0 {
		t.Errorf("without a change: %q", got)
	}
	s.violate("x")
	s.ticks <- noon
	if got := strings.Join(sent(t, in), "\n"); !strings.Contains(got, "unknown-member") || strings.Contains(got, `"refusals"`) || strings.Contains(got, `"spots"`) {
		t.Errorf("after a violation: %s", got)
	}
	s.page.Close()
	if _, err := in.ReadByte(); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
}

// sent returns the data of the events up to the next comment.
func sent(t *testing.T, in *bufio.Reader) []string {
	t.Helper()
	var data []string
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if text, ok := strings.CutPrefix(line, "data: "); ok {
			data = append(data, text)
		}
		if line == ": \n" {
			_, _ = in.ReadString('\n')
			return data
		}
	}
}

// TestViewersAreBounded: pages that follow take a connection each.
func TestViewersAreBounded(t *testing.T) {
	t.Parallel()
	s := newStand(t, policy.Monitor)
	for range maxViewers {
		resp, err := s.Client().Get(s.URL + "/view/events")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
	}
	if resp, _ := s.get(t, "/view/events"); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("one more: %d", resp.StatusCode)
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 48210: "48,210", 1234567: "1,234,567"} {
		if got := number(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}
