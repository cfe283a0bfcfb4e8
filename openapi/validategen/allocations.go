package main

import (
	"go/types"
	"strconv"
)

const (
	// maxOptional is the size in bytes of the largest member that shares an allocation. Larger ones gain little.
	maxOptional = 64
	// maxOptionals is the size in bytes of the largest shared allocation. It bounds what an object with one of many
	// optional members takes, and what a handler holds that keeps a pointer to one member alone.
	maxOptionals = 256
)

// sizes are those of the platforms with 64 bits. On others, a shared allocation is smaller.
var sizes = types.SizesFor("gc", "amd64")

// allocation is one that optional members of an object share: the Go type has a pointer for each.
type allocation struct {
	variable string // that points to the allocation
	typeName string
	members  []member
	size     int64
}

// shareOptionals writes the types of the shared allocations of an object, and notes for each member which one it has.
func (g *generator) shareOptionals(o *object, title string) {
	var all []*allocation
	for _, m := range o.members {
		size := g.optionalSize(m)
		if size == 0 {
			continue
		}
		if n := len(all); n == 0 || all[n-1].size+size > maxOptionals {
			all = append(all, &allocation{variable: variable(n)})
		}
		last := all[len(all)-1]
		last.members, last.size = append(last.members, m), last.size+size
	}
	o.shared = map[string]*allocation{}
	for _, group := range all {
		if len(group.members) > 1 {
			g.writeOptionals(o, group, title)
		}
	}
}

// variable returns the variable of the n-th allocation, counted from 0.
func variable(n int) string {
	if n == 0 {
		return "optional"
	}
	return "optional" + strconv.Itoa(n+1)
}

func (g *generator) writeOptionals(o *object, group *allocation, title string) {
	group.typeName = g.unique("optional" + title)
	g.p("// %s holds optional members of %s, to allocate them together.", group.typeName, o.Pointer)
	g.p("type %s struct {", group.typeName)
	for _, m := range group.members {
		g.p("%s %s", m.field.name, g.typ(unwrap(m.field.typ).value))
		o.shared[m.name] = group
	}
	g.p("}\n")
	o.allocations = append(o.allocations, group)
}

// optionalSize returns the size in bytes of what a member's pointer points to, 0 if it gets its own allocation.
func (g *generator) optionalSize(m member) int64 {
	if m.field == nil || m.refused != "" || m.schema.takesNull() {
		return 0
	}
	u := unwrap(m.field.typ)
	if u.how != pointer || unwrap(u.value).how != bare {
		return 0
	}
	if size := sizes.Sizeof(u.value); size <= maxOptional {
		return size
	}
	return 0
}

// assignOptional writes the lines that read a member into the shared allocation.
func (g *generator) assignOptional(o *object, m member, group *allocation) error {
	g.p("if %s == nil {\n%[1]s = new(%s)\n}", group.variable, group.typeName)
	place := group.variable + "." + m.field.name
	if err := g.assign(place, unwrap(m.field.typ).value, m.schema, o.dir); err != nil {
		return err
	}
	g.p("v.%s = &%s", m.field.name, place)
	return nil
}

// firstItems returns how many items of an array are kept on the stack until their number is known. A short array then
// takes one allocation of its size, where appending takes one for each power of two. It returns 0 for large items.
func firstItems(item types.Type) int64 {
	const most, stack = 8, 1024
	n := min(most, stack/max(1, sizes.Sizeof(item)))
	if n < 2 {
		return 0
	}
	return n
}
