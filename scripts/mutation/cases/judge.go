package cases

import (
	"context"
	"fmt"
	"strings"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// bodies has the places of each kind's bodies in our contract.
var bodies = map[Kind]Case{
	Update:     {OperationID: update},
	Create:     {OperationID: create},
	Entity:     {OperationID: create, Status: "201"},
	Selection:  {OperationID: get, Status: "200"},
	Collection: {OperationID: list, Status: "200"},
	Error:      {OperationID: get, Status: "400"},
	Batch:      {OperationID: batched},
	Result:     {OperationID: batched, Status: "200"},
}

// Judge returns a contract's verdict on a case, in the form of its Want.
func Judge(operations []*validate.Operation, c Case) string {
	if at, ok := bodies[c.Kind]; ok {
		c.Kind, c.OperationID, c.Status, c.Type = Body, at.OperationID, at.Status, "application/json"
	}
	for _, o := range operations {
		if o.ID != c.OperationID {
			continue
		}
		switch c.Kind {
		case Parameters:
			var path []string
			if strings.Contains(o.Path, "{") {
				path = []string{c.Key}
			}
			return Verdict(o.CheckParameters(context.Background(), path, c.Query, c.Header))
		case Body:
			return bodyVerdict(o, c)
		}
		return describe(o)
	}
	return "no such operation"
}

func bodyVerdict(o *validate.Operation, c Case) string {
	bodies := o.Request
	if c.Status != "" {
		bodies = nil
		for _, r := range o.Responses {
			if r.Status == c.Status {
				bodies = r.Bodies
			}
		}
	}
	for _, b := range bodies {
		if b.Type == c.Type {
			return Verdict(b.CheckContent(context.Background(), b.Type, []byte(c.Body)))
		}
	}
	return "no such body"
}

// describe returns what a server must know before it reads a request.
func describe(o *validate.Operation) string {
	type requirement struct {
		scheme string
		scopes []string
	}
	var security [][]requirement
	for _, a := range o.Security {
		var list []requirement
		for _, r := range a {
			list = append(list, requirement{r.Scheme, r.Scopes})
		}
		security = append(security, list)
	}
	var statuses []string
	for _, r := range o.Responses {
		statuses = append(statuses, r.Status)
	}
	return fmt.Sprint(o.Method, " ", o.Path, " ", security, " ", o.RequestTypes(), " ", o.BodyRequired, " ", statuses)
}

// Verdict formats faults as a Want.
func Verdict(f *validate.Faults) string {
	switch {
	case f == nil:
		return ""
	case f.Malformed:
		return Malformed
	}
	var all []string
	for _, fault := range f.List {
		place := fault.Pointer
		if fault.In != "" {
			place = fault.In + " " + fault.Name
		}
		all = append(all, fault.Keyword+" "+place)
	}
	return strings.Join(all, "; ")
}
