package compat

import (
	"context"
	"encoding/json"
	"testing"
)

// outcome is the result of a call as a client reports it.
type outcome struct {
	Kind    string         `json:"kind"`    // only of our clients: ok, or the kind of the error
	Status  int            `json:"status"`  // 200, or that of the error
	Body    map[string]any `json:"body"`    // the object
	Tag     string         `json:"tag"`     // its entity tag
	Code    string         `json:"code"`    // of the Graph error
	Message string         `json:"message"` // of the error
	Targets []string       `json:"targets"` // of the Graph error's details
	Unknown bool           `json:"unknown"` // there was no response: the call may have been applied
	List    []any          `json:"list"`    // the objects of a list
}

// call is a call with one of our clients.
type call struct {
	Op      string          `json:"op"` // get, list, create, patch, upsert, delete or update
	ID      string          `json:"id,omitempty"`
	Body    json.RawMessage `json:"body,omitempty"`
	IfMatch string          `json:"ifMatch,omitempty"`
	Filter  string          `json:"filter,omitempty"`
	Select  []string        `json:"select,omitempty"`
	Top     int             `json:"top,omitempty"`
	Times   int             `json:"times,omitempty"`   // how often an update increments the status
	Workers int             `json:"workers,omitempty"` // the number of threads that do so; then the object is read
}

// foreign hides operations of a driver that its client does not have.
type foreign struct{ caller }

// maker is one of our clients, which have all operations.
type maker interface {
	make(ctx context.Context, c call) outcome
}

// caller makes calls with one client. It is not safe for concurrent use.
type caller interface {
	get(ctx context.Context, id string) outcome
	patch(ctx context.Context, id, body, ifMatch string) outcome // ifMatch may be empty
}

// clients are the clients under test; each serves one base URL with one token.
var clients = map[string]func(t *testing.T, baseURL, token string) caller{
	"goClient":    newGoClient,
	"graphGo":     newGraphGo,
	"graphJS":     func(t *testing.T, baseURL, token string) caller { return foreign{newNode(t, "graph", baseURL, token)} },
	"typescript":  func(t *testing.T, baseURL, token string) caller { return newNode(t, "typescript", baseURL, token) },
	"chromium":    func(t *testing.T, baseURL, token string) caller { return newNode(t, "chromium", baseURL, token) },
	"python":      func(t *testing.T, baseURL, token string) caller { return newPython(t, "sync", baseURL, token) },
	"pythonAsync": func(t *testing.T, baseURL, token string) caller { return newPython(t, "async", baseURL, token) },
	"curl":        newCurl,
}

// refusal returns the outcome of a Graph error.
func refusal(status int, body []byte) outcome {
	var graph struct {
		Error struct {
			Code, Message string
			Details       []struct{ Target string }
		}
	}
	o := outcome{Status: status}
	if err := json.Unmarshal(body, &graph); err != nil {
		o.Message = "no Graph error: " + err.Error()
		return o
	}
	o.Code, o.Message = graph.Error.Code, graph.Error.Message
	for _, d := range graph.Error.Details {
		o.Targets = append(o.Targets, d.Target)
	}
	return o
}

// success returns the outcome of an object.
func success(tag string, body []byte) outcome {
	o := outcome{Status: 200, Tag: tag}
	if err := json.Unmarshal(body, &o.Body); err != nil {
		o.Message = "no object: " + err.Error()
	}
	return o
}
