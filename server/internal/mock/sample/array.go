package sample

import (
	"bytes"
	"slices"

	"github.com/pfxrecryption/pfxrecryption/openapi/validate"
)

// maxItems is the most items generated, unless more are required.
const maxItems = 1000

// array generates an array.
func (t *try) array(d *demand, n int) ([]byte, bool) {
	least := d.least(func(s *validate.Schema) *int { return s.MinItems })
	most := d.most(func(s *validate.Schema) *int { return s.MaxItems })
	contained := d.contained()
	count := max(least, len(contained))
	if t.wants(d, n) {
		count = max(count, 1+t.pick(3), d.prefix())
	}
	if count = min(count, most, max(least, maxItems)); count < least || t.left < count {
		return nil, false
	}
	unique := slices.ContainsFunc(d.all, func(s *validate.Schema) bool { return s.UniqueItems })
	var items [][]byte
	for i := range count {
		schemas := d.itemSchemas(i)
		if at := containedAt(i, count, len(contained), n); at >= 0 {
			schemas = append(schemas, contained[at])
		}
		item, ok := t.item(schemas, items, unique)
		if !ok {
			if i < least {
				return nil, false
			}
			break
		}
		items = append(items, item)
	}
	return slices.Concat([]byte("["), bytes.Join(items, []byte(",")), []byte("]")), true
}

// prefix returns how many items have their own schemas.
func (d *demand) prefix() int {
	n := 0
	for _, s := range d.all {
		n = max(n, len(s.PrefixItems))
	}
	return n
}

// contained returns the schemas of the items that contains requires, one for each item.
func (d *demand) contained() []*validate.Schema {
	var list []*validate.Schema
	for _, s := range d.all {
		if s.Contains == nil {
			continue
		}
		count := 1
		if s.MinContains != nil {
			count = *s.MinContains
		}
		list = append(list, slices.Repeat([]*validate.Schema{s.Contains}, min(count, maxItems))...)
	}
	return list
}

// containedAt returns the index of the contained schema for item i, or -1. Contained items are at the end, or in every other
// try at the beginning.
func containedAt(i, count, contained, n int) int {
	if n%2 == 0 {
		i -= count - contained
	}
	if i < 0 || i >= contained {
		return -1
	}
	return i
}

func (d *demand) itemSchemas(i int) []*validate.Schema {
	var list []*validate.Schema
	for _, s := range d.all {
		switch {
		case i < len(s.PrefixItems):
			list = append(list, s.PrefixItems[i])
		case s.Items != nil:
			list = append(list, s.Items)
		}
	}
	return list
}

// maxRepeats is how often an item is generated to make it unique.
const maxRepeats = 30

// item generates an item. If unique is true, it differs from those before.
func (t *try) item(schemas []*validate.Schema, before [][]byte, unique bool) ([]byte, bool) {
	item, ok := t.value(schemas)
	if !unique || !ok {
		return item, ok
	}
	options := t.Options
	defer func() { t.Options = options }()
	for range maxRepeats {
		if !slices.ContainsFunc(before, func(other []byte) bool { return bytes.Equal(other, item) }) {
			return item, true
		}
		t.Vary, t.Given = true, nil
		if item, ok = t.value(schemas); !ok {
			return nil, false
		}
	}
	return nil, false
}
