package mock_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pfxrecryption/pfxrecryption/server/internal/mock"
)

const (
	mergePatch = "Content-Type: application/merge-patch+json"
	jsonPatch  = "Content-Type: application/json-patch+json"
	missing    = "/v1/items/0b1d0b1d-0b1d-4b1d-8b1d-0b1d0b1d0b1d"
)

// TestObjects: an object is created, read, listed, changed and deleted.
func TestObjects(t *testing.T) {
	t.Parallel()
	s := start(t, todo, mock.Config{Seed: 1, Stateful: true})
	if got := s.want(200, "GET", "/v1/items", ""); got.body != `{"tags":["home"],"data":[],"total_count":0}` {
		t.Errorf("the list begins as %s", got.body)
	}
	s.want(404, "GET", missing, "")
	created := s.want(201, "POST", "/v1/items", `{"title":"Tea","done":true,"secret":"x"}`)
	item := created.value(t)
	at := created.header.Get("Location")
	if item["title"] != "Tea" || item["done"] != true || item["secret"] != nil || item["createdAt"] == nil || item["note"] != nil || at != "/v1/items/"+fmt.Sprint(item["id"]) {
		t.Errorf("created %s at %s: want the sent members and those that only the server knows", created.body, at)
	}
	if got := s.want(200, "GET", at, ""); got.body != created.body || got.header.Get("ETag") != created.header.Get("ETag") {
		t.Errorf("got %s %v, want %s %v", got.body, got.header, created.body, created.header)
	}
	if got := s.want(200, "HEAD", at, ""); got.body != "" || got.header.Get("ETag") != created.header.Get("ETag") {
		t.Errorf("HEAD: got %q %v", got.body, got.header)
	}
	other := s.want(201, "POST", "/v1/items", `{"title":"Bread","done":false,"note":null}`)
	if got, want := s.want(200, "GET", "/v1/items", "").body, `{"tags":["home"],"data":[`+created.body+","+other.body+`],"total_count":2}`; got != want {
		t.Errorf("listed %s, want %s", got, want)
	}
	patched := s.want(200, "PATCH", at, `{"note":"Now","done":false}`, mergePatch)
	item["note"], item["done"] = "Now", false
	if diff := cmp.Diff(item, patched.value(t)); diff != "" {
		t.Error("patched: -want +got\n", diff)
	}
	replaced := s.want(200, "PUT", at, `{"title":"Coffee","done":true}`).value(t)
	delete(item, "note")
	item["title"], item["done"] = "Coffee", true
	if diff := cmp.Diff(item, replaced); diff != "" {
		t.Error("replaced: -want +got\n", diff)
	}
	s.want(204, "DELETE", at, "")
	for _, method := range []string{"GET", "DELETE"} {
		s.want(404, method, at, "")
	}
	s.want(404, "PATCH", at, `{}`, mergePatch)
	s.want(404, "PUT", at, `{"title":"Coffee","done":true}`)
	if got := s.want(200, "GET", "/v1/items", "").body; strings.Contains(got, at[len("/v1/items/"):]) {
		t.Errorf("the deleted object is still listed: %s", got)
	}
}

// TestPreferencesPassTheState: a request with a preference gets the preferred response and changes nothing.
func TestPreferencesPassTheState(t *testing.T) {
	t.Parallel()
	s := start(t, todo, mock.Config{Stateful: true})
	s.want(201, "POST", "/v1/items", `{"title":"Tea","done":true}`, "Prefer: code=201")
	s.want(200, "GET", missing, "", "Prefer: dynamic=true")
	if got := s.want(200, "GET", "/v1/items", ""); got.body != `{"tags":["home"],"data":[],"total_count":0}` {
		t.Errorf("listed %s", got.body)
	}
}

// TestPatches: a patch changes the members that it names, or nothing.
func TestPatches(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		typ, patch string
		status     int
		want       string // the members that differ
	}{
		"nothing":      {mergePatch, `{}`, 200, `{}`},
		"set":          {mergePatch, `{"title":"New"}`, 200, `{"title":"New"}`},
		"null removes": {mergePatch, `{"note":null}`, 200, `{"note":null}`},
		"sameKey":      {mergePatch, `{"id":KEY}`, 200, `{}`},
		"otherKey":     {mergePatch, `{"id":"0b1d0b1d-0b1d-4b1d-8b1d-0b1d0b1d0b1d"}`, 400, ""},
		"required":     {mergePatch, `{"title":null}`, 400, ""},
		"tooLong":      {mergePatch, `{"title":"` + strings.Repeat("a", 41) + `"}`, 400, ""},
		"unknown":      {mergePatch, `{"colour":"red"}`, 400, ""},
		"hidden":       {mergePatch, `{"secret":"x","title":"New"}`, 200, `{"title":"New"}`},
		"noObject":     {mergePatch, `[]`, 400, ""},
		"operations":   {jsonPatch, `[{"op":"test","path":"/title","value":"Tea"},{"op":"replace","path":"/title","value":"New"},{"op":"remove","path":"/note"}]`, 200, `{"title":"New","note":null}`},
		"failedTest":   {jsonPatch, `[{"op":"replace","path":"/title","value":"New"},{"op":"test","path":"/title","value":"Tea"}]`, 422, ""},
		"noPlace":      {jsonPatch, `[{"op":"remove","path":"/none"}]`, 422, ""},
		"noOperation":  {jsonPatch, `[{"op":"jump"}]`, 422, ""},
		"invalid":      {jsonPatch, `[{"op":"remove","path":"/title"}]`, 400, ""},
		"otherType":    {"Content-Type: application/json", `{}`, 415, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, todo, mock.Config{Stateful: true})
			created := s.want(201, "POST", "/v1/items", `{"title":"Tea","done":true,"note":"Hot"}`)
			want, at := created.value(t), created.header.Get("Location")
			patch := strings.ReplaceAll(tt.patch, "KEY", fmt.Sprintf("%q", want["id"]))
			s.want(tt.status, "PATCH", at, patch, tt.typ)
			var changes map[string]any
			if tt.want != "" {
				if err := json.Unmarshal([]byte(tt.want), &changes); err != nil {
					t.Fatal(err)
				}
			}
			for name, value := range changes {
				if want[name] = value; value == nil {
					delete(want, name)
				}
			}
			got := s.want(200, "GET", at, "")
			if diff := cmp.Diff(want, got.value(t)); diff != "" {
				t.Error("-want +got\n", diff)
			}
			if changed := got.header.Get("ETag") != created.header.Get("ETag"); changed != (tt.status == 200) {
				t.Errorf("the entity tag changed: %t", changed)
			}
		})
	}
}

// TestConditions: entity tags are evaluated only if the document describes them.
func TestConditions(t *testing.T) {
	t.Parallel()
	s := start(t, todo, mock.Config{Stateful: true})
	created := s.want(201, "POST", "/v1/items", `{"title":"Tea","done":true}`)
	at, tag := created.header.Get("Location"), created.header.Get("ETag")
	s.want(304, "GET", at, "", "If-None-Match: "+tag)
	s.want(304, "GET", at, "", `If-None-Match: "other", W/`+tag)
	s.want(200, "GET", at, "", `If-None-Match: "other"`)
	s.want(412, "PATCH", at, `{"done":false}`, mergePatch, `If-Match: "other"`)
	s.want(412, "DELETE", at, "", `If-Match: "other"`)
	patched := s.want(200, "PATCH", at, `{"done":false}`, mergePatch, `If-Match: "other", `+tag)
	if patched.header.Get("ETag") == tag {
		t.Error("a change did not change the entity tag")
	}
	s.want(412, "PATCH", at, `{"done":true}`, mergePatch, "If-Match: "+tag)
	s.want(200, "PATCH", at, `{"done":true}`, mergePatch, "If-Match: *")

	list := s.want(201, "POST", "/v1/lists", `{"name":"a"}`)
	if list.header.Get("ETag") != "" {
		t.Errorf("an entity tag that the document does not have: %v", list.header)
	}
	s.want(204, "DELETE", list.header.Get("Location"), "", `If-Match: "other"`)
}

// TestShapes: objects within a member of the response, numbers as keys, keys that the client chooses, collections in objects.
func TestShapes(t *testing.T) {
	t.Parallel()
	s := start(t, todo, mock.Config{Stateful: true})
	created := s.want(201, "POST", "/v1/lists", `{"name":"a"}`)
	if result, _ := created.value(t)["result"].(map[string]any); result["name"] != "a" || result["list_id"] != 1.0 || created.header.Get("Location") != "/v1/lists/1" {
		t.Errorf("got %s at %s", created.body, created.header.Get("Location"))
	}
	if got := s.want(200, "GET", "/v1/lists", "").body; got != `[{"list_id":1,"name":"a"}]` {
		t.Errorf("listed %s", got)
	}
	s.want(404, "GET", "/v1/lists/7", "")
	s.want(201, "PUT", "/v1/lists/7", `{"name":"seven"}`)
	s.want(200, "PUT", "/v1/lists/7", `{"name":"Seven"}`)
	if got := s.want(200, "GET", "/v1/lists", "").body; got != `[{"list_id":1,"name":"a"},{"list_id":7,"name":"Seven"}]` {
		t.Errorf("listed %s", got)
	}
	for range 6 {
		s.want(201, "POST", "/v1/lists", `{"name":"b"}`)
	}
	if got := s.want(200, "GET", "/v1/lists", "").body; strings.Count(got, `"list_id":7,`) != 1 || !strings.Contains(got, `"list_id":8,`) {
		t.Errorf("listed %s", got)
	}

	s.want(201, "POST", "/v1/lists/1/notes", `{"id":"a b","text":"x"}`)
	s.want(409, "POST", "/v1/lists/1/notes", `{"id":"a b","text":"y"}`)
	if got := s.want(200, "GET", "/v1/lists/1/notes/a%20b", "").body; got != `{"id":"a b","text":"x"}` {
		t.Errorf("got %s", got)
	}
	s.want(404, "GET", "/v1/lists/7/notes/a%20b", "")
	s.want(204, "DELETE", "/v1/lists/1", "")
	if got := s.want(200, "GET", "/v1/lists/1/notes", "").body; got != "[]" {
		t.Errorf("the notes of a deleted list: %s", got)
	}
}

// TestRoom: the number of objects is limited.
func TestRoom(t *testing.T) {
	t.Parallel()
	s := start(t, todo, mock.Config{Stateful: true, MaxObjects: 2})
	first := s.want(201, "POST", "/v1/items", `{"title":"a","done":true}`)
	s.want(201, "POST", "/v1/lists", `{"name":"a"}`)
	s.want(507, "POST", "/v1/items", `{"title":"b","done":true}`)
	s.want(507, "PUT", "/v1/lists/7", `{"name":"a"}`)
	s.want(200, "PATCH", first.header.Get("Location"), `{"title":"c"}`, mergePatch)
	s.want(204, "DELETE", first.header.Get("Location"), "")
	s.want(201, "POST", "/v1/items", `{"title":"b","done":true}`)
}

// TestAtOnce: concurrent requests all take effect.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t, todo, mock.Config{Stateful: true})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 10 {
				at := s.send("POST", "/v1/items", `{"title":"a","done":true}`).header.Get("Location")
				s.send("PATCH", at, `{"title":"b"}`, mergePatch)
				s.send("GET", "/v1/items", "")
			}
		})
	}
	all.Wait()
	data, _ := s.want(200, "GET", "/v1/items", "").value(t)["data"].([]any)
	keys := map[any]bool{}
	for _, item := range data {
		o, _ := item.(map[string]any)
		if keys[o["id"]] = true; o["title"] != "b" {
			t.Errorf("got %v", o)
		}
	}
	if len(keys) != 80 {
		t.Errorf("%d objects, want 80", len(keys))
	}
}
