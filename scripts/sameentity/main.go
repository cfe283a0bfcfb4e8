// Command sameentity compares the names, values and order of the members of two flat JSON objects. If they differ, it lists
// the differences and exits with 1.
//
//	sameentity expected.json actual.json
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: sameentity EXPECTED ACTUAL")
		os.Exit(2)
	}
	expected, err := read(os.Args[1])
	if err == nil {
		var actual []member
		if actual, err = read(os.Args[2]); err == nil {
			err = compare(expected, actual)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sameentity:", err)
		os.Exit(1)
	}
	fmt.Printf("same: all %d members, in value and order\n", len(expected))
}

type member struct {
	name  string
	value string // as JSON
}

func read(file string) ([]member, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("%s does not hold a JSON object", file)
	}
	var members []member
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", file, err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, fmt.Errorf("reading %s: %w", file, err)
		}
		members = append(members, member{fmt.Sprint(name), string(value)})
	}
	return members, nil
}

func compare(expected, actual []member) error {
	var differences int
	for i := range max(len(expected), len(actual)) {
		want, got := at(expected, i), at(actual, i)
		if want != got {
			differences++
			fmt.Fprintf(os.Stderr, "member %d: want %s, got %s\n", i+1, want, got)
		}
	}
	if differences > 0 {
		return fmt.Errorf("%d members differ", differences)
	}
	return nil
}

func at(members []member, i int) member {
	if i >= len(members) {
		return member{}
	}
	return members[i]
}

func (m member) String() string {
	if m.name == "" {
		return "none"
	}
	return fmt.Sprintf("%q: %s", m.name, m.value)
}
