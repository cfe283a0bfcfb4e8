package validate

import "context"

// CheckContent checks the content of a body, whose Content-Type is contentType.
func (b *Body) CheckContent(ctx context.Context, contentType string, data []byte) *Faults {
	panic("to be written")
}
