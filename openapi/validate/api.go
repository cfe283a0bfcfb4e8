package validate

import "context"

// CheckParameters checks the parameters of a request; see [Operation.CheckParams].
func (o *Operation) CheckParameters(ctx context.Context, path []string, query string, header map[string][]string) *Faults {
	panic("to be written")
}

// CheckContent checks the content of a body, whose Content-Type is contentType.
func (b *Body) CheckContent(ctx context.Context, contentType string, data []byte) *Faults {
	panic("to be written")
}
