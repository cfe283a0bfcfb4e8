package main

import "encoding/json"

// jsonText writes a string as JSON.
func jsonText(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// unquote returns the string that a JSON string stands for.
func unquote(j string) string {
	var s string
	_ = json.Unmarshal([]byte(j), &s)
	return s
}
