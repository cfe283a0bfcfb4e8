package spectest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// value is a JSON value of a body. It keeps the text of numbers and the order of members.
type value struct {
	kind  byte   // n b 0 " [ or {
	text  string // of a literal, a number or a string
	names []string
	items []*value
}

// valueOf converts a value of encoding/json.
func valueOf(v any) *value {
	switch v := v.(type) {
	case nil:
		return &value{kind: 'n', text: "null"}
	case bool:
		return &value{kind: 'b', text: strconv.FormatBool(v)}
	case json.Number:
		return &value{kind: '0', text: string(v)}
	case string:
		return &value{kind: '"', text: v}
	case []any:
		list := &value{kind: '['}
		for _, item := range v {
			list.items = append(list.items, valueOf(item))
		}
		return list
	case object:
		o := &value{kind: '{'}
		for _, name := range sortedNames(v) {
			o.set(name, valueOf(v[name]))
		}
		return o
	}
	panic(fmt.Sprintf("%T is not a value", v))
}

func (v *value) set(name string, item *value) {
	if i := slices.Index(v.names, name); i >= 0 {
		v.items[i] = item
		return
	}
	v.names, v.items = append(v.names, name), append(v.items, item)
}

func (v *value) remove(i int) {
	v.items = slices.Delete(v.items, i, i+1)
	if v.kind == '{' {
		v.names = slices.Delete(v.names, i, i+1)
	}
}

// clone returns a deep copy.
func (v *value) clone() *value {
	c := &value{kind: v.kind, text: v.text, names: slices.Clone(v.names)}
	for _, item := range v.items {
		c.items = append(c.items, item.clone())
	}
	return c
}

// all returns the value and those within it.
func (v *value) all() []*value {
	list := []*value{v}
	for _, item := range v.items {
		list = append(list, item.all()...)
	}
	return list
}

// speller writes values, rarely in an unusual form.
type speller struct {
	*Source
	strings.Builder
}

func (w *speller) space() {
	if w.Chance(24) {
		w.WriteString(pick(w.Source, []string{" ", "\n", "\t ", "\r\n"}))
	}
}

func (w *speller) value(v *value) {
	w.space()
	switch v.kind {
	case '"':
		w.string(v.text)
	case '[', '{':
		w.WriteByte(v.kind)
		for i, item := range v.items {
			if i > 0 {
				w.WriteByte(',')
			}
			if v.kind == '{' {
				w.space()
				w.string(v.names[i])
				w.space()
				w.WriteByte(':')
			}
			w.value(item)
		}
		w.space()
		w.WriteByte(v.kind + 2)
	default:
		w.WriteString(v.text)
	}
	w.space()
}

func (w *speller) string(s string) {
	unusual := w.Chance(10)
	w.WriteByte('"')
	for _, c := range s {
		switch {
		case unusual && c > 0xffff:
			fmt.Fprintf(w, `\u%04x\u%04X`, 0xd800+(c-0x10000)>>10, 0xdc00+(c-0x10000)&0x3ff)
		case c < ' ' || unusual && w.Chance(2):
			if c > 0xffff {
				w.WriteRune(c)
				continue
			}
			fmt.Fprintf(w, `\u%04x`, c)
		case c == '"' || c == '\\':
			w.WriteString(`\` + string(c))
		case c == '/' && unusual:
			w.WriteString(`\/`)
		default:
			w.WriteRune(c)
		}
	}
	w.WriteByte('"')
}

func sortedNames(o object) []string {
	names := make([]string, 0, len(o))
	for name := range o {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
