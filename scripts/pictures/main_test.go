package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

// TestDocumentIsCurrent: the README's picture has the operations of the contract.
func TestDocumentIsCurrent(t *testing.T) {
	t.Parallel()
	want, err := drawDocument()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../" + folder + "/document.svg")
	if err != nil || string(got) != string(want) {
		t.Errorf("%v: the picture is stale: go run ./scripts/pictures draws it", err)
	}
	checkXML(t, want)
}

// TestRoomsAreCurrent: the diagram of the architecture has the imports of the packages, and no two rooms import each other.
func TestRoomsAreCurrent(t *testing.T) {
	t.Parallel()
	imports, err := roomImports(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for from := range rooms {
		if reaches(imports, from, from) {
			t.Errorf("the room %q imports itself through others", rooms[from].name)
		}
	}
	drawn, err := drawRooms(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../" + page)
	if err != nil {
		t.Fatal(err)
	}
	if want, err := replaceDiagram(text, drawn); err != nil || string(want) != string(text) {
		t.Errorf("%v: the diagram is stale: go run ./scripts/pictures rooms draws it", err)
	}
}

// TestTerminal: long output is wrapped and cut, and shows nothing specific to this machine.
func TestTerminal(t *testing.T) {
	t.Parallel()
	picture, err := drawTerminal(session{
		{true, "make run"}, {false, "curl http://127.0.0.1:40123/beta \"$('/home/me/bin/pfxrd' token)\" <&>"}, {true, strings.Repeat("x", 3*columns)},
	})
	if err != nil {
		t.Fatal(err)
	}
	text := string(picture)
	if strings.Contains(text, "40123") || strings.Contains(text, "/home") || !strings.Contains(text, "127.0.0.1:8080") {
		t.Errorf("the picture shows something of this machine:\n%s", text)
	}
	if got := strings.Count(text, "</text>"); got != 2+maxLines || !strings.Contains(text, "…</text>") {
		t.Errorf("got %d lines:\n%s", got, text)
	}
	checkXML(t, picture)
	committed, err := os.ReadFile("../../" + folder + "/first-minute.svg")
	if err != nil || !strings.Contains(string(committed), "HTTP/1.1 200 OK") {
		t.Errorf("%v: the committed picture has no response with 200", err)
	}
	checkXML(t, committed)
}

func checkXML(t *testing.T, text []byte) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(string(text))); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Error(err)
			return
		}
	}
}
