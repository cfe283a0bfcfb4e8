package validate

// FormatOf returns what checks a format of strings, nil if there is nothing to check.
func FormatOf(name string) func(s string) bool {
	text, _ := formatOf(name)
	return text
}

// NumberFormatOf returns what checks a format of numbers, as JSON writes them; nil if there is nothing to check.
func NumberFormatOf(name string) func(literal []byte) bool {
	_, number := formatOf(name)
	return number
}

// DecodeByte returns the bytes that a string of the format byte stands for (RFC 4648 §4).
func DecodeByte(s string) ([]byte, bool) { return decodeByte(s) }

// Schemas returns n schemas that fill has filled, and that [Compile] has prepared. Schemas may refer to each other. It is
// for generated code, and panics if the schemas are invalid.
func Schemas(n int, fill func([]*Schema)) []*Schema {
	list := make([]*Schema, n)
	for i := range list {
		list[i] = &Schema{}
	}
	fill(list)
	for _, s := range list {
		if s.ready {
			continue // another leads to it
		}
		if err := Compile(s); err != nil {
			panic("validate: " + err.Error())
		}
	}
	return list
}

// Rewind moves back to an offset at which the reader has been, at the same depth.
func (r *Reader) Rewind(offset int) {
	if r.bad == 0 {
		r.pos = offset
	}
}

// Since returns the bytes from an offset at which the reader has been to where it stands.
func (r *Reader) Since(offset int) []byte { return r.data[offset:r.pos] }

// Checked reads the value of a member that is not declared, by the schema of such members.
func (r *Reader) Checked(names *NameSet, s *Schema) {
	if r.bad == 0 && !names.add(r.key) {
		r.Duplicate()
	}
	r.Check(s)
}
