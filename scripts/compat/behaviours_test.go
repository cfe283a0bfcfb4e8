package compat

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
)

// behaviour is a row of the table: calls with one client. Its check returns what the client's user finds wrong, or "".
type behaviour struct {
	name  string
	ours  bool // only our clients have the operation
	check func(context.Context, *user) string
}

// behaviours is the table. Each row goes on with the object that the rows before it left.
var behaviours = []behaviour{
	{name: "get", check: func(ctx context.Context, u *user) string {
		u.before = u.get(ctx, u.key)
		if u.before.Status != http.StatusOK || u.before.Tag == "" || u.before.Body["status"] != 6.0 {
			return fmt.Sprintf("got %+v", u.before)
		}
		return ""
	}},
	{name: "absent", check: func(ctx context.Context, u *user) string {
		tag := u.before.Tag
		wrong := u.update(ctx, `{}`, "", nil)
		if wrong == "" && u.before.Tag != tag {
			return "the tag changed"
		}
		return wrong
	}},
	{name: "value", check: func(ctx context.Context, u *user) string {
		u.stale = u.before.Tag
		wrong := u.update(ctx, `{"status":7,"thumbprint":"Ünï\u0041😀"}`, "", map[string]any{"status": 7.0, "thumbprint": "ÜnïA😀"})
		if wrong == "" && u.before.Tag == u.stale {
			return "the tag did not change"
		}
		return wrong
	}},
	{name: "null", check: func(ctx context.Context, u *user) string {
		return u.update(ctx, `{"eTag":null}`, "", map[string]any{"eTag": nil})
	}},
	{name: "ETag", check: func(ctx context.Context, u *user) string {
		return u.update(ctx, `{"status":8}`, u.before.Tag, map[string]any{"status": 8.0})
	}},
	{name: "412", check: func(ctx context.Context, u *user) string {
		return u.refused(ctx, u.patch(ctx, u.key, `{"status":9}`, u.stale), http.StatusPreconditionFailed, "PreconditionFailed")
	}},
	{name: "details", check: func(ctx context.Context, u *user) string {
		return u.refused(ctx, u.patch(ctx, u.key, `{"createdTime":""}`, ""), http.StatusBadRequest, "ModelValidationFailure", "/createdTime")
	}},
	{name: "404", check: func(ctx context.Context, u *user) string {
		return u.refused(ctx, u.get(ctx, "nothing"), http.StatusNotFound, "ResourceNotFound")
	}},
	{name: "create", ours: true, check: func(ctx context.Context, u *user) string {
		sent := u.fresh()
		got := u.make(ctx, call{Op: "create", Body: sent})
		id, _ := got.Body["id"].(string)
		var want map[string]any
		if err := json.Unmarshal(sent, &want); err != nil {
			return err.Error()
		}
		want["@odata.type"], want["id"] = "#microsoft.graph.pfxRecryptionRequest", id
		if diff := cmp.Diff(want, got.Body); got.Kind != "ok" || diff != "" {
			return fmt.Sprintf("%+v (-want +got):\n%s", got, diff)
		}
		if now := u.get(ctx, id); now.Tag != got.Tag || !cmp.Equal(now.Body, got.Body) {
			return fmt.Sprintf("a following get returns %+v, want %+v", now, got)
		}
		return ""
	}},
	{name: "list", ours: true, check: func(ctx context.Context, u *user) string {
		got := u.make(ctx, call{Op: "create", Body: u.fresh()})
		u.made, _ = got.Body["id"].(string)
		if got = u.make(ctx, call{Op: "list", Filter: "thumbprint eq '" + u.thumbprint() + "'", Top: 1}); got.Kind != "ok" || len(got.List) != 2 {
			return fmt.Sprintf("got %+v, want 2 objects", got)
		}
		return ""
	}},
	{name: "delete", ours: true, check: func(ctx context.Context, u *user) string {
		wrong := u.refused(ctx, u.make(ctx, call{Op: "delete", ID: u.made, IfMatch: `"stale"`}), http.StatusPreconditionFailed, "PreconditionFailed")
		if got := u.make(ctx, call{Op: "delete", ID: u.made}); got.Kind != "ok" {
			return wrong + fmt.Sprintf("got %+v", got)
		}
		return wrong + u.refused(ctx, u.get(ctx, u.made), http.StatusNotFound, "ResourceNotFound")
	}},
	{name: "429", check: func(ctx context.Context, u *user) string {
		u.proxy.throttleNext("1")
		wrong := u.update(ctx, `{"status":10}`, u.before.Tag, map[string]any{"status": 10.0})
		if wrong == "" && !u.proxy.hasThrottled() {
			return "nothing was throttled"
		}
		return wrong
	}},
	// Our clients give up at once if they would have to wait longer than the call may take.
	{name: "wait", ours: true, check: func(ctx context.Context, u *user) string {
		u.proxy.throttleNext("3600")
		got := u.make(ctx, call{Op: "patch", ID: u.key, Body: json.RawMessage(`{"status":11}`)})
		if got.Kind != "throttled" {
			return fmt.Sprintf("got %+v, want to be throttled", got)
		}
		return u.refused(ctx, got, http.StatusTooManyRequests, "TooManyRequests")
	}},
}

// user makes the calls of the table with a client.
type user struct {
	caller
	proxy  *proxy
	key    string  // of the object that the calls change
	before outcome // the object, as it was read last
	stale  string  // an earlier tag of the object
	made   string  // the key of an object that was created
}

// violations makes the calls of the table and returns the rows that are violated, and how.
func (u *user) violations(ctx context.Context) iter.Seq2[string, string] {
	return func(yield func(row, wrong string) bool) {
		for _, b := range behaviours {
			if b.ours && !isOurs(u.caller) {
				continue
			}
			wrong := b.check(ctx, u)
			if wrong != "" && (!yield(b.name, wrong) || b.name == "get") { // without the object there is nothing to compare
				return
			}
		}
	}
}

func isOurs(c caller) bool {
	_, ok := c.(maker)
	return ok
}

func (u *user) make(ctx context.Context, c call) outcome { return u.caller.(maker).make(ctx, c) }

// update makes an update and compares it, and the object afterwards, with the object before and the members that change.
func (u *user) update(ctx context.Context, body, ifMatch string, changed map[string]any) string {
	want := map[string]any{}
	for _, members := range []map[string]any{u.before.Body, changed} {
		for member, value := range members {
			want[member] = value
		}
	}
	got := u.patch(ctx, u.key, body, ifMatch)
	u.before = u.get(ctx, u.key)
	if diff := cmp.Diff(want, got.Body); got.Status != http.StatusOK || diff != "" {
		return fmt.Sprintf("%+v (-want +got):\n%s", got, diff)
	}
	if diff := cmp.Diff(want, u.before.Body); diff != "" || u.before.Tag != got.Tag {
		return fmt.Sprintf("a following get has the tag %s, want %s (-want +got):\n%s", u.before.Tag, got.Tag, diff)
	}
	return ""
}

// refused compares a refusal with what is wanted, and the object with the object before.
func (u *user) refused(ctx context.Context, got outcome, status int, code string, targets ...string) string {
	if got.Status != status || got.Code != code || got.Message == "" || !slices.Equal(got.Targets, targets) {
		return fmt.Sprintf("%+v, want %d %s with the targets %q", got, status, code, targets)
	}
	if diff := cmp.Diff(u.before, u.get(ctx, u.key)); diff != "" {
		return "the object changed: " + diff
	}
	return ""
}

// thumbprint returns the thumbprint of the objects that u creates; no other object has it.
func (u *user) thumbprint() string { return "created by " + u.key }

// fresh returns the body of a creation.
func (u *user) fresh() json.RawMessage {
	return json.RawMessage(strings.Replace(newObject, `"thumbprint":"T"`, `"thumbprint":"`+u.thumbprint()+`"`, 1))
}
