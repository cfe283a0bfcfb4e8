package validate

// compiled is what [Compile] adds to a schema.
type compiled struct{}

// Compile prepares schemas, and all that they lead to, for use. It is called once, before the first value is checked.
func Compile(schemas ...*Schema) error { return nil }
