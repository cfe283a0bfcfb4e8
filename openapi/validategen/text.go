package main

import "encoding/json"

func jsonText(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func unquote(j string) string {
	var s string
	_ = json.Unmarshal([]byte(j), &s)
	return s
}
