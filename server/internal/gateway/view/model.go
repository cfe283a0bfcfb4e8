package view

import (
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/traffic"
)

// maxRows is how many places of violations the page shows.
const maxRows = 200

// model is the data of the page for one hour.
type model struct {
	*traffic.Hour
	From       time.Time
	Directions []direction
	Preview    []previewRow
	File       string // a policy with all lines of Preview
	Exempt     []traffic.KindCounts
	Bars       []bar
	Highest    int
	Violations []violationRow
	MorePlaces int

	names map[string]string // of operations
}

// direction names the modes of a direction.
type direction struct{ Name, Modes string }

// previewRow is a kind of violation for which enforcing would have refused requests.
type previewRow struct {
	traffic.KindCounts
	ID   string // of the HTML element
	Line string // of a policy that lets it pass; "" if no policy can
	Wide bool   // the line applies to every operation
}

// bar is a part of a minute in the chart.
type bar struct {
	Outcome      traffic.Outcome
	X, Y, Height int
}

// violationRow is a place with violations.
type violationRow struct {
	Kind  traffic.KindCounts
	Place traffic.PlaceCount
}

func newModel(h *traffic.Hour) *model {
	m := &model{Hour: h, From: h.Time.Truncate(time.Minute).Add(-(traffic.Minutes - 1) * time.Minute), names: map[string]string{"": "no operation"}}
	for _, o := range h.Operations {
		if o.ID != "" {
			m.names[o.ID] = o.ID
		}
	}
	for _, o := range h.Contract.Operations {
		m.names[o.ID] = o.Method + " " + o.Path
	}
	for _, d := range []policy.Direction{policy.Requests, policy.Responses} {
		m.Directions = append(m.Directions, direction{d.String(), modes(h, d)})
	}
	m.preview()
	m.chart()
	m.violations()
	return m
}

// modes describes the modes of a direction over all operations.
func modes(h *traffic.Hour, d policy.Direction) string {
	var count [3]int
	add := func(r *policy.Rules) {
		for _, mode := range r {
			count[mode]++
		}
	}
	if d == policy.Requests {
		add(&h.Contract.Unknown[d])
	}
	for i := range h.Contract.Operations {
		add(&h.Contract.Operations[i].Rules[d])
	}
	var names []string
	for _, mode := range []policy.Mode{policy.Enforce, policy.Monitor, policy.Off} {
		if count[mode] > 0 {
			names = append(names, map[policy.Mode]string{policy.Enforce: "enforced", policy.Monitor: "watched", policy.Off: "not looked at"}[mode])
		}
	}
	switch len(names) {
	case 0:
		return "not looked at"
	case 1:
		return names[0]
	}
	return "partly " + strings.Join(names, ", partly ")
}

// preview lists the kinds for which enforcing would have refused requests, the most frequent first, and those that the
// policy exempts.
func (m *model) preview() {
	var exempt []policy.Exemption
	for _, k := range m.Kinds {
		if k.Exempt > 0 {
			m.Exempt = append(m.Exempt, k)
		}
		if k.Would == 0 {
			continue
		}
		row := previewRow{KindCounts: k, ID: fmt.Sprint("line-", len(m.Preview))}
		if !k.Fixed {
			e := policy.Exemption{Operation: k.Operation, Direction: k.Direction, Kind: k.Kind}
			row.Line, row.Wide = e.String(), k.Operation == "" && k.Kind != policy.Method
			exempt = append(exempt, e)
		}
		m.Preview = append(m.Preview, row)
	}
	slices.SortStableFunc(m.Preview, func(a, b previewRow) int { return b.Would - a.Would })
	if len(exempt) > 1 {
		m.File = policy.Exempt(exempt)
	}
}

// The dimensions of the chart, in its own units.
const (
	barWidth    = 10
	chartHeight = 120
)

// chart stacks the outcomes of each minute.
func (m *model) chart() {
	for i := range m.Minutes {
		m.Highest = max(m.Highest, m.Minutes[i].Total())
	}
	for i := range m.Minutes {
		below := 0
		for _, o := range []traffic.Outcome{traffic.Passed, traffic.Watched, traffic.Refused, traffic.Replaced, traffic.Failed} {
			from, to := m.height(below), m.height(below+m.Minutes[i].Outcomes[o])
			below += m.Minutes[i].Outcomes[o]
			if to == from && m.Minutes[i].Outcomes[o] > 0 {
				to++ // keeps a single request visible next to thousands
			}
			if to > from {
				m.Bars = append(m.Bars, bar{o, i * barWidth, chartHeight - to, to - from})
			}
		}
	}
}

func (m *model) height(requests int) int {
	if m.Highest == 0 {
		return 0
	}
	return requests * (chartHeight - 2) / m.Highest
}

func (m *model) violations() {
	for _, k := range m.Kinds {
		for _, p := range k.Places {
			m.Violations = append(m.Violations, violationRow{k, p})
		}
		m.MorePlaces += k.More
	}
	slices.SortStableFunc(m.Violations, func(a, b violationRow) int { return b.Place.Requests - a.Place.Requests })
	for _, row := range m.Violations[min(len(m.Violations), maxRows):] {
		m.MorePlaces += row.Place.Requests
	}
	m.Violations = m.Violations[:min(len(m.Violations), maxRows)]
}

// Name is what the page calls an operation.
func (m *model) Name(id string) string {
	if name := m.names[id]; name != "" {
		return name
	}
	return id
}

// Watching reports whether any kind is in monitor mode: otherwise there is nothing to preview.
func (m *model) Watching() bool {
	watched := func(rules [2]policy.Rules) bool {
		return slices.Contains(rules[policy.Requests][:], policy.Monitor) || slices.Contains(rules[policy.Responses][:], policy.Monitor)
	}
	return watched(m.Contract.Unknown) || slices.ContainsFunc(m.Contract.Operations, func(o traffic.Operation) bool { return watched(o.Rules) })
}

// Refusals is how many requests or their responses were refused.
func (m *model) Refusals() int {
	return m.Counts.Outcomes[traffic.Refused] + m.Counts.Outcomes[traffic.Replaced]
}

var functions = template.FuncMap{
	"number": number,
	"clock":  func(t time.Time) string { return t.UTC().Format("15:04:05") },
	"minute": func(t time.Time) string { return t.UTC().Format("15:04") },
	"stamp":  func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"place":  place,
	"detail": detail,
	"way":    func(d policy.Direction) string { return strings.TrimSuffix(d.String(), "s") },
	"of":     func(c traffic.Counts, o int) int { return c.Outcomes[o] },
	"plural": func(n int, one, many string) string {
		if n == 1 {
			return number(n) + " " + one
		}
		return number(n) + " " + many
	},
}

// number formats a number with a comma before each three digits.
func number(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// detail returns the place and the keyword of a violation.
func detail(v traffic.Violation) string {
	var parts []string
	for _, part := range []string{place(v.Place), v.Place.Keyword} {
		if part != "" && part != v.Kind.String() {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, " · ")
}

// place says where a violation is.
func place(p traffic.Place) string {
	switch {
	case p.In == "" && p.Name == "":
		return "body"
	case p.In == "":
		return "body " + p.Name
	}
	return strings.TrimSpace(p.In + " " + p.Name)
}
