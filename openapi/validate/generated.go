package validate

// FormatOf returns the check of a format for strings; nil if there is none.
func FormatOf(name string) func(s string) bool {
	text, _ := formatOf(name)
	return text
}

// NumberFormatOf returns the check of a format for JSON numbers; nil if there is none.
func NumberFormatOf(name string) func(literal []byte) bool {
	_, number := formatOf(name)
	return number
}

// DecodeByte returns the bytes that a string of the format byte encodes (RFC 4648 §4).
func DecodeByte(s string) ([]byte, bool) { return decodeByte(s) }

// Schemas returns n schemas that fill fills, prepared by [Compile]. Schemas may refer to each other. It is for generated
// code and panics if a schema is invalid.
func Schemas(n int, fill func([]*Schema)) []*Schema {
	list := make([]*Schema, n)
	for i := range list {
		list[i] = &Schema{}
	}
	fill(list)
	for _, s := range list {
		if s.ready {
			continue // another one refers to it
		}
		if err := Compile(s); err != nil {
			panic("validate: " + err.Error())
		}
	}
	return list
}

// Rewind moves back to an earlier offset at the same depth.
func (r *Reader) Rewind(offset int) {
	if r.bad == 0 {
		r.pos = offset
	}
}

// Since returns the bytes from an earlier offset to the current one.
func (r *Reader) Since(offset int) []byte { return r.data[offset:r.pos] }
