package gateway

import (
	"slices"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/policy"
	"github.com/pfxrecryption/pfxrecryption/server/internal/gateway/traffic"
)

// preview returns the rules of an operation if both directions were enforced and the policy was otherwise the same: what is
// off stays off, and what the policy lets pass by name still passes.
func (g *Gate) preview(operation string) [2]policy.Rules {
	enforce, defaults := policy.Enforce, g.config.Defaults
	defaults.ForceRequests, defaults.ForceResponses = &enforce, &enforce
	now, _ := g.rules(operation)
	var then [2]policy.Rules
	for _, d := range []policy.Direction{policy.Requests, policy.Responses} {
		then[d] = g.config.Policy.Rules(operation, d, defaults)
		for kind, mode := range now[d] {
			if mode == policy.Off {
				then[d][kind] = policy.Off
			}
		}
	}
	return then
}

// previewed returns the preview's rules for the exchange.
func (x *exchange) previewed(d policy.Direction) *policy.Rules {
	if x.route == nil {
		return &x.gate.unknownPreview[d]
	}
	return &x.route.preview[d]
}

// wouldRefuse reports whether enforcing would refuse a violation that passes.
func (x *exchange) wouldRefuse(v *violation) bool {
	return !v.refused && !x.wouldAnswer && x.previewed(v.direction)[v.kind] == policy.Enforce
}

// use tells the recorder the gate's contract.
func (g *Gate) use(recorder *traffic.Recorder) {
	c := traffic.Contract{Unknown: g.unknown}
	var routes []*route
	seen := map[validate.Spot]bool{}
	for rt := range g.router.all() {
		if slices.Contains(routes, rt) {
			continue // an operation has a route for each of its base paths
		}
		routes = append(routes, rt)
		c.Operations = append(c.Operations, traffic.Operation{ID: rt.ID, Method: rt.Method, Path: rt.Path, Rules: rt.rules})
		for _, s := range spotsOf(rt) {
			if !seen[s] {
				seen[s] = true
				c.Spots = append(c.Spots, traffic.Spot{Pointer: s.Pointer, Reason: s.Reason})
			}
		}
	}
	counters := recorder.Use(c)
	for i, rt := range routes {
		rt.counter = counters[i]
	}
	g.unknownCounter = recorder.Unknown()
}

// spotsOf returns the parts of an operation that cannot be judged, including its bodies.
func spotsOf(rt *route) []validate.Spot {
	spots := slices.Clone(rt.spots)
	add := func(bodies []*validate.Body) {
		for _, b := range bodies {
			spots = append(spots, b.Spots...)
		}
	}
	add(rt.Request)
	for _, r := range rt.Responses {
		for _, h := range r.Headers {
			if h.Spot != nil {
				spots = append(spots, *h.Spot)
			}
		}
		add(r.Bodies)
	}
	return spots
}

// remember records the outcome of the exchange.
func (x *exchange) remember() {
	recorder := x.gate.config.Traffic
	if recorder == nil {
		return
	}
	counter := x.gate.unknownCounter
	if x.route != nil {
		counter = x.route.counter
	}
	outcome := x.outcome()
	if outcome == traffic.Passed && !x.alias {
		counter.Pass(x.start)
		return
	}
	e := traffic.Exchange{
		Time: x.start, Operation: x.operation(), Method: x.request.Method, Status: x.status, Request: x.named().RequestID.String(),
		Code: x.refusal, Outcome: outcome,
	}
	if e.Path = x.request.URL.EscapedPath(); x.route != nil {
		e.Path = x.route.Path
	}
	for i := range x.found {
		v := &x.found[i]
		if x.alias && v.kind == policy.Path {
			continue // it is the one below
		}
		e.Violations = append(e.Violations, traffic.Violation{
			Operation: v.operation, Direction: v.direction, Kind: v.kind, Place: v.place(), Refused: v.refused, Would: v.would,
		})
	}
	if x.alias {
		e.Violations = append(e.Violations, traffic.Violation{
			Kind: policy.Path, Place: traffic.Place{In: "path", Keyword: "alias"}, Refused: x.refusal != "", Would: true, Fixed: true,
		})
	}
	recorder.Add(counter, &e)
}

func (x *exchange) outcome() traffic.Outcome {
	switch {
	case x.refusal != "":
		return traffic.Refused
	case x.refused && x.refusedResponse():
		return traffic.Replaced
	case x.refused || !x.whole:
		return traffic.Failed
	case len(x.found) > 0:
		return traffic.Watched
	}
	return traffic.Passed
}

func (x *exchange) refusedResponse() bool {
	for i := range x.found {
		if v := &x.found[i]; v.refused && v.direction == policy.Responses {
			return true
		}
	}
	return false
}

func (v *violation) place() traffic.Place {
	p := traffic.Place{In: v.in, Name: v.name, Keyword: v.keyword, Reason: v.reason}
	switch {
	case v.kind == policy.Status:
		p.In = "status"
	case v.kind == policy.NotJudged:
		p.In, p.Name = "document", v.pointer
	case v.in == "":
		p.Name = v.pointer
	}
	return p
}
